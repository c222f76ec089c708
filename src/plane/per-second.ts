import { type Instant, instant } from "../base/instant.js";

/** A budget that starts anew with every second in which it is used. */
export class PerSecond {
  #since: Instant = instant(Number.NEGATIVE_INFINITY);
  #used = 0;

  constructor(readonly most: number) {}

  /** False, and nothing spent, when `amount` more would be too much. */
  take(now: Instant, amount = 1): boolean {
    if (now - this.#since >= 1000) {
      this.#since = now;
      this.#used = 0;
    }
    if (this.#used + amount > this.most) return false;
    this.#used += amount;
    return true;
  }
}
