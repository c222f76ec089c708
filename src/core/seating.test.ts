import { describe, expect, test } from "vitest";
import { ServerBench } from "../../test/sim/server-bench.js";
import { ppp } from "../limits.js";
import type { AccountTerms } from "./access/ports.js";

/** Two callers with one account that has one seat; the first is up. */
function two(policy: AccountTerms["atSessionLimit"]) {
  const bench = new ServerBench();
  bench.account = { sessionsMax: 1, atSessionLimit: policy };
  const first = bench.caller();
  bench.run();
  expect(first.up).toBe(true);
  return { bench, first, next: () => bench.caller() };
}

describe("a user's simultaneous sessions, at the limit", () => {
  test("oldest alive, refuse-new: the newcomer ends with session-limit", () => {
    const { bench, first, next } = two("refuse-new");
    const second = next();
    bench.run().pass(10_000);
    expect(bench.causes).toEqual(["session-limit"]);
    expect(second.up).toBe(false);
    expect(first.events.map(({ kind }) => kind)).not.toContain("Ended");
    expect(bench.ledger.balance()).toMatchObject({ seat: 1, address: 1 });
  });

  test("oldest alive, end-oldest: it gives way, told why, and the newcomer is up", () => {
    const { bench, first, next } = two("end-oldest");
    const second = next();
    bench.run().pass(10_000);
    expect(bench.causes).toEqual(["session-limit"]);
    expect(second.up).toBe(true);
    expect(first.events.at(-1)?.kind).toBe("Ended");
    expect(bench.ledger.balance()).toMatchObject({ seat: 1, address: 1 });
  });

  test.each(["refuse-new", "end-oldest"] as const)("oldest silent, %s: it is ended", (policy) => {
    const { bench, first, next } = two(policy);
    first.silent = true;
    const second = next();
    bench.run().pass(ppp.probeMs - 1);
    expect(second.up).toBe(false);
    bench.pass(1);
    expect(second.up).toBe(true);
    expect(bench.causes).toEqual(["echo-timeout"]);
    expect(bench.server.sessionCount).toBe(1);
  });

  test("oldest ends while it is asked: the newcomer is up", () => {
    const { bench, first, next } = two("refuse-new");
    first.silent = true;
    const second = next();
    bench.run();
    first.cut();
    expect(second.up).toBe(true);
    expect(bench.causes).toEqual(["control-closed"]);
  });

  test("newcomer ends while the oldest is asked: nothing changes, and the next one is heard", () => {
    const { bench, first, next } = two("end-oldest");
    first.silent = true;
    const second = next();
    bench.run();
    second.cut();
    bench.pass(ppp.probeMs);
    expect(bench.causes).toEqual(["control-closed"]);
    expect(bench.server.sessionCount).toBe(1);
    const third = next();
    bench.run().pass(ppp.probeMs);
    expect(third.up).toBe(true);
    expect(bench.ledger.balance()).toMatchObject({ seat: 1, address: 1 });
  });

  test("two newcomers at once: one seat is asked about once, the other is refused", () => {
    const { bench, first, next } = two("end-oldest");
    first.silent = true;
    const [second, third] = [next(), next()];
    bench.run().pass(10_000);
    expect([second.up, third.up].filter(Boolean)).toHaveLength(1);
    expect(bench.server.sessionCount).toBe(1);
  });

  test("oldest has not begun PPP: it counts as silent", () => {
    const bench = new ServerBench();
    bench.account = { sessionsMax: 1, atSessionLimit: "refuse-new" };
    bench.held.add("address");
    const first = bench.caller();
    bench.run();
    bench.held.add("remove");
    first.cut();
    bench.held.delete("address");
    const second = bench.caller();
    bench.run();
    expect(second.up).toBe(true);
    bench.release("remove");
    expect(bench.server.sessionCount).toBe(1);
    expect(bench.ledger.balance()).toMatchObject({ seat: 1, address: 1 });
  });
});
