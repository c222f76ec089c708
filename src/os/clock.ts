// The two clocks: a monotonic one for every decision, the wall's for what people and records read.
import { type Instant, instant } from "../base/instant.js";

/** Milliseconds with a fraction, CLOCK_MONOTONIC, from the start of this process. */
export function monotonicNow(): Instant {
  return instant(performance.now());
}

let turn: Instant | undefined;

/**
 * The same, read once for all that one callback of the event loop does: on some kernels a look at the
 * clock is a system call. Not for how long something took.
 */
export function turnNow(): Instant {
  if (turn === undefined) {
    turn = monotonicNow();
    queueMicrotask(forgetTurn);
  }
  return turn;
}

function forgetTurn(): void {
  turn = undefined;
}

/** Milliseconds since 1970, UTC. May jump. */
export function wallClockMs(): number {
  return Date.now();
}

/** RFC 3339, UTC, with milliseconds. */
export function wallClockText(ms: number = Date.now()): string {
  return new Date(ms).toISOString();
}

/** When, on the wall, a past (or future) monotonic moment was, as far as the two agree now. */
export function wallClockOf(moment: Instant): number {
  return Date.now() + (moment - turnNow());
}
