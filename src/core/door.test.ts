import { describe, expect, test } from "vitest";
import { type Caller, LOCAL, ServerBench } from "../../test/sim/server-bench.js";
import { guard as bounds } from "../limits.js";
import { Guard } from "./guard/guard.js";
import type { ConnectionId } from "./server-ports.js";

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
