import { describe, expect, test } from "vitest";
import { sample, testPolicy } from "../../../test/control-peer.js";
import { instant } from "../../base/instant.js";
import { type ControlMessageKind, controlMessageLayouts } from "../../wire/pptp/index.js";
import type { EndCause } from "../access/ports.js";
import { type Call, disconnectCodes } from "./call.js";
import { PacIncomingCall, PnsIncomingCall } from "./incoming-call.js";
import { PacOutgoingCall, PnsOutgoingCall } from "./outgoing-call.js";
import { callAction, callColumns } from "./state-table.js";

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
  const policy = testPolicy;
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
