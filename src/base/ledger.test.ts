import { describe, expect, test } from "vitest";
import { instant } from "./instant.js";
import { lease, wipe } from "./lease.js";
import { Ledger } from "./ledger.js";

function failing(times: number): Disposable & { calls: number } {
  return {
    calls: 0,
    [Symbol.dispose]() {
      if (this.calls++ < times) throw new Error(`failure ${this.calls}`);
    },
  };
}

describe("Ledger", () => {
  test("names repeat, counts do not: leaving is by a lease's own number", () => {
    const ledger = new Ledger(() => instant(5));
    const one = ledger.enter("callId", "call 1");
    const two = ledger.enter("callId", "call 1");
    ledger.leave(one);
    ledger.leave(one);
    expect(ledger.size).toBe(1);
    expect([...ledger.lines()].map(({ id }) => id)).toEqual([two.id]);
  });

  test("a line says what, who, which, since when", () => {
    let now = 100;
    const ledger = new Ledger(() => instant(now));
    ledger.enter("address", "session 7", "10.0.0.2");
    now = 200;
    ledger.enter("socket", "connection 1");
    expect([...ledger.lines()]).toEqual([
      {
        id: 1,
        what: "address",
        owner: "session 7",
        detail: "10.0.0.2",
        since: 100,
        state: "held",
        why: "",
      },
      {
        id: 2,
        what: "socket",
        owner: "connection 1",
        detail: "",
        since: 200,
        state: "held",
        why: "",
      },
    ]);
  });

  test("balance: counts by kind, sorted by name", () => {
    const ledger = new Ledger(() => instant(0));
    for (const what of ["socket", "address", "socket"]) ledger.enter(what, "call 1");
    expect(Object.entries(ledger.balance())).toEqual([
      ["address", 1],
      ["socket", 2],
    ]);
  });

  test("returning stays visible until it left", () => {
    const ledger = new Ledger(() => instant(0));
    const slot = ledger.enter("flowSlot", "call 1");
    ledger.returning(slot, "Remove sent");
    expect([...ledger.lines()][0]).toMatchObject({ state: "returning", why: "Remove sent" });
    expect(ledger.size).toBe(1);
    expect(ledger.stuck).toBe(0);
    ledger.leave(slot);
    expect(ledger.size).toBe(0);
  });

  test("returning or stuck after it left brings nothing back", () => {
    const ledger = new Ledger(() => instant(0));
    const slot = ledger.enter("flowSlot", "call 1");
    ledger.leave(slot);
    ledger.returning(slot, "late");
    ledger.stick(slot, failing(0), new Error("late"));
    expect(ledger.size).toBe(0);
    expect(ledger.retryStuck(10)).toBe(0);
  });

  test("stuck: retried until it succeeds, its newest failure shown", () => {
    const ledger = new Ledger(() => instant(0));
    const route = failing(1);
    ledger.stick(ledger.enter("route", "call 1"), route, "busy");
    expect([...ledger.lines()][0]?.why).toBe("busy");
    expect(ledger.retryStuck(10)).toBe(0);
    expect([...ledger.lines()][0]).toMatchObject({ state: "stuck", why: "failure 1" });
    expect(ledger.retryStuck(10)).toBe(1);
    expect(ledger.size).toBe(0);
    expect(ledger.retryStuck(10)).toBe(0);
    expect(route.calls).toBe(2);
  });

  test("a retry tries at most so many, and leaves what is held alone", () => {
    const ledger = new Ledger(() => instant(0));
    ledger.enter("socket", "connection 1");
    const routes = [failing(0), failing(0), failing(0)];
    for (const route of routes) ledger.stick(ledger.enter("route", "call 1"), route, "busy");
    expect(ledger.retryStuck(2)).toBe(2);
    expect(routes.map(({ calls }) => calls)).toEqual([1, 1, 0]);
    expect(ledger.balance()).toEqual({ route: 1, socket: 1 });
  });
});

describe("lease", () => {
  test("given back once, however often it is disposed", () => {
    let times = 0;
    const one = lease(() => void times++);
    one[Symbol.dispose]();
    one[Symbol.dispose]();
    expect(times).toBe(1);
  });

  test("a failed release may be tried again, until it succeeds", () => {
    let times = 0;
    const one = lease(() => {
      if (times++ === 0) throw new Error("busy");
    });
    expect(() => one[Symbol.dispose]()).toThrow("busy");
    one[Symbol.dispose]();
    one[Symbol.dispose]();
    expect(times).toBe(2);
  });

  test("wipe: key octets are zero when given back, not before", () => {
    const keys = [Uint8Array.of(1, 2), Uint8Array.of(3)];
    const held = wipe(...keys);
    expect(keys).toEqual([Uint8Array.of(1, 2), Uint8Array.of(3)]);
    held[Symbol.dispose]();
    expect(keys).toEqual([new Uint8Array(2), new Uint8Array(1)]);
  });
});
