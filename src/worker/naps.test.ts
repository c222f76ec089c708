import { describe, expect, test } from "vitest";
import { instant } from "../base/instant.js";
import { NAP_US_MAX, NAP_US_MIN, Naps } from "./naps.js";

/** `packets` at each wake-up, one every `everyMs`, for `forMs`; the nap at the end. */
function napAfter(naps: Naps, packets: number, everyMs: number, forMs: number, from = 0): number {
  for (let at = 0; at <= forMs; at += everyMs) naps.woke(packets, instant(from + at));
  return naps.microseconds;
}

describe("naps", () => {
  test("none before anything came", () => {
    expect(new Naps().microseconds).toBe(0);
  });

  test("four packets a wake-up, however often: none", () => {
    expect(napAfter(new Naps(), 4, 0.02, 20)).toBe(0);
  });

  test("five a wake-up: none within the first millisecond, then some", () => {
    const naps = new Naps();
    expect(napAfter(naps, 5, 0.05, 0.95)).toBe(0);
    expect(napAfter(naps, 5, 0.05, 2, 1)).toBeGreaterThan(0);
  });

  test("longer where packets are rarer, within the bounds", () => {
    const lengths = [0.002, 0.02, 0.05, 0.1, 0.5].map((every) =>
      napAfter(new Naps(), 5, every, 10),
    );
    expect(lengths[0]).toBe(NAP_US_MIN);
    expect(lengths.at(-1)).toBe(NAP_US_MAX);
    expect(lengths).toEqual([...lengths].sort((a, b) => a - b));
    expect(lengths.every((us) => Number.isInteger(us))).toBe(true);
  });

  test("a burst after idleness is no reason, and idleness ends them at the next wake-up", () => {
    const naps = new Naps();
    expect(napAfter(naps, 64, 1_000, 5_000)).toBe(0);
    expect(napAfter(naps, 64, 0.2, 10, 6_000)).toBeGreaterThan(0);
    naps.woke(64, instant(7_000));
    expect(naps.microseconds).toBe(0);
  });

  test("batches that got small again: none", () => {
    const naps = new Naps();
    expect(napAfter(naps, 20, 0.2, 10)).toBeGreaterThan(0);
    expect(napAfter(naps, 2, 0.2, 3, 11)).toBe(0);
  });
});
