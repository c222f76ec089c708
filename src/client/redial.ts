// How long a client waits before it dials again: doubling, with jitter, so that the clients of a server
// that was restarted do not all come back at once.
import { client as limits } from "../limits.js";

export class Redial {
  #failures = 0;

  /** A session ended, or never came. */
  ended(upMs: number): void {
    this.#failures = upMs >= limits.steadyMs ? 1 : this.#failures + 1;
  }

  /** `chance`: 0 to 1. */
  waitMs(chance: number): number {
    const doublings = Math.min(Math.max(0, this.#failures - 1), 16);
    const most = Math.min(limits.redialMinMs * 2 ** doublings, limits.redialMaxMs);
    return Math.round(most * (1 - chance / 2));
  }
}
