// RFC 6298, RFC 7323 §4: the retransmission time-out from measured round trips.
import { type Instant, instant } from "../../base/instant.js";
import { stack } from "../../limits.js";

/** A path may change: the smallest round trip is of the last one or two of these. */
const MINIMUM_MS = 30_000;

export class RoundTrip {
  #smoothed = 0;
  #variation = 0;
  #base: number = stack.rtoInitialMs;
  #backOff = 1;
  #minimum = Number.POSITIVE_INFINITY;
  #minimumBefore = Number.POSITIVE_INFINITY;
  #minimumSince: Instant = instant(Number.NEGATIVE_INFINITY);

  /** The time-out now, backed off as often as it passed without an answer. */
  get timeoutMs(): number {
    return Math.min(this.#base * this.#backOff, stack.rtoMaxMs);
  }

  /** The shortest of late; 0 before the first. */
  get minimumMs(): number {
    const least = Math.min(this.#minimum, this.#minimumBefore);
    return least === Number.POSITIVE_INFINITY ? 0 : least;
  }

  /** `samples`: how many come a round trip, so that many do not forget faster (RFC 7323 app. G). */
  measured(ms: number, samples: number, now: Instant): void {
    // The clock's grain, so that a path without delay has one too.
    const took = Math.max(ms, 1);
    if (this.#smoothed === 0) {
      this.#smoothed = took;
      this.#variation = took / 2;
    } else {
      const weight = Math.max(samples, 1);
      this.#variation += (Math.abs(this.#smoothed - took) - this.#variation) / (4 * weight);
      this.#smoothed += (took - this.#smoothed) / (8 * weight);
    }
    const base = this.#smoothed + Math.max(1, 4 * this.#variation);
    // DEVIATION 70
    this.#base = Math.min(Math.max(base, stack.rtoMinMs), stack.rtoMaxMs);
    if (now - this.#minimumSince > MINIMUM_MS) {
      this.#minimumSince = now;
      this.#minimumBefore = this.#minimum;
      this.#minimum = took;
    }
    this.#minimum = Math.min(this.#minimum, took);
  }

  /** RFC 6298 §5.5. */
  backOff(): void {
    if (this.timeoutMs < stack.rtoMaxMs) this.#backOff *= 2;
  }

  /** The peer was heard: the next time-out is the measured one again. */
  recovered(): void {
    this.#backOff = 1;
  }

  /** RFC 6298 §5.7: the SYN had to be repeated, and nothing could be measured by it. */
  distrusted(): void {
    if (this.#smoothed === 0) this.#base = Math.max(this.#base, 3_000);
  }
}
