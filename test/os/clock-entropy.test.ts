import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { after } from "../../src/base/instant.js";
import {
  monotonicNow,
  turnNow,
  wallClockMs,
  wallClockOf,
  wallClockText,
} from "../../src/os/clock.js";
import { systemRng } from "../../src/os/entropy.js";

test("the monotonic clock never goes back, and a moment of it has a place on the wall", () => {
  let last = monotonicNow();
  for (let i = 0; i < 1000; i++) {
    const now = monotonicNow();
    expect(now).toBeGreaterThanOrEqual(last);
    last = now;
  }
  const now = monotonicNow();
  expect(wallClockOf(after(now, 5000)) - wallClockOf(now)).toBeCloseTo(5000, -3);
  expect(Math.abs(wallClockOf(now) - wallClockMs())).toBeLessThan(1000);
  expect(wallClockText(0)).toBe("1970-01-01T00:00:00.000Z");
});

test("one moment for all that one callback does, a new one for the next", async () => {
  const begin = turnNow();
  while (monotonicNow() - begin < 2);
  expect(turnNow()).toBe(begin);
  await setImmediate();
  const next = turnNow();
  expect(next).toBeGreaterThanOrEqual(begin + 2);
  expect(monotonicNow()).toBeGreaterThanOrEqual(next);
});

test("each draw is in its range, and not the last one again", () => {
  const rng = systemRng();
  const identifiers = new Set<string>();
  const challenges = new Set<string>();
  for (let i = 0; i < 2000; i++) {
    const callId = rng.callId();
    expect(callId >= 1 && callId <= 0xffff && Number.isInteger(callId)).toBe(true);
    const magic = rng.magicNumber();
    expect(magic >= 1 && magic <= 0xffffffff && Number.isInteger(magic)).toBe(true);
    const jitter = rng.jitter();
    expect(jitter >= 0 && jitter < 1).toBe(true);
    const identifier = rng.interfaceIdentifier();
    expect(identifier).toHaveLength(8);
    expect(identifier[0]! & 2).toBe(0);
    identifiers.add(identifier.join());
    challenges.add(rng.challenge(16).join());
  }
  expect(identifiers.size).toBe(2000);
  expect(challenges.size).toBe(2000);
  expect(rng.echoData(5)).toHaveLength(5);
});
