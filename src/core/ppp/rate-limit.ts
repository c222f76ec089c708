// THREATS G-13, G-21, G-22: so many a second and no more.
import type { Instant } from "../../base/instant.js";

export class RateLimit {
  #tokens: number;
  #at: Instant | undefined;

  /** A burst of one second's worth is allowed. */
  constructor(readonly perSecond: number) {
    this.#tokens = perSecond;
  }

  take(now: Instant): boolean {
    const elapsed = this.#at === undefined ? 0 : Math.max(0, now - this.#at);
    this.#at = now;
    this.#tokens = Math.min(this.perSecond, this.#tokens + (elapsed * this.perSecond) / 1_000);
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}

/** At most `most` within any `windowMs`. */
export class Allowance {
  readonly #taken: Instant[] = [];

  constructor(
    readonly most: number,
    readonly windowMs: number,
  ) {}

  take(now: Instant): boolean {
    while (this.#taken[0] !== undefined && now - this.#taken[0] >= this.windowMs) {
      this.#taken.shift();
    }
    if (this.#taken.length >= this.most) return false;
    this.#taken.push(now);
    return true;
  }
}
