import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { type Instant, instant } from "../base/instant.js";
import { plane as limits } from "../limits.js";
import { PlaneMemory } from "./memory.js";
import { DOWN, NO_BUCKET, RateBuckets, UP } from "./token-bucket.js";

const at = (ms: number): Instant => instant(ms);

const BUCKETS = 8;
/** 8 Mbit/s: 1000 octets a millisecond, 100,000 in the bucket. */
const RATE = 8_000_000;
const BURST = 1_000 * limits.rateBurstMs;

function bucketOf(up: number, down = 0, now = 0): RateBuckets {
  const buckets = new RateBuckets(new PlaneMemory(BUCKETS));
  expect(buckets.set(1, up, down, at(now))).toBe(true);
  return buckets;
}

/** Packets of `octets` until one is refused; what passed. */
function drained(buckets: RateBuckets, now: number, octets = 1_000, direction = UP): number {
  let passed = 0;
  while (buckets.take(1, direction as typeof UP, octets, at(now))) passed += octets;
  return passed;
}

describe("a bucket", () => {
  test("new: full; then what the time brings", () => {
    const buckets = bucketOf(RATE);
    expect(drained(buckets, 0)).toBe(BURST);
    expect(drained(buckets, 0.5)).toBe(0);
    expect(drained(buckets, 5)).toBe(5_000);
  });

  test("never holds more than its burst, however long nothing came", () => {
    const buckets = bucketOf(RATE);
    for (const now of [1e6, 1e12, Number.MAX_SAFE_INTEGER]) {
      expect(drained(buckets, now)).toBe(BURST);
    }
  });

  test("time that stands still or goes back brings nothing", () => {
    const buckets = bucketOf(RATE, 0, 1_000);
    drained(buckets, 1_000);
    expect(drained(buckets, 1_000)).toBe(0);
    expect(drained(buckets, 900)).toBe(0);
    expect(drained(buckets, 1_001)).toBe(1_000);
  });

  test("of a low rate holds two of the largest packets, and no more", () => {
    const buckets = bucketOf(8_000);
    const largest = limits.payloadOctetsMax;
    expect(drained(buckets, 0, largest)).toBe(2 * largest);
    expect(drained(buckets, largest - 1, largest)).toBe(0);
    expect(drained(buckets, largest, largest)).toBe(largest);
  });

  test("a packet that does not fit spends nothing: a smaller one may pass", () => {
    const buckets = bucketOf(RATE);
    drained(buckets, 0);
    expect(buckets.take(1, UP, 501, at(0.5))).toBe(false);
    expect(buckets.take(1, UP, 500, at(0.5))).toBe(true);
  });

  test("each direction and each number has its own", () => {
    const buckets = bucketOf(RATE, RATE / 2);
    buckets.set(2, RATE, RATE, at(0));
    drained(buckets, 0);
    expect(drained(buckets, 0, 1_000, DOWN)).toBe(BURST / 2);
    expect(buckets.take(2, UP, 1_000, at(0))).toBe(true);
  });

  test("no limit in one direction, in both, or in no bucket at all: all passes", () => {
    const buckets = bucketOf(0, RATE);
    buckets.set(2, 0, 0, at(0));
    for (const bucket of [1, 2, NO_BUCKET]) {
      expect(buckets.take(bucket, UP, 1e12, at(0))).toBe(true);
    }
  });

  test("set again, at the same rate or another: its tokens stay, within the new burst", () => {
    const buckets = bucketOf(RATE);
    drained(buckets, 0);
    buckets.set(1, RATE, 0, at(0));
    expect(drained(buckets, 0)).toBe(0);
    buckets.set(1, 2 * RATE, 0, at(10));
    expect(drained(buckets, 10)).toBe(10_000);
    expect(drained(buckets, 20)).toBe(20_000);
    buckets.set(1, RATE / 10, 0, at(1_000_000));
    expect(drained(buckets, 1_000_000)).toBe(BURST / 10);
  });

  test("a limit taken off and set anew: full", () => {
    const buckets = bucketOf(RATE);
    drained(buckets, 0);
    buckets.set(1, 0, 0, at(0));
    expect(buckets.take(1, UP, 1e9, at(0))).toBe(true);
    buckets.set(1, RATE, 0, at(0));
    expect(drained(buckets, 0)).toBe(BURST);
  });

  test("numbers that are no bucket's are refused", () => {
    const buckets = new RateBuckets(new PlaneMemory(BUCKETS));
    for (const bucket of [NO_BUCKET, BUCKETS + 1, limits.rateBucketsMax, 0xffffffff]) {
      expect(buckets.set(bucket, RATE, RATE, at(0))).toBe(false);
    }
    expect(buckets.set(BUCKETS, RATE, RATE, at(0))).toBe(true);
    expect(buckets.take(BUCKETS, DOWN, BURST + 1, at(0))).toBe(false);
  });
});

const rates = fc.integer({ min: 8_000, max: 1_000_000_000 });
const sizes = fc.integer({ min: 20, max: limits.payloadOctetsMax });
/** Milliseconds: none, fractions, a few, gaps of days. */
const steps = fc.oneof(
  fc.constant(0),
  fc.double({ min: 0, max: 1, noNaN: true }),
  fc.double({ min: 0, max: 300, noNaN: true }),
  fc.double({ min: 0, max: 1e9, noNaN: true }),
);
const arrivals = fc.array(fc.tuple(steps, sizes), { minLength: 1, maxLength: 60 });

function burstOf(bitsPerSecond: number): number {
  return Math.max((bitsPerSecond / 8_000) * limits.rateBurstMs, limits.rateBurstOctetsMin);
}

describe("in the long run", () => {
  property.prop([rates, arrivals])(
    "between any two moments no more passes than a burst and the rate",
    (rate, packets) => {
      const buckets = bucketOf(rate);
      const passed: { now: number; octets: number }[] = [];
      let now = 0;
      for (const [step, octets] of packets) {
        now += step;
        if (buckets.take(1, UP, octets, at(now))) passed.push({ now, octets });
      }
      for (const [from, first] of passed.entries()) {
        let octets = 0;
        for (const last of passed.slice(from)) {
          octets += last.octets;
          const most = burstOf(rate) + ((last.now - first.now) * rate) / 8_000;
          expect(octets).toBeLessThanOrEqual(most * (1 + 1e-9));
        }
      }
    },
  );

  property.prop([
    rates,
    sizes,
    fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 40 }),
  ])("a sender that always has more gets the rate, less one packet", (rate, size, fractions) => {
    const buckets = bucketOf(rate);
    const room = burstOf(rate) - size;
    let passed = drained(buckets, 0, size);
    let now = 0;
    for (const fraction of fractions) {
      // No step so long that the bucket overflows: what it then loses is the burst's bound.
      now += fraction * (room / (rate / 8_000));
      passed += drained(buckets, now, size);
    }
    const fair = burstOf(rate) + (now * rate) / 8_000;
    expect(passed).toBeGreaterThan(fair * (1 - 1e-9) - size - 1e-6);
    expect(passed).toBeLessThanOrEqual(fair * (1 + 1e-9));
  });
});
