import { describe, expect, test } from "vitest";
import { Bench, PEERS_CALL_ID, sample, sampleOctets } from "../../../test/control-peer.js";
import { instant } from "../../base/instant.js";
import { lease } from "../../base/lease.js";
import { control } from "../../limits.js";
import { DisconnectResult } from "../../wire/pptp/codes.js";
import { type ControlMessageKind, controlMessageLayouts } from "../../wire/pptp/index.js";
import type { EndCause } from "../access/ports.js";
import type { Call } from "./call.js";
import { disconnectCodes } from "./call.js";
import { PacIncomingCall, PnsIncomingCall } from "./incoming-call.js";
import { PacOutgoingCall, PnsOutgoingCall } from "./outgoing-call.js";
import type { CallRefusal, ControlPolicy } from "./ports.js";
import { callAction, callColumns } from "./state-table.js";

const PEERS = PEERS_CALL_ID;
const both = { takeIncomingCalls: true, takeOutgoingCalls: true } satisfies Partial<ControlPolicy>;

function server(): Bench {
  return new Bench(both).established();
}

function client(): Bench {
  return new Bench({ ...both, side: "opened" }).established();
}

describe("PAC, outgoing: the peer asks by Outgoing-Call-Request", () => {
  test("asked, and answered only once the data path is ready", () => {
    const bench = server().receive("OutgoingCallRequest", {
      packetRecvWindowSize: 3,
      packetProcessingDelay: 2,
      phoneNumberLength: 3,
      phoneNumber: "12345",
    });
    const terms = {
      callId: 1,
      peersCallId: PEERS,
      role: "PAC",
      peersWindow: 3,
      peersProcessingDelay: 2,
      number: "123",
    };
    expect(bench.told).toEqual([{ kind: "CallAsked", terms }]);
    expect(bench.sent).toEqual([]);
    bench.accept(1);
    expect(bench.sent).toEqual([
      {
        kind: "OutgoingCallReply",
        callId: 1,
        peersCallId: PEERS,
        resultCode: 1,
        errorCode: 0,
        causeCode: 0,
        connectSpeed: 100_000_000,
        packetRecvWindowSize: 64,
        packetProcessingDelay: 0,
        physicalChannelId: 0,
      },
    ]);
    expect(bench.ledger.balance()).toEqual({ callId: 1 });
    bench.accept(1);
    expect(bench.sent).toHaveLength(1);
    expect(bench.noted).toEqual(["late accept"]);
  });

  test("the peer's Call ID may be 0", () => {
    const bench = server().receive("OutgoingCallRequest", { callId: 0 }).accept(1);
    expect(bench.sent).toMatchObject([{ resultCode: 1, peersCallId: 0 }]);
    bench.receive("CallClearRequest", { callId: 0 });
    expect(bench.told.at(-1)).toEqual({ kind: "CallEnded", callId: 1, cause: "call-cleared" });
  });

  test.each([
    ["no-resource", 2, 4],
    ["not-authorised", 7, 0],
    ["busy", 4, 0],
    ["general-error", 2, 6],
  ] as const)("refused %s: OCRP %d/%d, ended once, nothing held", (refusal, result, error) => {
    const bench = server().receive("OutgoingCallRequest").forget();
    bench.connection.refuseCall(1, refusal satisfies CallRefusal, bench.at);
    bench.connection.refuseCall(1, refusal, bench.at);
    bench.drain();
    const resultCode = result;
    expect(bench.sent).toMatchObject([
      { resultCode, errorCode: error, peersCallId: PEERS, callId: 0 },
    ]);
    expect(bench.told).toEqual([{ kind: "CallEnded", callId: 1, cause: "refused" }]);
    expect(bench.ledger.size).toBe(0);
  });

  test("the data path does not answer by installMs: OCRP 2/4", () => {
    const bench = server()
      .receive("OutgoingCallRequest")
      .forget()
      .pass(control.installMs - 1);
    expect(bench.sent).toEqual([]);
    bench.pass(1);
    expect(bench.sent).toMatchObject([{ resultCode: 2, errorCode: 4 }]);
    expect(bench.told).toEqual([{ kind: "CallEnded", callId: 1, cause: "refused" }]);
    bench.forget().accept(1);
    expect([bench.sent, bench.noted]).toEqual([[], ["late accept"]]);
  });

  test("ten asked: eight, and the others 2/4 (G-08)", () => {
    const bench = server();
    for (let i = 0; i < 10; i++) bench.receive("OutgoingCallRequest", { callId: i });
    expect(bench.told.filter(({ kind }) => kind === "CallAsked")).toHaveLength(8);
    expect(bench.sent).toMatchObject([
      { resultCode: 2, errorCode: 4, peersCallId: 8 },
      { resultCode: 2, errorCode: 4, peersCallId: 9 },
    ]);
    expect(bench.ledger.balance()).toEqual({ callId: 8 });
    // A seat is free again.
    for (const callId of [1, 2]) bench.accept(callId);
    bench.receive("CallClearRequest", { callId: 0 }).forget();
    bench.receive("OutgoingCallRequest", { callId: 99 });
    expect(bench.told).toMatchObject([{ kind: "CallAsked", terms: { callId: 9 } }]);
  });

  test("no Call ID to be had: OCRP 2/4", () => {
    const bench = server();
    bench.callIdsLeft = 0;
    bench.receive("OutgoingCallRequest");
    expect(bench.sent).toMatchObject([{ resultCode: 2, errorCode: 4 }]);
    expect(bench.told).toEqual([]);
  });

  test("not taken by policy: OCRP 7", () => {
    const bench = new Bench({ takeOutgoingCalls: false }).established();
    bench.receive("OutgoingCallRequest");
    expect(bench.sent).toMatchObject([{ resultCode: 7, errorCode: 0 }]);
    expect(bench.told).toEqual([]);
  });

  test("a Call ID the peer has in use: OCRP 2/5, and that call goes on", () => {
    const bench = server().receive("OutgoingCallRequest").accept(1).forget();
    bench.receive("OutgoingCallRequest");
    expect(bench.sent).toMatchObject([{ resultCode: 2, errorCode: 5, peersCallId: PEERS }]);
    expect(bench.told).toEqual([]);
    expect(bench.connection.snapshot().calls).toMatchObject([{ callId: 1, state: "established" }]);
  });

  test.each(["wait_cs_ans", "established"])(
    "%s, Call-Clear-Request: CDN 4 with our Call ID",
    (s) => {
      const bench = server().receive("OutgoingCallRequest");
      if (s === "established") bench.accept(1);
      bench.forget().receive("CallClearRequest");
      expect(bench.sent).toMatchObject([
        { kind: "CallDisconnectNotify", callId: 1, resultCode: 4, errorCode: 0 },
      ]);
      expect(bench.told).toEqual([{ kind: "CallEnded", callId: 1, cause: "call-cleared" }]);
      expect(bench.ledger.size).toBe(0);
      bench.forget().receive("CallClearRequest");
      expect([bench.sent, bench.noted]).toEqual([[], ["CCR of no call"]]);
    },
  );

  test("established, Call-Clear-Request of another call: out of state", () => {
    const bench = server().receive("OutgoingCallRequest").accept(1).forget();
    // Our own Call ID is not the one a Call-Clear-Request carries.
    bench.receive("CallClearRequest", { callId: 1 });
    expect([bench.sent, bench.told, bench.noted]).toEqual([[], [], ["CCR of no call"]]);
  });

  test("cleared by us: CDN before and OCRP 2/4 instead of it", () => {
    const bench = server().receive("OutgoingCallRequest").forget();
    bench.connection.clearCall(1, "administrator", bench.at);
    bench.drain();
    expect(bench.sent).toMatchObject([{ kind: "OutgoingCallReply", resultCode: 2, errorCode: 4 }]);
    bench.receive("OutgoingCallRequest").accept(2).forget();
    bench.connection.clearCall(2, "administrator", bench.at);
    bench.connection.clearCall(2, "administrator", bench.at);
    bench.drain();
    expect(bench.sent).toMatchObject([
      { kind: "CallDisconnectNotify", callId: 2, resultCode: DisconnectResult.adminShutdown },
    ]);
    expect(bench.told).toEqual([{ kind: "CallEnded", callId: 2, cause: "administrator" }]);
  });

  test("Set-Link-Info any number of times: told, no answer, no change", () => {
    const bench = server().receive("OutgoingCallRequest").accept(1).forget();
    bench.receive("SetLinkInfo", { sendAccm: 0, receiveAccm: 0xffffffff });
    bench.receive("SetLinkInfo");
    expect(bench.sent).toEqual([]);
    expect(bench.told).toEqual([
      { kind: "LinkInfo", callId: 1, sendAccm: 0, receiveAccm: 0xffffffff },
      { kind: "LinkInfo", callId: 1, sendAccm: 1, receiveAccm: 1 },
    ]);
  });

  test("FIN right after Call-Clear-Request, without Stop: as pptp-linux leaves", () => {
    const bench = server().receive("OutgoingCallRequest").accept(1).receive("CallClearRequest");
    bench.connection.handleClosed(bench.at);
    bench.drain();
    expect(bench.told.filter(({ kind }) => kind === "CallEnded")).toHaveLength(1);
    expect(bench.told.at(-1)).toEqual({ kind: "Close", cause: "control-closed" });
    expect(bench.ledger.size).toBe(0);
  });

  test("the peer's TCP gone: all calls end, nothing is left to write", () => {
    const bench = server();
    for (const callId of [5, 6, 7]) bench.receive("OutgoingCallRequest", { callId });
    bench.accept(2).forget();
    bench.connection.handleClosed(bench.at);
    bench.drain();
    expect(bench.told).toEqual([
      ...[1, 2, 3].map((callId) => ({ kind: "CallEnded", callId, cause: "control-closed" })),
      { kind: "Close", cause: "control-closed" },
    ]);
    expect(bench.sent).toEqual([]);
    expect(bench.ledger.size).toBe(0);
  });

  test("a lease that cannot be given back: the call ends all the same, the Ledger keeps it", () => {
    let broken = true;
    const stubborn = lease(() => {
      if (broken) throw new Error("not now");
    });
    const leaseCallId = () => ({ callId: 1, ...stubborn });
    const bench = new Bench(both, { leaseCallId }).established();
    bench.receive("OutgoingCallRequest").accept(1).forget().receive("CallClearRequest");
    expect(bench.told).toEqual([{ kind: "CallEnded", callId: 1, cause: "call-cleared" }]);
    expect(bench.noted).toEqual(["call lease stuck"]);
    expect(bench.ledger.stuck).toBe(1);
    broken = false;
    expect(bench.ledger.retryStuck(1)).toBe(1);
    expect(bench.ledger.size).toBe(0);
  });
});

describe("PNS, outgoing: we ask by Outgoing-Call-Request", () => {
  function placed(): Bench {
    const bench = client();
    expect(bench.connection.placeCall(bench.at, { number: "5551" })).toBe(1);
    bench.drain();
    return bench;
  }

  test("asked with our number and window; the answer tells the terms", () => {
    const bench = placed();
    expect(bench.sent).toEqual([
      {
        kind: "OutgoingCallRequest",
        callId: 1,
        callSerialNumber: 1,
        minimumBps: 300,
        maximumBps: 100_000_000,
        bearerType: 3,
        framingType: 3,
        packetRecvWindowSize: 64,
        packetProcessingDelay: 0,
        phoneNumberLength: 4,
        phoneNumber: "5551",
        subaddress: "",
      },
    ]);
    bench.receive("OutgoingCallReply", { packetRecvWindowSize: 9, packetProcessingDelay: 4 });
    const terms = {
      callId: 1,
      peersCallId: PEERS,
      role: "PNS",
      peersWindow: 9,
      peersProcessingDelay: 4,
      number: "5551",
    };
    expect(bench.told).toEqual([{ kind: "CallUp", terms }]);
    bench.receive("OutgoingCallReply");
    expect(bench.noted).toEqual(["OCRP in pnsOutgoing established"]);
  });

  test.each([2, 3, 4, 5, 6, 7, 0, 200])("OCRP %d: ended as refused", (resultCode) => {
    const bench = placed().receive("OutgoingCallReply", { resultCode });
    expect(bench.told).toEqual([{ kind: "CallEnded", callId: 1, cause: "refused" }]);
    expect(bench.ledger.size).toBe(0);
  });

  test("OCRP of a Call ID that is not ours is nobody's (T-35)", () => {
    const bench = placed().receive("OutgoingCallReply", { peersCallId: 2 });
    expect([bench.told, bench.noted]).toEqual([[], ["OCRP of no call"]]);
  });

  test("no OCRP within a minute closes the whole connection (RFC 2637 §3.2)", () => {
    const bench = placed();
    bench.pass(59_999).forget().pass(1);
    expect(bench.sent.map(({ kind }) => kind)).toContain("StopControlConnectionRequest");
    expect(bench.told).toEqual([
      { kind: "CallEnded", callId: 1, cause: "control-timeout" },
      { kind: "Close", cause: "control-timeout" },
    ]);
  });

  test.each([
    ["the PAC's, as the RFC says", PEERS, []],
    ["ours, as accel-ppp does", 1, ["CDN with our Call ID"]],
  ])("CDN carrying %s: ended", (_, callId, noted) => {
    const bench = placed().receive("OutgoingCallReply").forget();
    bench.receive("CallDisconnectNotify", { callId });
    expect(bench.told).toEqual([{ kind: "CallEnded", callId: 1, cause: "call-cleared" }]);
    expect(bench.noted).toEqual(noted);
    expect(bench.sent).toEqual([]);
  });

  test("CDN naming one call by the PAC's Call ID and another by ours: the RFC's reading", () => {
    const bench = placed();
    bench.connection.placeCall(bench.at);
    bench.receive("OutgoingCallReply", { callId: 2, peersCallId: 1 });
    bench.receive("OutgoingCallReply", { callId: 9, peersCallId: 2 }).forget();
    bench.receive("CallDisconnectNotify", { callId: 2 });
    expect(bench.told).toEqual([{ kind: "CallEnded", callId: 1, cause: "call-cleared" }]);
  });

  test("CDN of neither: nobody's", () => {
    const bench = placed().receive("OutgoingCallReply").forget();
    bench.receive("CallDisconnectNotify", { callId: 77 });
    expect([bench.told, bench.noted]).toEqual([[], ["CDN of no call"]]);
  });

  test("cleared: CCR with our own Call ID, ended by the CDN", () => {
    const bench = placed().receive("OutgoingCallReply").forget();
    bench.connection.clearCall(1, "administrator", bench.at);
    bench.connection.clearCall(1, "administrator", bench.at);
    bench.drain();
    expect(bench.sent).toEqual([{ kind: "CallClearRequest", callId: 1 }]);
    expect(bench.told).toEqual([]);
    bench.receive("CallDisconnectNotify");
    expect(bench.told).toEqual([{ kind: "CallEnded", callId: 1, cause: "administrator" }]);
  });

  test("cleared, and no CDN comes: ended clearReplyMs later, the connection stays", () => {
    const bench = placed().receive("OutgoingCallReply").forget();
    bench.connection.clearCall(1, "idle-limit", bench.at);
    bench.pass(control.clearReplyMs - 1);
    expect(bench.told).toEqual([]);
    bench.pass(1);
    expect(bench.told).toEqual([{ kind: "CallEnded", callId: 1, cause: "idle-limit" }]);
    expect(bench.connection.state).toBe("established");
  });

  test("cleared before the answer: a late yes waits for its CDN, a late no is the end", () => {
    for (const resultCode of [1, 4]) {
      const bench = placed().forget();
      bench.connection.clearCall(1, "administrator", bench.at);
      bench.receive("OutgoingCallReply", { resultCode });
      const ended = { kind: "CallEnded", callId: 1, cause: "administrator" };
      expect(bench.told).toEqual(resultCode === 1 ? [] : [ended]);
      bench.receive("CallDisconnectNotify");
      expect(bench.told).toEqual([ended]);
    }
  });

  test("WAN-Error-Notify: told as it is", () => {
    const bench = placed().receive("OutgoingCallReply").forget();
    bench.receive("WanErrorNotify", { crcErrors: 7, alignmentErrors: 0xffffffff });
    expect(bench.told).toEqual([
      {
        kind: "WanErrors",
        callId: 1,
        errors: {
          crcErrors: 7,
          framingErrors: 1,
          hardwareOverruns: 1,
          bufferOverruns: 1,
          timeOutErrors: 1,
          alignmentErrors: 0xffffffff,
        },
      },
    ]);
  });

  test("Set-Link-Info goes to the PAC's Call ID, in established only", () => {
    const bench = placed().forget();
    bench.connection.sendSetLinkInfo(1);
    bench.connection.sendSetLinkInfo(2);
    bench.drain();
    expect(bench.sent).toEqual([]);
    bench.receive("OutgoingCallReply");
    bench.connection.sendSetLinkInfo(1);
    bench.drain();
    const accm = 0xffffffff;
    expect(bench.sent).toEqual([
      { kind: "SetLinkInfo", peersCallId: PEERS, sendAccm: accm, receiveAccm: accm },
    ]);
  });

  test("none before the connection is established, at the limit, or without a Call ID", () => {
    const early = new Bench({ side: "opened" });
    expect(early.connection.placeCall(early.at)).toBeUndefined();
    const bench = client();
    for (let i = 0; i < control.callsPerConnectionMax; i++) {
      expect(bench.connection.placeCall(bench.at)).toBe(i + 1);
    }
    expect(bench.connection.placeCall(bench.at)).toBeUndefined();
    const poor = client();
    poor.callIdsLeft = 0;
    expect(poor.connection.offerCall(poor.at)).toBeUndefined();
  });
});

describe("PNS, incoming: the peer asks by Incoming-Call-Request", () => {
  function asked(): Bench {
    return server().receive("IncomingCallRequest", { dialedNumberLength: 2, dialedNumber: "42" });
  }

  test("refused by default: ICRP 3, no call", () => {
    const bench = new Bench().established().receive("IncomingCallRequest");
    expect(bench.sent).toMatchObject([
      { kind: "IncomingCallReply", callId: 0, peersCallId: PEERS, resultCode: 3, errorCode: 0 },
    ]);
    expect([bench.told, bench.ledger.size]).toEqual([[], 0]);
  });

  test.each(["dialedNumberLength", "dialingNumberLength"])("%s above 64: ICRP 2/3", (field) => {
    const bench = server().receive("IncomingCallRequest", { [field]: 65 });
    expect(bench.sent).toMatchObject([{ resultCode: 2, errorCode: 3, peersCallId: PEERS }]);
    expect([bench.told, bench.ledger.size]).toEqual([[], 0]);
  });

  test("taken: asked, ICRP 1 at acceptCall, up with the terms of ICCN", () => {
    const bench = asked();
    expect(bench.told).toMatchObject([
      { kind: "CallAsked", terms: { callId: 1, peersCallId: PEERS, role: "PNS", number: "42" } },
    ]);
    bench.forget().receive("IncomingCallConnected").accept(1);
    expect(bench.noted).toEqual(["ICCN in pnsIncoming wait_accept"]);
    expect(bench.sent).toMatchObject([
      { kind: "IncomingCallReply", callId: 1, peersCallId: PEERS, resultCode: 1 },
    ]);
    bench.receive("IncomingCallConnected", { packetRecvWindowSize: 5, packetTransmitDelay: 6 });
    expect(bench.told).toMatchObject([
      { kind: "CallUp", terms: { callId: 1, peersWindow: 5, peersProcessingDelay: 6 } },
    ]);
  });

  test.each([
    ["no-resource", 2, 4],
    ["not-authorised", 3, 0],
    ["busy", 3, 0],
    ["general-error", 2, 4],
  ] as const)("refused %s: ICRP %d/%d", (refusal, resultCode, errorCode) => {
    const bench = asked().forget();
    bench.connection.refuseCall(1, refusal, bench.at);
    bench.drain();
    expect(bench.sent).toMatchObject([{ resultCode, errorCode, callId: 0, peersCallId: PEERS }]);
    expect(bench.told).toEqual([{ kind: "CallEnded", callId: 1, cause: "refused" }]);
  });

  test("the same Call ID twice: ICRP 2/5; more than callsPerConnectionMax: 2/4", () => {
    const bench = asked().forget().receive("IncomingCallRequest");
    expect(bench.sent).toMatchObject([{ resultCode: 2, errorCode: 5 }]);
    for (let i = 0; i < 7; i++) bench.receive("IncomingCallRequest", { callId: i });
    bench.forget().receive("IncomingCallRequest", { callId: 99 });
    expect(bench.sent).toMatchObject([{ resultCode: 2, errorCode: 4, peersCallId: 99 }]);
  });

  test("no acceptCall by installMs: ICRP 2/4; no ICCN within a minute: the connection closes", () => {
    const late = asked().forget().pass(control.installMs);
    expect(late.sent).toMatchObject([{ resultCode: 2, errorCode: 4 }]);
    expect(late.told).toEqual([{ kind: "CallEnded", callId: 1, cause: "refused" }]);
    const bench = new Bench({ ...both, side: "opened" }).established();
    bench.receive("IncomingCallRequest").accept(1).pass(59_999).forget().pass(1);
    expect(bench.told.at(-1)).toEqual({ kind: "Close", cause: "control-timeout" });
  });

  test.each(["wait_accept", "wait_connect", "established"])("%s, CDN: ended", (state) => {
    const bench = asked();
    if (state !== "wait_accept") bench.accept(1);
    if (state === "established") bench.receive("IncomingCallConnected");
    bench.forget().receive("CallDisconnectNotify");
    expect(bench.told).toEqual([{ kind: "CallEnded", callId: 1, cause: "call-cleared" }]);
    expect([bench.sent, bench.ledger.size]).toEqual([[], 0]);
  });

  test("cleared by us: refused while asked; later CCR, then CDN or clearReplyMs", () => {
    const early = asked().forget();
    early.connection.clearCall(1, "shutdown", early.at);
    early.drain();
    expect(early.sent).toMatchObject([{ kind: "IncomingCallReply", resultCode: 2 }]);
    expect(early.told).toEqual([{ kind: "CallEnded", callId: 1, cause: "shutdown" }]);
    for (const answered of [true, false]) {
      const bench = asked().accept(1).receive("IncomingCallConnected").forget();
      bench.connection.sendSetLinkInfo(1);
      bench.connection.clearCall(1, "shutdown", bench.at);
      bench.connection.clearCall(1, "shutdown", bench.at);
      bench.drain();
      expect(bench.sent).toMatchObject([
        { kind: "SetLinkInfo", peersCallId: PEERS },
        { kind: "CallClearRequest", callId: 1 },
      ]);
      if (answered) bench.receive("CallDisconnectNotify");
      else bench.pass(control.clearReplyMs);
      expect(bench.told).toEqual([{ kind: "CallEnded", callId: 1, cause: "shutdown" }]);
    }
  });

  test("WAN-Error-Notify of an established call: told", () => {
    const bench = asked().accept(1).receive("IncomingCallConnected").forget();
    bench.receive("WanErrorNotify");
    expect(bench.told).toMatchObject([{ kind: "WanErrors", callId: 1 }]);
  });
});

describe("PAC, incoming: we offer by Incoming-Call-Request", () => {
  function offered(): Bench {
    const bench = client();
    expect(bench.connection.offerCall(bench.at)).toBe(1);
    bench.drain();
    return bench;
  }

  test("ICRP 1: ICCN to the PNS's Call ID, and up", () => {
    const bench = offered();
    expect(bench.sent).toMatchObject([{ kind: "IncomingCallRequest", callId: 1 }]);
    bench.forget().receive("IncomingCallReply", { packetRecvWindowSize: 8 });
    expect(bench.sent).toMatchObject([
      { kind: "IncomingCallConnected", peersCallId: PEERS, packetRecvWindowSize: 64 },
    ]);
    expect(bench.told).toMatchObject([
      { kind: "CallUp", terms: { callId: 1, peersCallId: PEERS, role: "PAC", peersWindow: 8 } },
    ]);
    bench.forget().receive("SetLinkInfo").receive("IncomingCallReply");
    expect(bench.told).toMatchObject([{ kind: "LinkInfo", callId: 1 }]);
    expect(bench.noted).toEqual(["ICRP in pacIncoming established"]);
  });

  test.each([2, 3, 0])("ICRP %d: ended as refused", (resultCode) => {
    const bench = offered().receive("IncomingCallReply", { resultCode });
    expect(bench.told).toEqual([{ kind: "CallEnded", callId: 1, cause: "refused" }]);
    expect(bench.ledger.size).toBe(0);
  });

  test("CCR: CDN 4; cleared by us: CDN; no ICRP within a minute: the connection closes", () => {
    const cleared = offered().receive("IncomingCallReply").forget().receive("CallClearRequest");
    expect(cleared.sent).toMatchObject([
      { kind: "CallDisconnectNotify", resultCode: 4, callId: 1 },
    ]);
    expect(cleared.told).toEqual([{ kind: "CallEnded", callId: 1, cause: "call-cleared" }]);
    const ours = offered().forget();
    ours.connection.clearCall(1, "worker-lost", ours.at);
    ours.drain();
    expect(ours.sent).toMatchObject([
      { kind: "CallDisconnectNotify", resultCode: 2, errorCode: 6 },
    ]);
    const silent = offered().pass(59_999).forget().pass(1);
    expect(silent.told.at(-1)).toEqual({ kind: "Close", cause: "control-timeout" });
  });
});

describe("codes", () => {
  test.each<[EndCause, number, number]>([
    ["call-cleared", 4, 0],
    ["administrator", 3, 0],
    ["shutdown", 3, 0],
    ["time-limit", 3, 0],
    ["address-unavailable", 2, 4],
    ["internal-error", 2, 6],
    ["echo-timeout", 1, 0],
    ["authentication-failed", 1, 0],
  ])("CDN for %s: %d/%d", (why, resultCode, errorCode) => {
    expect(disconnectCodes(why)).toEqual({ resultCode, errorCode });
  });
});

describe("each cell of the call table", () => {
  const policy: ControlPolicy = {
    ...both,
    side: "accepted",
    hostName: "",
    vendorString: "",
    firmwareRevision: 0,
    callsPerConnectionMax: 8,
    packetRecvWindowSize: 64,
  };
  const at = instant(0);
  const message = (kind: ControlMessageKind) => sample(kind) as never;

  const pacOutgoing = () => new PacOutgoingCall(1, message("OutgoingCallRequest"), policy, at);
  const pnsOutgoing = () => new PnsOutgoingCall(1, "", policy, at);
  const pacIncoming = () => new PacIncomingCall(1, policy, at);
  const pnsIncoming = () => new PnsIncomingCall(1, message("IncomingCallRequest"), policy, at);
  const into = <C extends Call>(call: C, act: (call: C) => unknown): C => {
    act(call);
    return call;
  };
  const connected = (call: PnsIncomingCall) => {
    call.accept(at);
    call.handle(sample("IncomingCallConnected"));
  };
  const inColumn: Record<(typeof callColumns)[number], () => Call> = {
    "pacOutgoing wait_cs_ans": pacOutgoing,
    "pacOutgoing established": () => into(pacOutgoing(), (call) => call.accept()),
    "pnsOutgoing wait_reply": pnsOutgoing,
    "pnsOutgoing established": () =>
      into(pnsOutgoing(), (call) => call.handle(sample("OutgoingCallReply"))),
    "pnsOutgoing wait_disconnect": () => into(pnsOutgoing(), (call) => call.clear("shutdown", at)),
    "pacIncoming wait_reply": pacIncoming,
    "pacIncoming established": () =>
      into(pacIncoming(), (call) => call.handle(sample("IncomingCallReply"))),
    "pnsIncoming wait_accept": pnsIncoming,
    "pnsIncoming wait_connect": () => into(pnsIncoming(), (call) => call.accept(at)),
    "pnsIncoming established": () => into(pnsIncoming(), connected),
    "pnsIncoming wait_disconnect": () =>
      into(pnsIncoming(), (call) => {
        connected(call);
        call.clear("shutdown", at);
      }),
  };

  test.each(callColumns)("%s: acts where the table says so, and nowhere else", (column) => {
    for (const { kind } of controlMessageLayouts) {
      const call = inColumn[column]();
      expect(`${call.machine} ${call.state}`).toBe(column);
      const action = callAction(call.machine, call.state, kind);
      const { state } = call;
      const step = call.handle(sample(kind), at);
      expect([kind, step.outOfState ?? false]).toEqual([kind, action === "out"]);
      if (action === "out") expect([step, call.state]).toEqual([{ outOfState: true }, state]);
      if (action === "cleared" || action === "ended") expect(step.ended).toBeDefined();
      if (action === "answered" || action === "connected") expect(call.state).toBe("established");
    }
  });
});

test("octets of a message are not needed once it is handled", () => {
  const bench = server();
  const octets = sampleOctets("OutgoingCallRequest", { phoneNumberLength: 2, phoneNumber: "42" });
  bench.octets(octets);
  octets.fill(0xff);
  bench.accept(1);
  expect(bench.sent).toMatchObject([{ peersCallId: PEERS }]);
  expect(bench.told).toMatchObject([{ terms: { number: "42" } }]);
});
