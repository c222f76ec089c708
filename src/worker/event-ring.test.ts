import { describe, expect, test } from "vitest";
import { type Bounds, worker as limits } from "../limits.js";
import { EventRing, type Whose } from "./event-ring.js";

const HALF = limits.strangersFrameOctetsMax;

/** Puts frames until there is no room; how many octets went in. */
function fill(ring: EventRing, whose: Whose, octets = 64): number {
  const before = ring.octets;
  while (ring.put(new Uint8Array(octets), whose, 0));
  return ring.octets - before;
}

describe("what the main process has not read yet", () => {
  test("strangers' frames fill half of what frames have; those of sessions have the rest to themselves", () => {
    const ring = new EventRing();
    expect(fill(ring, "stranger")).toBe(HALF);
    expect(fill(ring, "session")).toBe(limits.frameOctetsMax - HALF);
    expect([ring.put(new Uint8Array(64), "stranger", 0), ring.octets]).toEqual([
      ...[false, limits.frameOctetsMax],
    ]);
  });

  test("sessions' frames alone may have all of it, and strangers' then have none", () => {
    const ring = new EventRing();
    expect(fill(ring, "session")).toBe(limits.frameOctetsMax);
    expect(fill(ring, "stranger")).toBe(0);
  });

  test("what a worker itself has to tell has room beyond all frames", () => {
    const ring = new EventRing();
    fill(ring, "session");
    expect(fill(ring, "worker", 4_096)).toBe(limits.queueOctetsMax - limits.frameOctetsMax);
  });

  test("what is taken out and not written yet counts", () => {
    const ring = new EventRing();
    expect(ring.put(new Uint8Array(1), "stranger", HALF)).toBe(false);
    expect(ring.put(new Uint8Array(1), "stranger", HALF - 1)).toBe(true);
  });

  test("comes out whole and in order, as much as there is room for", () => {
    const ring = new EventRing();
    for (const [at, length] of [3, 4, 5].entries()) {
      ring.put(new Uint8Array(length).fill(at + 1), "worker", 0);
    }
    const room = new Uint8Array(8);
    expect([ring.take(room), [...room.subarray(0, 7)]]).toEqual([7, [1, 1, 1, 2, 2, 2, 2]]);
    expect([ring.take(new Uint8Array(4)), ring.octets]).toEqual([0, 5]);
    expect([ring.take(room), ring.octets]).toEqual([5, 0]);
  });
});

/**
 * A main process that reads less than strangers send, and sessions beside them, for `turns` turns: how
 * many of each were lost.
 */
function flooded(
  bounds: Bounds<typeof limits>,
  turns: number,
): Record<"session" | "stranger", number> {
  const ring = new EventRing(bounds);
  const lost = { session: 0, stranger: 0 };
  const offer = (whose: "session" | "stranger", octets: number) => {
    if (!ring.put(new Uint8Array(octets), whose, 0)) lost[whose]++;
  };
  const room = new Uint8Array(limits.messageOctetsMax);
  for (let turn = 0; turn < turns; turn++) {
    for (let frame = 0; frame < 2_000; frame++) {
      offer("stranger", 40 + (frame % 61));
      if (frame % 100 === 0) offer("session", 200);
    }
    ring.take(room);
  }
  return lost;
}

describe("a flood of frames by calls without a log-in, twice what the main process reads", () => {
  test("costs sessions none of theirs", () => {
    const { session, stranger } = flooded(limits, 200);
    expect([session, stranger > 100_000]).toEqual([0, true]);
  });

  test("and would, were they to share one bound", () => {
    const shared = { ...limits, strangersFrameOctetsMax: limits.frameOctetsMax };
    expect(flooded(shared, 200).session).toBeGreaterThan(1_000);
  });
});
