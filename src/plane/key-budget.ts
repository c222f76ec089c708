// G-13: what a peer's counts may cost in key changes beyond the one a packet. Asked before any key is
// touched; a forged count earns nothing, so that a run of them soon costs less than good packets do.
import { type Instant, instant } from "../base/instant.js";
import { plane as limits } from "../limits.js";

/** Key changes: those there may be at once, and what a second and a packet that was read earn anew. */
export type KeyEarnings = {
  readonly burst: number;
  readonly perSecond: number;
  readonly perPacket: number;
};

/** Of one flow, where nothing far is asked for. */
export const NEAR_KEYS: KeyEarnings = {
  burst: limits.keyStepsBurst,
  perSecond: limits.keyStepsPerSecond,
  perPacket: limits.keyStepsPerPacket,
};

export class KeyBudget {
  readonly #earnings: KeyEarnings;
  #steps: number;
  #at: Instant = instant(0);
  #packets = 0;

  constructor(earnings = NEAR_KEYS) {
    this.#earnings = earnings;
    this.#steps = earnings.burst;
  }

  /**
   * False, and nothing spent, when there are not so many. `packets`: those of the flow that were read
   * so far; each has earned a few, since where some come through the lost ones between are honest.
   */
  take(now: Instant, steps: number, packets = 0): boolean {
    if (this.available(now, packets) < steps) return false;
    this.#steps -= steps;
    return true;
  }

  /** Whole key changes that there are. */
  available(now: Instant, packets = 0): number {
    const { burst, perSecond, perPacket } = this.#earnings;
    const earned =
      (Math.max(0, now - this.#at) * perSecond) / 1_000 + (packets - this.#packets) * perPacket;
    this.#at = now;
    this.#packets = packets;
    // What was granted stays above the burst until it is spent.
    this.#steps = Math.max(this.#steps, Math.min(this.#steps + earned, burst));
    return Math.floor(this.#steps);
  }

  /** So many more, whatever the burst. */
  grant(steps: number): void {
    this.#steps += steps;
  }
}
