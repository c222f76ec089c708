// Failed log-ins by user and source together (THREATS G-16): the pair is held back for a growing time
// before its source counts for anything, so that one guesser behind a NAT does not lock out the rest,
// and nobody locks a user out from elsewhere.
import type { Ipv4 } from "../../base/ip.js";
import { type Bounds, guard as bounds } from "../../limits.js";

type Failed = { failures: number; heldUntil: number; at: number };

export class LogInHolds {
  readonly #pairs = new Map<string, Failed>();

  constructor(
    readonly limits: Bounds<typeof bounds> = bounds,
    readonly forgot: () => void = () => {},
  ) {}

  get size(): number {
    return this.#pairs.size;
  }

  isHeld(user: string, source: Ipv4, now: number): boolean {
    return (this.#pairs.get(keyOf(user, source))?.heldUntil ?? 0) > now;
  }

  /** Whether this one counts towards its source, too: the first few of a pair do. */
  failed(user: string, source: Ipv4, now: number): boolean {
    const { logInFailuresMax, logInHoldMinMs, logInHoldMaxMs } = this.limits;
    const key = keyOf(user, source);
    const before = this.#pairs.get(key);
    // Forgotten once it has been quiet for as long as the longest hold.
    const known = before !== undefined && now - before.at < logInHoldMaxMs;
    const failures = (known ? before.failures : 0) + 1;
    const over = failures - logInFailuresMax;
    const holdMs =
      over < 0 ? 0 : Math.min(logInHoldMaxMs, logInHoldMinMs * 2 ** Math.min(over, 30));
    this.#pairs.delete(key);
    this.#makeRoom(now);
    this.#pairs.set(key, { failures, heldUntil: now + holdMs, at: now });
    return failures <= logInFailuresMax;
  }

  succeeded(user: string, source: Ipv4): void {
    this.#pairs.delete(keyOf(user, source));
  }

  #makeRoom(now: number): void {
    const { logInPairsMax, logInHoldMaxMs } = this.limits;
    if (this.#pairs.size < logInPairsMax) return;
    for (const [oldest, { at }] of this.#pairs) {
      this.#pairs.delete(oldest);
      if (now - at < logInHoldMaxMs) this.forgot();
      return;
    }
  }
}

function keyOf(user: string, source: Ipv4): string {
  return `${source} ${user.toLowerCase()}`;
}
