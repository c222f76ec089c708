// When the data worker lets datagrams gather before it looks again: what a batch costs to receive
// depends on its size, and a nap is latency that an idle tunnel must not pay.
import type { Instant } from "../base/instant.js";

/** Over so long the packets of a wake-up are averaged. */
const WINDOW_MS = 1;
/** A window that took longer was mostly waiting: nothing is busy. */
const STALE_MS = 3;
/** More packets than this a wake-up: the next ones are let gather. */
const BUSY_PACKETS = 4;
/** A nap is as long as it takes so many to come. */
const GATHER_PACKETS = 32;
export const NAP_US_MIN = 50;
export const NAP_US_MAX = 200;

export class Naps {
  #since: Instant | undefined;
  #wakeUps = 0;
  #packets = 0;
  #microseconds = 0;

  /** Length of the nap to take now, in microseconds; 0 for none. */
  get microseconds(): number {
    return this.#microseconds;
  }

  /** After each wake-up: packets it found, both directions. */
  woke(packets: number, now: Instant): void {
    this.#since ??= now;
    this.#wakeUps++;
    this.#packets += packets;
    const passed = now - this.#since;
    if (passed < WINDOW_MS) return;
    const busy = passed <= STALE_MS && this.#packets > BUSY_PACKETS * this.#wakeUps;
    this.#microseconds = busy ? napFor(this.#packets / passed) : 0;
    this.#since = now;
    this.#wakeUps = 0;
    this.#packets = 0;
  }
}

function napFor(packetsPerMs: number): number {
  const wanted = Math.round((GATHER_PACKETS * 1_000) / packetsPerMs);
  return Math.min(Math.max(wanted, NAP_US_MIN), NAP_US_MAX);
}
