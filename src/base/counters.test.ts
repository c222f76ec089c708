import { describe, expect, test } from "vitest";
import { Counters } from "./counters.js";

describe("Counters", () => {
  test("counts by name, read back sorted", () => {
    const counters = new Counters(8);
    counters.add("malformed");
    counters.add("gre-version", 3);
    counters.add("malformed");
    expect(Object.entries(counters.snapshot())).toEqual([
      ["gre-version", 3],
      ["malformed", 2],
    ]);
    expect(counters.get("malformed")).toBe(2);
    expect(counters.get("absent")).toBe(0);
  });

  test("at the bound on names, known ones go on and new ones are other", () => {
    const counters = new Counters(2);
    for (const name of ["a", "b", "c", "d", "a"]) counters.add(name);
    expect(counters.snapshot()).toEqual({ a: 2, b: 1, other: 2 });
  });

  test("however many names a peer invents, at most one more than the bound is kept", () => {
    const counters = new Counters(16);
    for (let i = 0; i < 10_000; i++) counters.add(`name ${i}`);
    const counts = Object.values(counters.snapshot());
    expect(counts).toHaveLength(17);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(10_000);
  });

  test("names that objects know are only names", () => {
    const counters = new Counters(4);
    for (const name of ["constructor", "toString", "__proto__"]) counters.add(name);
    expect(counters.get("toString")).toBe(1);
    expect(Object.keys(counters.snapshot())).toEqual(["__proto__", "constructor", "toString"]);
  });

  test("a snapshot is not the counters", () => {
    const counters = new Counters(4);
    counters.add("a");
    const before = counters.snapshot();
    counters.add("a");
    expect(before).toEqual({ a: 1 });
  });
});
