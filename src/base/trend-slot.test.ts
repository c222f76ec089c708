import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import {
  joinedFigures,
  slotBegin,
  spread,
  type TrendFigures,
  trendFields,
  trendLengths,
  trendPeaks,
  trendSums,
} from "./trend-slot.js";

const figures = fc
  .tuple(...trendFields.map(() => fc.maxSafeNat().map((value) => value % 2 ** 50)))
  .map((values) => Object.fromEntries(trendFields.map((name, at) => [name, values[at]])))
  .map((all) => all as unknown as TrendFigures);
const moment = fc.integer({ min: 100_000, max: 4_000_000_000_000 });
const length = trendLengths["10s"];

describe("a time spread over slots", () => {
  test.prop([
    figures,
    moment,
    fc.integer({ min: -60_000, max: 400_000 }),
    fc.integer({ min: 1, max: 30 }),
  ])(
    "sums are preserved to the last one, peaks are in each, slots are in order and few",
    (given, from, took, slotsMax) => {
      const slots = spread(given, from, from + took, slotsMax);
      for (const name of trendSums) {
        expect(slots.reduce((sum, slot) => sum + slot[name], 0)).toBe(given[name]);
        for (const slot of slots) expect(slot[name]).toBeGreaterThanOrEqual(0);
      }
      for (const name of trendPeaks) {
        for (const slot of slots) expect(slot[name]).toBe(given[name]);
      }
      expect(slots.length).toBeGreaterThan(0);
      expect(slots.length).toBeLessThanOrEqual(slotsMax);
      slots.forEach(({ at }, index) => {
        expect(at % length).toBe(0);
        if (index > 0) expect(at).toBe(slots[index - 1]!.at + length);
      });
      expect(slots.at(-1)!.at).toBeLessThanOrEqual(from + took);
    },
  );

  test("by how much of the time lies in each", () => {
    const ones = Object.fromEntries(trendFields.map((name) => [name, 100])) as TrendFigures;
    const slots = spread(ones, 15_000, 35_000, 30);
    expect(slots.map(({ at, logIns, heldMax }) => [at, logIns, heldMax])).toEqual([
      [10_000, 25, 100],
      [20_000, 50, 100],
      [30_000, 25, 100],
    ]);
  });

  test("a clock that was put back, and one far ahead: all of it at its end", () => {
    const ones = Object.fromEntries(trendFields.map((name) => [name, 7])) as TrendFigures;
    expect(spread(ones, 50_000, 12_345, 30)).toEqual([{ ...ones, at: 10_000 }]);
    expect(spread(ones, 0, 86_400_000, 30)).toEqual([{ ...ones, at: 86_400_000 }]);
  });
});

test.prop([figures, figures])("two as one: sums are added, the greater peak stays", (a, b) => {
  const both = joinedFigures(a, b);
  for (const name of trendSums) expect(both[name]).toBe(a[name] + b[name]);
  for (const name of trendPeaks) expect(both[name]).toBe(Math.max(a[name], b[name]));
});

test("each length is a multiple of the finer one, and a slot begins at a multiple of its own", () => {
  const lengths = Object.values(trendLengths);
  for (const [at, ms] of lengths.entries()) expect(ms % (lengths[at - 1] ?? 1)).toBe(0);
  expect(slotBegin(86_399_999, trendLengths["1d"])).toBe(0);
  expect(slotBegin(86_400_000, trendLengths["1d"])).toBe(86_400_000);
});
