import { describe, expect, test } from "vitest";
import { Bench, PEERS_CALL_ID, sampleOctets } from "../../../test/control-peer.js";
import { type ControlMessageKind, controlMessageLayouts } from "../../wire/pptp/index.js";
import type { ControlPolicy } from "./ports.js";
import { type ControlState, callColumns, callTable, controlTable } from "./state-table.js";

const kinds = controlMessageLayouts.map(({ kind }) => kind);
const octets = new Map(kinds.map((kind) => [kind, sampleOctets(kind)]));
const both = { takeIncomingCalls: true, takeOutgoingCalls: true } satisfies Partial<ControlPolicy>;

/** 50,625 connections take seconds, more on a busy machine; nothing here waits. */
const LONG_MS = 180_000;

/** Nothing is left over after the connection is gone, and each call ended exactly once. */
function expectNothingRetained(bench: Bench): void {
  bench.connection.handleClosed(bench.at);
  bench.drain();
  if (bench.ledger.size !== 0) throw new Error(`held: ${JSON.stringify(bench.ledger.balance())}`);
  if (bench.connection.pollTimeout() !== undefined) throw new Error("a deadline is left");
  if (bench.connection.snapshot().calls.length !== 0) throw new Error("a call is left");
  const asked = new Set<number>();
  const ended = new Set<number>();
  for (const event of bench.events) {
    if (event.kind === "CallAsked") asked.add(event.terms.callId);
    if (event.kind !== "CallEnded") continue;
    if (ended.has(event.callId)) throw new Error(`call ${event.callId} ended twice`);
    ended.add(event.callId);
  }
  for (const callId of asked) if (!ended.has(callId)) throw new Error(`call ${callId} not ended`);
  if (bench.events.at(-1)?.kind !== "Close") throw new Error("Close is not the last event");
  if (bench.events.filter(({ kind }) => kind === "Close").length !== 1) throw new Error("Closes");
}

/** Every sequence of `kinds` of exactly `length`. */
function* sequences(length: number): Generator<readonly ControlMessageKind[]> {
  const at = new Array<number>(length).fill(0);
  for (;;) {
    yield at.map((index) => kinds[index]!);
    let place = length - 1;
    while (place >= 0 && ++at[place]! === kinds.length) at[place--] = 0;
    if (place < 0) return;
  }
}

function walk(bench: Bench, sequence: readonly ControlMessageKind[], accept: boolean): void {
  for (const kind of sequence) {
    const before = bench.events.length;
    bench.octets(octets.get(kind)!);
    if (!accept) continue;
    for (const event of bench.events.slice(before)) {
      if (event.kind === "CallAsked") bench.accept(event.terms.callId);
    }
  }
  expectNothingRetained(bench);
}

describe("total", () => {
  test("15 messages in 4 control states and in every state of every call machine", () => {
    expect(Object.keys(controlTable).sort()).toEqual([...kinds].sort());
    expect(Object.keys(callTable).sort()).toEqual([...kinds].sort());
    for (const kind of kinds) {
      expect(Object.keys(controlTable[kind])).toHaveLength(4);
      expect(Object.keys(callTable[kind])).toEqual(callColumns);
    }
  });

  test.each(["accepted", "opened"] as const)(
    "%s: all sequences of 4 from the start",
    (side) => {
      let walked = 0;
      for (const sequence of sequences(4)) {
        walk(new Bench({ ...both, side }), sequence, true);
        walked++;
      }
      expect(walked).toBe(50_625);
    },
    LONG_MS,
  );

  test.each(["accepted", "opened"] as const)(
    "%s: all sequences of 4 once established",
    (side) => {
      for (const sequence of sequences(4)) {
        walk(new Bench({ ...both, side }).established(), sequence, true);
      }
    },
    LONG_MS,
  );

  test.each(["accepted", "opened"] as const)("%s: of 3 where no call is answered", (side) => {
    for (const sequence of sequences(3)) {
      walk(new Bench({ ...both, side }).established(), sequence, false);
    }
  });

  test.each(["placed", "offered"] as const)("all sequences of 3 after a call was %s", (way) => {
    for (const sequence of sequences(3)) {
      const bench = new Bench({ ...both, side: "opened" }).established();
      const { connection, at } = bench;
      const callId = way === "placed" ? connection.placeCall(at) : connection.offerCall(at);
      if (callId !== 1) throw new Error("no call");
      walk(bench, sequence, true);
    }
  });
});

describe("each cell of the control table", () => {
  function inState(state: ControlState): Bench {
    if (state === "idle") return new Bench(both);
    if (state === "wait_ctl_reply") return new Bench({ ...both, side: "opened" }).forget();
    const bench = new Bench({ ...both }).established();
    if (state === "wait_stop_reply") {
      bench.connection.stop("shutdown", bench.at);
      bench.drain();
    }
    return bench.forget();
  }

  const cells = kinds.flatMap((kind) =>
    (Object.keys(controlTable[kind]) as ControlState[]).map((state) => {
      const action = controlTable[kind][state];
      return { kind, state, action, name: `${state}, ${kind}: ${action}` };
    }),
  );

  test.each(cells)("$name", ({ kind, state, action }) => {
    const bench = inState(state).receive(kind);
    const closes = bench.told.some((event) => event.kind === "Close");
    const sent = bench.sent.map((message) => message.kind);
    switch (action) {
      case "start":
        expect(sent).toEqual(["StartControlConnectionReply"]);
        break;
      case "started":
        expect(sent).toEqual([]);
        expect(bench.told).toMatchObject([{ kind: "Established" }]);
        break;
      case "restart":
      case "stop":
        expect(sent).toEqual(["StopControlConnectionReply"]);
        break;
      case "echo":
        expect(sent).toEqual(["EchoReply"]);
        break;
      case "ask":
        expect(bench.told).toMatchObject([
          { kind: "CallAsked", terms: { peersCallId: PEERS_CALL_ID } },
        ]);
        break;
      default:
        expect(sent).toEqual([]);
    }
    const closing = ["restart", "stop", "stopped", "close"].includes(action);
    expect(closes).toBe(closing);
    const counted = ["out", "close", "drop", "restart", "route", "echoed"].includes(action);
    expect(bench.noted.length).toBe(counted ? 1 : 0);
    if (action === "out" || action === "drop" || action === "route") {
      expect(bench.connection.state).toBe(state);
    }
    expectNothingRetained(bench);
  });
});
