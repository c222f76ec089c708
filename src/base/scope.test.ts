import { describe, expect, test } from "vitest";
import { instant } from "./instant.js";
import { InvariantBroken } from "./invariant.js";
import { lease } from "./lease.js";
import { Ledger } from "./ledger.js";
import { Scope } from "./scope.js";

function setUp() {
  const ledger = new Ledger(() => instant(0));
  const given: string[] = [];
  const named = (name: string) => lease(() => void given.push(name));
  return { ledger, given, named };
}

function failing(times: number): Disposable & { calls: number } {
  return {
    calls: 0,
    [Symbol.dispose]() {
      if (this.calls++ < times) throw new Error(`failure ${this.calls}`);
    },
  };
}

describe("Scope", () => {
  test("its end gives all back, last in, first out, and leaves the ledger empty", () => {
    const { ledger, given, named } = setUp();
    const scope = new Scope("call 1", ledger);
    for (const name of ["socket", "callId", "address"]) scope.hold(name, named(name));
    expect(ledger.size).toBe(3);
    scope[Symbol.dispose]();
    expect(given).toEqual(["address", "callId", "socket"]);
    expect(ledger.size).toBe(0);
    expect(scope.open).toBe(false);
  });

  test("disposing twice is once", () => {
    const { ledger, given, named } = setUp();
    const scope = new Scope("call 1", ledger);
    scope.hold("socket", named("socket"));
    scope[Symbol.dispose]();
    scope[Symbol.dispose]();
    expect(given).toEqual(["socket"]);
  });

  test("two scopes of one name count as two, and end apart", () => {
    const { ledger, named } = setUp();
    const one = new Scope("call 1", ledger);
    const two = new Scope("call 1", ledger);
    one.hold("callId", named("one"));
    two.hold("callId", named("two"));
    expect(ledger.size).toBe(2);
    one[Symbol.dispose]();
    expect(ledger.size).toBe(1);
    expect(ledger.balance()).toEqual({ callId: 1 });
    two[Symbol.dispose]();
    expect(ledger.size).toBe(0);
  });

  test("a block that returns before move gives back what it took", () => {
    const { ledger, given, named } = setUp();
    const admit = () => {
      using acquiring = new Scope("call 1", ledger);
      acquiring.hold("callId", named("callId"));
      return undefined; // The second lease is refused.
    };
    admit();
    expect(given).toEqual(["callId"]);
    expect(ledger.size).toBe(0);
  });

  test("a block that throws before move gives back what it took", () => {
    const { ledger, given, named } = setUp();
    const admit = () => {
      using acquiring = new Scope("call 1", ledger);
      acquiring.hold("callId", named("callId"));
      throw new Error("the pool broke");
    };
    expect(admit).toThrow("the pool broke");
    expect(given).toEqual(["callId"]);
    expect(ledger.size).toBe(0);
  });

  test("move: the leases outlive the block, in the same ledger lines", () => {
    const { ledger, given, named } = setUp();
    const admit = () => {
      using acquiring = new Scope("call 1", ledger);
      acquiring.hold("callId", named("callId"), "4711");
      acquiring.child("session 1").hold("address", named("address"));
      return acquiring.move();
    };
    const scope = admit();
    expect(given).toEqual([]);
    expect(scope.open).toBe(true);
    expect([...ledger.lines()].map(({ what, detail }) => `${what} ${detail}`.trim())).toEqual([
      "callId 4711",
      "address",
    ]);
    scope[Symbol.dispose]();
    expect(given).toEqual(["address", "callId"]);
    expect(ledger.size).toBe(0);
  });

  test("hold after the end gives the lease back at once and says whose bug it is", () => {
    const { ledger, given, named } = setUp();
    const scope = new Scope("call 1", ledger);
    scope[Symbol.dispose]();
    expect(() => scope.hold("socket", named("socket"))).toThrow(InvariantBroken);
    expect(given).toEqual(["socket"]);
    expect(ledger.size).toBe(0);
    expect(() => scope.child("session 1")).toThrow(InvariantBroken);
  });

  test("hold after move is after the end too", () => {
    const { ledger, named } = setUp();
    const scope = new Scope("call 1", ledger);
    scope.move();
    expect(() => scope.hold("socket", named("socket"))).toThrow(InvariantBroken);
  });

  test("a failing release keeps no other, and stays visible as stuck with its failure", () => {
    const { ledger, given, named } = setUp();
    const scope = new Scope("call 1", ledger);
    scope.hold("socket", named("socket"));
    scope.hold("route", failing(1), "10.0.0.0/8");
    scope.hold("address", named("address"));
    expect(() => scope[Symbol.dispose]()).toThrow(AggregateError);
    expect(given).toEqual(["address", "socket"]);
    expect(ledger.stuck).toBe(1);
    const [line] = [...ledger.lines()];
    expect(line).toMatchObject({ what: "route", state: "stuck", why: "failure 1" });
  });

  test("failures of several releases are reported together", () => {
    const { ledger } = setUp();
    const scope = new Scope("call 1", ledger);
    for (let i = 0; i < 3; i++) scope.hold("route", failing(1));
    let thrown: unknown;
    try {
      scope[Symbol.dispose]();
    } catch (failure) {
      thrown = failure;
    }
    expect((thrown as AggregateError).errors).toHaveLength(3);
    expect(ledger.stuck).toBe(3);
  });

  test("release gives one back now; a lease of another scope is not ours", () => {
    const { ledger, given, named } = setUp();
    const scope = new Scope("call 1", ledger);
    const key = scope.hold("key", named("key"));
    scope.hold("socket", named("socket"));
    expect(scope.release(key)).toBe(true);
    expect(scope.release(key)).toBe(false);
    expect(scope.release(named("other"))).toBe(false);
    expect(given).toEqual(["key"]);
    expect(ledger.balance()).toEqual({ socket: 1 });
    scope[Symbol.dispose]();
    expect(given).toEqual(["key", "socket"]);
  });

  test("a release that fails throws its own failure and is stuck, no longer the scope's", () => {
    const { ledger } = setUp();
    const scope = new Scope("call 1", ledger);
    const route = scope.hold("route", failing(1));
    expect(() => scope.release(route)).toThrow("failure 1");
    expect(ledger.stuck).toBe(1);
    scope[Symbol.dispose]();
    expect(route.calls).toBe(1);
  });

  test("children end with their parent, the youngest first, before the parent's own leases", () => {
    const { ledger, given, named } = setUp();
    const connection = new Scope("connection 1", ledger);
    connection.hold("socket", named("socket"));
    const first = connection.child("call 1");
    const second = connection.child("call 2");
    first.hold("callId", named("first"));
    second.hold("callId", named("second"));
    connection[Symbol.dispose]();
    expect(given).toEqual(["second", "first", "socket"]);
    expect(first.open || second.open).toBe(false);
    expect(ledger.size).toBe(0);
  });

  test("a child that ended is forgotten by its parent", () => {
    const { ledger, given, named } = setUp();
    const connection = new Scope("connection 1", ledger);
    const call = connection.child("call 1");
    call.hold("callId", named("callId"));
    call[Symbol.dispose]();
    connection[Symbol.dispose]();
    expect(given).toEqual(["callId"]);
  });

  test("a child whose release fails keeps neither its brothers nor the parent's leases", () => {
    const { ledger, given, named } = setUp();
    const connection = new Scope("connection 1", ledger);
    connection.hold("socket", named("socket"));
    connection.child("call 1").hold("callId", named("callId"));
    connection.child("call 2").hold("route", failing(1));
    expect(() => connection[Symbol.dispose]()).toThrow(AggregateError);
    expect(given).toEqual(["callId", "socket"]);
    expect(ledger.balance()).toEqual({ route: 1 });
  });

  test("a moved child still ends with its parent", () => {
    const { ledger, given, named } = setUp();
    const connection = new Scope("connection 1", ledger);
    const call = connection.child("call 1");
    call.hold("callId", named("callId"));
    const moved = call.move();
    connection[Symbol.dispose]();
    expect(given).toEqual(["callId"]);
    expect(moved.open).toBe(false);
  });

  test("a release that opens a child of the ending scope leaves nothing behind", () => {
    const { ledger, given, named } = setUp();
    const connection = new Scope("connection 1", ledger);
    connection.child("call 1").hold(
      "callId",
      lease(() => {
        connection.child("call 2").hold("callId", named("late"));
      }),
    );
    expect(() => connection[Symbol.dispose]()).toThrow(AggregateError);
    expect(given).toEqual([]);
    expect(ledger.size).toBe(ledger.stuck);
  });
});
