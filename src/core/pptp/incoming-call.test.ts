import { describe, expect, test } from "vitest";
import { Bench, PEERS_CALL_ID } from "../../../test/control-peer.js";
import { control } from "../../limits.js";
import type { ControlPolicy } from "./ports.js";

const PEERS = PEERS_CALL_ID;
const both = { takeIncomingCalls: true, takeOutgoingCalls: true } satisfies Partial<ControlPolicy>;

function server(): Bench {
  return new Bench(both).established();
}

function client(): Bench {
  return new Bench({ ...both, side: "opened" }).established();
}

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

  test("a PAC's and a PNS's Call ID may be equal: each names its own call", () => {
    const bench = asked().accept(1).receive("IncomingCallConnected").forget();
    bench.receive("CallClearRequest");
    expect([bench.sent, bench.told, bench.noted]).toEqual([[], [], ["CCR of no call"]]);
    bench.receive("OutgoingCallRequest").accept(2).forget();
    bench.receive("CallClearRequest").receive("CallDisconnectNotify");
    expect(bench.told).toEqual([
      { kind: "CallEnded", callId: 2, cause: "call-cleared" },
      { kind: "CallEnded", callId: 1, cause: "call-cleared" },
    ]);
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
