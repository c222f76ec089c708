import { describe, expect, test } from "vitest";
import { Bench, PEERS_CALL_ID, sampleOctets } from "../../../test/control-peer.js";
import { lease } from "../../base/lease.js";
import { control } from "../../limits.js";
import { DisconnectResult } from "../../wire/pptp/codes.js";
import type { CallRefusal, ControlPolicy } from "./ports.js";

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
    const leaseCallId = () => Object.assign(stubborn, { callId: 1 });
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

test("octets of a message are not needed once it is handled", () => {
  const bench = server();
  const octets = sampleOctets("OutgoingCallRequest", { phoneNumberLength: 2, phoneNumber: "42" });
  bench.octets(octets);
  octets.fill(0xff);
  bench.accept(1);
  expect(bench.sent).toMatchObject([{ peersCallId: PEERS }]);
  expect(bench.told).toMatchObject([{ terms: { number: "42" } }]);
});
