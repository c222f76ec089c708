import { describe, expect, test } from "vitest";
import { Bench } from "../../test/control-peer.js";
import { controlMessages, startRequest } from "../../test/fuzz/corpus.js";
import { POLICY } from "../../test/ppp/pair.js";
import { COUNTERS, LOCAL, PEER, ServerBench } from "../../test/sim/server-bench.js";
import { InvariantBroken } from "../base/invariant.js";
import { session as bounds, ppp, worker } from "../limits.js";
import type { ServerPolicy } from "./server-ports.js";

const OUTGOING_CALL_REQUEST = controlMessages[6]!;
const ID = 1 as never;

/** A server with one session up. */
function up(policy: Partial<ServerPolicy> = {}): ServerBench {
  const bench = new ServerBench(policy);
  bench.caller();
  bench.run();
  expect(bench.of("SessionUp")).toHaveLength(1);
  return bench;
}

function expectNothingHeld(bench: ServerBench): void {
  expect(bench.ledger.balance()).toEqual({});
  expect([...bench.leased]).toEqual([]);
  expect(bench.server.sessionCount).toBe(0);
}

/** Whatever is written out of order the bench throws at. */
describe("a call's packets pass no longer once Call-Disconnect-Notify is written", () => {
  const ends: readonly (readonly [string, (bench: ServerBench) => unknown])[] = [
    ["its user hangs up", (bench) => hangsUp(bench)],
    [
      "the administrator ends it",
      (bench) =>
        bench.act((server, now) => {
          const [info] = bench.sessions;
          server.disconnect(info!.session, "administrator", now);
        }),
    ],
    [
      "its data worker is lost",
      (bench) => bench.act((server, now) => server.handleWorkerLost(now)),
    ],
    ["the server stops", (bench) => bench.act((server, now) => server.stop(now))],
  ];

  function hangsUp(bench: ServerBench): void {
    bench.act((server, now) => {
      const clear = controlMessages[11]!.slice();
      new DataView(clear.buffer).setUint16(12, bench.callers.get(ID)!.callId ?? 0);
      server.handleOctets(ID, clear, now);
    });
  }

  test.each(ends)("%s", (_, end) => {
    const bench = up();
    end(bench);
    bench.pass(200_000);
    expect([bench.notices, bench.server.sessionCount]).toEqual([1, 0]);
  });
});

describe("log-in", () => {
  test("the flow is in the data path before Outgoing-Call-Reply is written", () => {
    const bench = new ServerBench();
    bench.held.add("install");
    const caller = bench.caller();
    bench.run();
    expect(bench.commands.map(({ kind }) => kind)).toEqual(["Install"]);
    expect(caller.events.map(({ kind }) => kind)).not.toContain("CallUp");
    bench.release("install");
    expect(caller.up).toBe(true);
  });

  test("the address is leased after authentication, and held by the session", () => {
    const bench = new ServerBench();
    bench.held.add("verdict");
    bench.caller();
    bench.run();
    expect(bench.of("AddressAsked")).toEqual([]);
    bench.release("verdict");
    expect(bench.ledger.balance()).toMatchObject({ address: 1, flowSlot: 1, seat: 1, key: 1 });
    expect(bench.sessions[0]).toMatchObject({ user: "vpn", encryption: "MPPE-128 stateless" });
  });

  test("network phase, a verdict that comes too late: counted, and of no effect", () => {
    const bench = new ServerBench();
    bench.held.add("verdict");
    const caller = bench.caller();
    bench.run();
    caller.cut();
    bench.release("verdict");
    expect(bench.reasons["verdict-late"]).toBe(1);
    expectNothingHeld(bench);
  });

  test("authenticate, a verdict of an earlier question: not this account's", () => {
    const bench = new ServerBench();
    bench.held.add("verdict");
    bench.caller();
    bench.run();
    const [asked] = bench.of("AuthenticationAsked");
    bench.answer({ ...asked!, generation: asked!.generation + 1 });
    expect(bench.reasons["verdict-late"]).toBe(1);
    expect(bench.sessions[0]?.account).toBeUndefined();
  });

  test("a verdict after the backend's deadline: the session ends without that account", () => {
    const bench = new ServerBench();
    bench.held.add("verdict");
    bench.caller();
    bench.run();
    bench.pass(10_001);
    bench.release("verdict");
    bench.pass(20_000);
    expect(bench.causes).toEqual(["authentication-unavailable"]);
    expect(bench.of("SessionEnded")[0]?.info.account).toBeUndefined();
    expectNothingHeld(bench);
  });

  test("an address that comes after the session: given back at once", () => {
    const bench = new ServerBench();
    bench.held.add("address");
    const caller = bench.caller();
    bench.run();
    caller.cut();
    bench.release("address");
    expect(bench.reasons["address-answer-late"]).toBe(1);
    expectNothingHeld(bench);
  });

  test("an address that comes while the session ends: given back at once", () => {
    const bench = new ServerBench();
    bench.held.add("address").add("remove");
    const caller = bench.caller();
    bench.run();
    caller.cut();
    expect(bench.server.sessionCount).toBe(1);
    bench.release("address");
    expect([...bench.leased]).toEqual([]);
    bench.release("remove");
    expectNothingHeld(bench);
  });

  test("no address to be had: the session ends, and says so", () => {
    const bench = new ServerBench();
    bench.held.add("address");
    bench.caller();
    bench.run();
    const [{ session, generation }] = bench.of("AddressAsked") as [never] &
      [ReturnType<typeof bench.of<"AddressAsked">>[0]];
    bench.act((server, now) =>
      server.handleAddress(session, generation, { ok: false, why: "pool-empty" }, now),
    );
    bench.pass(10_000);
    expect(bench.causes).toEqual(["address-unavailable"]);
    expectNothingHeld(bench);
  });
});

describe("data path", () => {
  test("InstallRefused: the call is refused and everything given back", () => {
    const bench = new ServerBench();
    bench.held.add("install");
    const caller = bench.caller();
    bench.run();
    const install = bench.commands[0]!;
    if (install.kind !== "Install") throw new Error("no Install");
    bench.act((server, now) => {
      const { flow } = install;
      server.handlePlane({ kind: "InstallRefused", flow, why: "slot in use" }, now);
    });
    expect(bench.reasons["flow-refused"]).toBe(1);
    expect(bench.causes).toEqual(["refused"]);
    bench.pass(5_000);
    expect(caller.events.at(-1)).toMatchObject({ kind: "Ended", cause: "refused" });
    expectNothingHeld(bench);
  });

  test("Removed never comes: after its deadline all is given back, and that is counted", () => {
    const bench = up();
    bench.held.add("remove");
    bench.callers.get(ID)!.cut();
    expect([...bench.ledger.lines()].every(({ state }) => state === "returning")).toBe(true);
    expect(bench.leased.size).toBe(1);
    bench.pass(worker.removedMs);
    expect(bench.reasons["flow-removal-late"]).toBe(1);
    expectNothingHeld(bench);
    bench.release("remove");
    expect(bench.reasons["plane-event-stale"]).toBe(1);
    expect(bench.causes).toHaveLength(1);
  });

  test("worker lost in mid log-in: the call is cleared, and the next one has a session", () => {
    const bench = new ServerBench();
    bench.held.add("verdict");
    const caller = bench.caller();
    bench.run();
    bench.act((server, now) => server.handleWorkerLost(now));
    expect(bench.causes).toEqual(["worker-lost"]);
    bench.release("verdict").pass(5_000);
    expect(caller.events.at(-1)).toMatchObject({ kind: "Ended" });
    expectNothingHeld(bench);
    expect(bench.caller().up).toBe(false);
    bench.run();
    expect(bench.server.sessionCount).toBe(1);
  });

  test("one of several workers lost: sessions that were not its go on, those that were end", () => {
    const bench = up();
    const { slot } = bench.flowOf(bench.sessions[0]!.session);
    bench.act((server, now) => server.handleWorkerLost(now, (flow) => flow.slot !== slot));
    expect(bench.causes).toEqual([]);
    expect(bench.server.sessionCount).toBe(1);
    bench.act((server, now) => server.handleWorkerLost(now, (flow) => flow.slot === slot));
    expect(bench.causes).toEqual(["worker-lost"]);
    bench.pass(5_000);
    expectNothingHeld(bench);
  });

  test("worker lost before the flow was installed: the call is refused", () => {
    const bench = new ServerBench();
    bench.held.add("install");
    const caller = bench.caller();
    bench.run();
    bench.act((server, now) => server.handleWorkerLost(now));
    bench.release("install").pass(5_000);
    expect(bench.causes).toEqual(["worker-lost"]);
    expect(caller.events.at(-1)).toMatchObject({ kind: "Ended" });
    expectNothingHeld(bench);
  });

  test("counters of a flow of another generation: not this session's", () => {
    const bench = up();
    const [info] = bench.sessions;
    const { slot } = bench.flowOf(info!.session);
    const counters = { ...COUNTERS, sentOctets: 9 };
    const flows = [{ flow: { slot, generation: 99 }, counters }];
    bench.act((server, now) => server.handlePlane({ kind: "Counters", flows, drops: {} }, now));
    expect(bench.sessions[0]?.counters.sentOctets).toBe(0);
  });
});

describe("limits", () => {
  test("sessionsMax: a call more is refused, and said to whoever watches", () => {
    const bench = up({ sessionsMax: 1 });
    const second = bench.caller();
    bench.run();
    expect(bench.reasons["sessions-max"]).toBe(1);
    expect(bench.of("ConnectionRefused")).toEqual([
      { kind: "ConnectionRefused", peerAddress: PEER + 2, why: "sessions-max" },
    ]);
    bench.pass(5_000);
    expect(second.events.at(-1)).toMatchObject({ kind: "Ended", cause: "refused" });
    expect(bench.server.sessionCount).toBe(1);
  });

  test("setPolicy: for calls from now on, not for those there are", () => {
    const bench = up();
    bench.server.setPolicy(bench.policy({ sessionsMax: 1 }), bench.now);
    bench.caller();
    bench.run();
    expect(bench.server.sessionCount).toBe(1);
    expect(bench.of("SessionEnded")).toEqual([]);
  });

  test("the profile is chosen by where the peer comes from and where it came to", () => {
    const asked: (readonly [number, number])[] = [];
    const bench = new ServerBench({
      profileFor: (localAddress, peerAddress) => {
        asked.push([localAddress, peerAddress]);
        const name = localAddress === LOCAL ? "here" : "there";
        return { name, ppp: { ...POLICY, mru: name === "here" ? 1_400 : 1_300 } };
      },
    });
    bench.account = { sessionsMax: 2 };
    bench.caller();
    bench.caller({ localAddress: LOCAL + 9, peerAddress: 0x01020304 });
    bench.run();
    expect(asked).toEqual([
      [LOCAL, PEER + 1],
      [LOCAL + 9, 0x01020304],
    ]);
    expect(bench.sessions.map(({ profile }) => profile)).toEqual(["here", "there"]);
    const links = bench.commands.flatMap((sent) => (sent.kind === "Link" ? [sent.mru] : []));
    expect(links).toEqual([1_400, 1_300]);
    const installs = bench.commands.filter(({ kind }) => kind === "Install");
    expect(installs[1]).toMatchObject({ localAddress: LOCAL + 9, peerAddress: 0x01020304 });
  });
});

describe("stop", () => {
  test("in order: sessions first, then connections, then nothing is left", () => {
    const bench = up();
    bench.act((server, now) => server.stop(now));
    expect(bench.causes).toEqual(["shutdown"]);
    expect(bench.server.stopped).toBe(true);
    expect(bench.server.pollTimeout()).toBeUndefined();
    expect(bench.callers.get(ID)!.events.at(-1)).toMatchObject({ kind: "Ended" });
    expectNothingHeld(bench);
  });

  test("a peer that answers nothing: over after stopMs", () => {
    const bench = up();
    bench.callers.get(ID)!.silent = true;
    bench.act((server, now) => server.stop(now));
    expect(bench.server.stopped).toBe(false);
    bench.pass(bounds.stopMs);
    expect(bench.server.stopped).toBe(true);
    expect(bench.causes).toEqual(["shutdown"]);
    expectNothingHeld(bench);
  });

  test("stopAtOnce: nobody is waited for, the data path least of all", () => {
    const bench = up();
    bench.held.add("remove");
    bench.act((server, now) => server.stopAtOnce(now));
    expect(bench.server.stopped).toBe(true);
    expect(bench.causes).toEqual(["shutdown"]);
    expect(bench.closed).toEqual([1]);
    expectNothingHeld(bench);
  });

  test("stopAtOnce after stop: each session ends once", () => {
    const bench = up();
    bench.callers.get(ID)!.silent = true;
    bench.act((server, now) => server.stop(now)).act((server, now) => server.stopAtOnce(now));
    expect(bench.causes).toEqual(["shutdown"]);
    expectNothingHeld(bench);
  });

  test("stopping, a connection that still comes: closed, and nothing kept of it", () => {
    const bench = up();
    bench.callers.get(ID)!.silent = true;
    bench.act((server, now) => server.stop(now));
    bench.caller();
    bench.run();
    expect(bench.closed).toContain(2);
    expect(bench.server.connections).toBe(1);
  });

  test("no connection and no session: stopped at once", () => {
    const bench = new ServerBench();
    bench.act((server, now) => server.stop(now));
    expect(bench.server.stopped).toBe(true);
    expect(bench.server.pollTimeout()).toBeUndefined();
  });
});

describe("disconnect", () => {
  test("by an administrator: the peer is told by LCP, then by the control connection", () => {
    const bench = up();
    const [info] = bench.sessions;
    expect(bench.server.disconnect(info!.session, "administrator", bench.now)).toBe(true);
    bench.run();
    expect(bench.causes).toEqual(["administrator"]);
    expectNothingHeld(bench);
  });

  test("of no such session, or of one that ends already: false", () => {
    const bench = up();
    const [info] = bench.sessions;
    bench.held.add("remove");
    bench.callers.get(ID)!.cut();
    expect(bench.server.disconnect(info!.session, "administrator", bench.now)).toBe(false);
    expect(bench.server.disconnect(999 as never, "administrator", bench.now)).toBe(false);
  });

  test("octets and timers of a connection that is gone: of no effect", () => {
    const bench = new ServerBench();
    bench.server.handleConnected(ID, LOCAL, PEER, bench.now);
    bench.server.handleDisconnected(ID, bench.now);
    bench.server.handleOctets(ID, startRequest, bench.now);
    bench.server.handleUnsent(ID, 1_000_000, bench.now);
    bench.server.handleDisconnected(ID, bench.now);
    expect(bench.server.connections).toBe(0);
    expect(bench.server.pollTimeout()).toBeUndefined();
    expect(bench.ledger.size).toBe(0);
  });

  test("a peer whose TCP takes nothing any more: closed (G-05)", () => {
    const bench = up();
    bench.act((server, now) => server.handleUnsent(ID, 1_000_000, now));
    expect(bench.closed).toEqual([1]);
    expect(bench.causes).toEqual(["control-closed"]);
    expectNothingHeld(bench);
  });
});

describe("our own bug", () => {
  test("InvariantBroken in one connection: it ends, is reported, and the others stay", () => {
    const bench = up();
    const broken = 77 as never;
    const policy = bench.policy();
    bench.server.setPolicy(
      {
        ...policy,
        profileFor: () => {
          // What a broken machine does, where a test can reach it.
          throw new InvariantBroken("of a test");
        },
      },
      bench.now,
    );
    bench.server.handleConnected(broken, LOCAL, 0x09090909, bench.now);
    bench.server.handleOctets(broken, startRequest, bench.now);
    bench.server.handleOctets(broken, OUTGOING_CALL_REQUEST, bench.now);
    bench.server.setPolicy(policy, bench.now);
    expect(bench.server.reasons.get("invariant-broken")).toBe(1);
    const sent = [];
    for (let at = bench.server.pollTransmit(); at; at = bench.server.pollTransmit()) sent.push(at);
    expect(sent.at(-1)).toEqual({ kind: "Close", connection: broken });
    bench.run();
    expect(bench.of("InvariantBroken")).toHaveLength(1);
    expect(bench.server.sessionCount).toBe(1);
    expect(bench.causes).toEqual([]);
    bench.pass(ppp.echoIntervalMs * 3);
    expect(bench.server.sessionCount).toBe(1);
    expect(bench.ledger.balance()).toMatchObject({ callId: 1, flowSlot: 1 });
  });

  test("any other exception is not hidden", () => {
    const bench = up();
    const policy = bench.policy();
    bench.server.setPolicy(
      {
        ...policy,
        profileFor: () => {
          throw new TypeError("not ours");
        },
      },
      bench.now,
    );
    const other = 78 as never;
    bench.server.handleConnected(other, LOCAL, 0x09090909, bench.now);
    bench.server.handleOctets(other, startRequest, bench.now);
    expect(() => bench.server.handleOctets(other, OUTGOING_CALL_REQUEST, bench.now)).toThrow(
      TypeError,
    );
  });
});

test("what control messages tell of a call is kept with its session", () => {
  const bench = up();
  const [info] = bench.sessions;
  const peer = new Bench({ side: "opened" }).established();
  peer.connection.placeCall(peer.at);
  const setLinkInfo = controlMessages[14]!.slice();
  setLinkInfo[12] = info!.callId >>> 8;
  setLinkInfo[13] = info!.callId & 255;
  bench.act((server, now) => server.handleOctets(ID, setLinkInfo, now));
  expect(bench.sessions[0]?.linkInfo).toEqual({ sendAccm: 1, receiveAccm: 1 });
});
