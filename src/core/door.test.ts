import { describe, expect, test } from "vitest";
import { type Caller, LOCAL, PEER, ServerBench } from "../../test/sim/server-bench.js";
import { after } from "../base/instant.js";
import { guard as bounds } from "../limits.js";
import { decodeFrame } from "../wire/ppp/frame.js";
import { startRequest as started } from "../wire/pptp/client-requests.js";
import { encodeControlMessage } from "../wire/pptp/index.js";
import type { FlowRef } from "../wire/worker-link.js";
import { Guard } from "./guard/guard.js";
import type { ConnectionId } from "./server-ports.js";

const startRequest = encodeControlMessage(started("caller"));

/** With which codes the server said no. */
function told({ events }: Caller): string[] {
  return events.flatMap((event) =>
    event.kind === "Told" ? [`${event.by} ${event.resultCode} ${event.errorCode}`] : [],
  );
}

function up(limits: Partial<Record<keyof typeof bounds, number>> = {}) {
  const guard = new Guard({ limits: { ...bounds, ...limits }, allows: () => false });
  return { guard, bench: new ServerBench({}, 8, guard) };
}

describe("whoever has no session yet", () => {
  test("half-open in all: the oldest is closed without a word for a newcomer", () => {
    const { bench } = up({ halfOpenMax: 1 });
    const silent = 99 as ConnectionId;
    bench.server.handleConnected(silent, LOCAL, 0x0b000001, bench.now);
    bench.run().pass(bounds.placeLeastMs);
    const honest = bench.caller({ peerAddress: 0x0c000001 });
    bench.run();
    expect(bench.closed).toEqual([silent]);
    expect(honest.up).toBe(true);
    expect(bench.server.reasons.get("stranger gave way")).toBe(1);
  });

  test("started, of one source beyond its places: No-Resource, and closed", () => {
    const { bench } = up({ sourceUnprovenMax: 1 });
    bench.held.add("install");
    bench.caller({ peerAddress: 0x0b000001 });
    const second = bench.caller({ peerAddress: 0x0b000001 });
    bench.run();
    expect(bench.closed).toEqual([second.id]);
    expect(told(second)).toContain("SCCRP 2 4");
    expect(bench.server.reasons.get("shed SCCRQ, source unproven")).toBe(1);
  });

  test("logged in: its place is another's, and it is held to nothing", () => {
    const { bench } = up({ sourceUnprovenMax: 1, sourceCallingMax: 1 });
    bench.account = { sessionsMax: 4 };
    const first = bench.caller({ peerAddress: 0x0b000001 });
    bench.run();
    const second = bench.caller({ peerAddress: 0x0b000001 });
    bench.run();
    expect([first.up, second.up]).toEqual([true, true]);
    expect(bench.ledger.balance()).not.toHaveProperty("strangersPlace");
  });

  test("what a flood of messages owed keeps nobody waiting after it, at its own address or another", () => {
    const { bench, guard } = up();
    for (let flood = 0; flood < 2_000; flood++) {
      guard.messages(0x0b000001 + (flood % 200), 140, bench.now);
    }
    for (const peerAddress of [0x0b000001, 0x0c000001]) {
      expect(guard.messages(peerAddress, 1, bench.now).ms).toBe(bounds.pauseMaxMs);
      const later = after(bench.now, bounds.pauseMaxMs + 100);
      expect(guard.messages(peerAddress, 1, later).ms).toBeLessThan(bounds.pauseMaxMs / 2);
    }
  });

  test("messages beyond the rate: counted by whose rate it is, the source's, its /24's or that of all", () => {
    const rates = { sourceMessagesPerSecond: 2, prefixMessagesPerSecond: 3, messagesPerSecond: 4 };
    const { bench } = up({ ...rates, burstMs: 1_000 });
    const say = (peerAddress: number, id: number) => {
      bench.act((server, now) => {
        server.handleConnected(id as ConnectionId, LOCAL, peerAddress, now);
        server.handleOctets(id as ConnectionId, startRequest, now);
      });
    };
    for (const [id, peer] of [0x0b000001, 0x0b000001, 0x0b000002, 0x0c000001].entries()) {
      say(peer, 90 + id);
    }
    // With its second a source has had its own, with a third its /24, with a fourth from elsewhere all.
    expect(bench.reasons).toMatchObject({
      "stranger waits, source message rate": 1,
      "stranger waits, prefix message rate": 1,
      "stranger waits, server message rate": 1,
    });
  });

  test("busy: strangers get No-Resource, sessions go on, and after it all is as before", () => {
    const { bench, guard } = up();
    bench.account = { sessionsMax: 4 };
    const first = bench.caller();
    bench.run();
    guard.busy = true;
    const second = bench.caller();
    bench.run();
    expect(told(second)).toContain("SCCRP 2 4");
    expect(first.up).toBe(true);
    guard.busy = false;
    const third = bench.caller();
    bench.run();
    expect(third.up).toBe(true);
  });

  test("calls in all: the one without a log-in for longest gets Call-Disconnect-Notify", () => {
    const { bench } = up({ callingMax: 1 });
    bench.held.add("verdict");
    const slow = bench.caller({ peerAddress: 0x0b000001 });
    bench.run().pass(bounds.placeLeastMs);
    bench.held.delete("verdict");
    const honest = bench.caller({ peerAddress: 0x0c000001 });
    bench.run();
    expect(bench.reasons["stranger gave way"]).toBe(1);
    expect(slow.events.some(({ kind }) => kind === "Ended")).toBe(true);
    expect(honest.up).toBe(true);
  });
});

const LCP = 0xc021;
const [ECHO_REQUEST, ECHO_REPLY] = [9, 10];

/** One session, and a stranger whose log-in waits for its verdict. */
function sessionAndStranger(limits: Parameters<typeof up>[0] = {}) {
  const { bench, guard } = up(limits);
  bench.account = { sessionsMax: 4 };
  const session = bench.caller();
  bench.run();
  bench.held.add("verdict");
  const stranger = bench.caller();
  bench.run();
  expect([session.up, stranger.up, bench.sessions.length]).toEqual([true, false, 2]);
  const [ofSession, ofStranger] = bench.sessions.map((one) => bench.flowOf(one.session));
  return { bench, guard, session, stranger, ofSession: ofSession!, ofStranger: ofStranger! };
}

function asks(bench: ServerBench, flow: FlowRef, identifier: number): void {
  const information = Uint8Array.of(ECHO_REQUEST, identifier, 0, 8, 0, 0, 0, 0);
  bench.act((server, now) => {
    server.handlePlane({ kind: "Frame", flow, protocol: LCP, information }, now);
    // As it is in the worker link's buffer: soon something else.
    information.fill(0);
  });
}

/** Identifiers of Echo-Requests that were answered. */
function answered(bench: ServerBench, flow: FlowRef): number[] {
  return bench.commands.flatMap((command) => {
    if (command.kind !== "Send" || command.flow.slot !== flow.slot) return [];
    const read = decodeFrame(command.frame);
    const { protocol, information } = read.ok ? read.value : { protocol: 0, information: [] };
    return protocol === LCP && information[0] === ECHO_REPLY ? [information[1] ?? 0] : [];
  });
}

describe("while there is too much to do", () => {
  test("what a session says is handled before what strangers said; they get their turn, in order", () => {
    const { bench, guard, ofSession, ofStranger } = sessionAndStranger();
    guard.busy = true;
    asks(bench, ofStranger, 71);
    asks(bench, ofSession, 1);
    expect([answered(bench, ofSession), answered(bench, ofStranger)]).toEqual([[1], []]);
    guard.busy = false;
    // Behind the one that waits, though there is room again.
    asks(bench, ofStranger, 72);
    expect(answered(bench, ofStranger)).toEqual([]);
    bench.pass(1);
    expect(answered(bench, ofStranger)).toEqual([71, 72]);
    asks(bench, ofStranger, 73);
    expect(answered(bench, ofStranger)).toEqual([71, 72, 73]);
  });

  test("so many wait, the next ones are dropped and counted; those whose call ended are left out", () => {
    const { bench, guard, stranger, ofStranger } = sessionAndStranger();
    guard.busy = true;
    for (let i = 0; i < bounds.strangersFramesMax + 3; i++) asks(bench, ofStranger, i & 0xff);
    expect(bench.reasons["shed frame, server busy"]).toBe(3);
    bench.pass(1);
    const { size } = bench.server.deadlines;
    expect(answered(bench, ofStranger).length).toBeLessThanOrEqual(bounds.strangersTurnFrames);
    stranger.cut();
    bench.pass(1_000);
    expect(bench.server.deadlines.size).toBeLessThan(size);
    expect(bench.sessions).toHaveLength(1);
  });

  test("a stranger's connection is read again after a pause, a session's at once", () => {
    const { bench, guard, session, stranger } = sessionAndStranger();
    guard.busy = true;
    for (const { id } of [session, stranger]) {
      // Half a message: whoever only dribbles waits, too.
      bench.act((server, now) => server.handleOctets(id, new Uint8Array(1), now));
    }
    expect(bench.server.readingPausedUntil(session.id)).toBeUndefined();
    const until = bench.server.readingPausedUntil(stranger.id) ?? 0;
    expect(until - bench.now).toBe(bounds.strangersPauseMs);
    expect(bench.reasons["stranger waits, server busy"]).toBe(1);
  });
});

describe("the configured bounds of a busy server", () => {
  test("are those in force: how many frames wait, how many have their turn, how long a pause is", () => {
    const limits = { strangersFramesMax: 5, strangersTurnFrames: 2, strangersPauseMs: 700 };
    const { bench, guard, stranger, ofStranger } = sessionAndStranger(limits);
    guard.busy = true;
    for (let i = 1; i <= 8; i++) asks(bench, ofStranger, i);
    expect(bench.reasons["shed frame, server busy"]).toBe(3);
    bench.act((server, now) => server.handleOctets(stranger.id, new Uint8Array(1), now));
    const until = bench.server.readingPausedUntil(stranger.id) ?? 0;
    expect(until - bench.now).toBe(700);
    bench.pass(1);
    expect(answered(bench, ofStranger)).toEqual([1, 2]);
  });
});

describe("no room for any connection", () => {
  test("a silent stranger gives way, once it had its time; then one without a log-in; a session never", () => {
    const { bench, stranger } = sessionAndStranger();
    const silent = 99 as ConnectionId;
    bench.server.handleConnected(silent, LOCAL, PEER + 50, bench.now);
    const makes = () => {
      const made = bench.server.makeRoom(0x0b000001, bench.now);
      bench.run();
      return made;
    };
    expect(makes()).toBe(false);
    bench.pass(bounds.placeLeastMs);
    expect([makes(), bench.closed]).toEqual([true, [silent]]);
    expect([makes(), bench.closed]).toEqual([true, [silent, stranger.id]]);
    expect([makes(), bench.sessions.length]).toEqual([false, 1]);
    expect(bench.reasons["stranger gave way"]).toBe(2);
  });
});

describe("what a bound of the guard forgets", () => {
  test("is counted where it was still in force", () => {
    const { bench, guard } = up({ sourcesMax: 2, logInPairsMax: 1 });
    for (const peer of [1, 2, 3]) {
      guard.refusesConnection(peer << 8, 0);
      guard.loggedIn("anna", peer << 8, false, 0);
    }
    // The rates of connections by source and by /24, and what failed log-ins count towards a block.
    expect(bench.reasons).toMatchObject({
      "forgotten source": 3,
      "forgotten pair of user and source": 2,
    });
    const day = 86_400_000;
    guard.refusesConnection(9 << 8, day);
    guard.loggedIn("anna", 9 << 8, false, day);
    expect(bench.reasons["forgotten source"]).toBe(3);
  });
});
