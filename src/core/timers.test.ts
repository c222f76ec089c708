import { describe, expect, test } from "vitest";
import { instant } from "../base/instant.js";
import { Timers } from "./timers.js";

function timers(...at: readonly (readonly ["a" | "b" | "c", number])[]): Timers<"a" | "b" | "c"> {
  const made = new Timers<"a" | "b" | "c">();
  for (const [name, ms] of at) made.set(name, instant(ms));
  return made;
}

describe("Timers", () => {
  test("the earliest is next, whatever the order they were set in", () => {
    const orders = [
      timers(["a", 3], ["b", 1], ["c", 2]),
      timers(["b", 1], ["c", 2], ["a", 3]),
      timers(["c", 2], ["a", 3], ["b", 1]),
    ];
    for (const made of orders) expect(made.next()).toMatchObject({ at: 1, why: "b" });
  });

  test("set again it is moved, not there twice", () => {
    const made = timers(["a", 1], ["b", 2], ["a", 5]);
    expect(made.due(instant(9))).toBe("b");
    expect(made.due(instant(9))).toBe("a");
    expect(made.due(instant(9))).toBeUndefined();
  });

  test("what is due comes out earliest first, and nothing before its time", () => {
    const made = timers(["a", 3], ["b", 1], ["c", 2]);
    expect(made.due(instant(0))).toBeUndefined();
    expect([made.due(instant(2)), made.due(instant(2)), made.due(instant(2))]).toEqual([
      "b",
      "c",
      undefined,
    ]);
    expect(made.at("a")).toBe(3);
  });

  test("cleared: the first, one between, the last, one that does not run, all", () => {
    for (const name of ["a", "b", "c"] as const) {
      const made = timers(["a", 1], ["b", 2], ["c", 3]);
      made.clear(name);
      made.clear(name);
      expect(made.at(name)).toBeUndefined();
      const left = [made.due(instant(9)), made.due(instant(9)), made.due(instant(9))];
      expect(left).toEqual([...["a", "b", "c"].filter((one) => one !== name), undefined]);
    }
    const made = timers(["a", 1], ["b", 2]);
    made.clearAll();
    expect(made.next()).toBeUndefined();
  });
});
