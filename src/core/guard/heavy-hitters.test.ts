import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { HeavyHitters } from "./heavy-hitters.js";

const COUNTERS = 4;
const added = fc.array(fc.tuple(fc.nat(12), fc.integer({ min: 1, max: 9 })), { maxLength: 200 });

function truth(all: readonly (readonly [number, number])[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const [key, count] of all) counts.set(key, (counts.get(key) ?? 0) + count);
  return counts;
}

function expectPromise(sketch: HeavyHitters, all: readonly (readonly [number, number])[]): void {
  const total = all.reduce((sum, [, count]) => sum + count, 0);
  expect(sketch.total).toBe(total);
  expect(sketch.size).toBeLessThanOrEqual(COUNTERS);
  const shown = new Map(sketch.top(COUNTERS));
  for (const [key, count] of truth(all)) {
    const atLeast = shown.get(key) ?? 0;
    expect(atLeast).toBeLessThanOrEqual(count);
    expect(count - atLeast).toBeLessThanOrEqual(sketch.shortBy);
    if (count * (COUNTERS + 1) > total) expect(atLeast).toBeGreaterThan(0);
  }
  expect(sketch.shortBy * (COUNTERS + 1)).toBeLessThanOrEqual(total);
}

describe("heavy hitters", () => {
  property.prop([added])("no count is over, nor short by more than is said", (all) => {
    const sketch = new HeavyHitters(COUNTERS);
    for (const [key, count] of all) sketch.add(key, count);
    expectPromise(sketch, all);
  });

  property.prop([added, added])("of two that are put together likewise", (some, others) => {
    const [one, other] = [new HeavyHitters(COUNTERS), new HeavyHitters(COUNTERS)];
    for (const [key, count] of some) one.add(key, count);
    for (const [key, count] of others) other.add(key, count);
    one.merge(other);
    expectPromise(one, [...some, ...others]);
  });

  test("one source among a hundred thousand others is found", () => {
    const sketch = new HeavyHitters(64);
    for (let i = 0; i < 100_000; i++) sketch.add(i % 20 === 0 ? 7 : 1_000 + i);
    const [first] = sketch.top(1);
    expect(first?.[0]).toBe(7);
    expect(5_000 - (first?.[1] ?? 0)).toBeLessThanOrEqual(sketch.shortBy);
    expect(sketch.size).toBeLessThanOrEqual(64);
  });
});
