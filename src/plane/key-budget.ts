// G-13: what a peer's counts may cost in key changes beyond the one a packet. Asked before any key is
// touched; a forged count earns nothing, so that a run of them soon costs less than good packets do.
import { type Instant, instant } from "../base/instant.js";
import { plane as limits } from "../limits.js";

export class KeyBudget {
  #steps: number = limits.keyStepsBurst;
  #at: Instant = instant(0);
  #packets = 0;

  /**
   * False, and nothing spent, when there are not so many. `packets`: those of the flow that were read
   * so far; each has earned a few, since where some come through the lost ones between are honest.
   */
  take(now: Instant, steps: number, packets = 0): boolean {
    const earned =
      (Math.max(0, now - this.#at) * limits.keyStepsPerSecond) / 1_000 +
      (packets - this.#packets) * limits.keyStepsPerPacket;
    this.#at = now;
    this.#packets = packets;
    this.#steps = Math.min(this.#steps + earned, limits.keyStepsBurst);
    if (this.#steps < steps) return false;
    this.#steps -= steps;
    return true;
  }
}
