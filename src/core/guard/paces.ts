// A rate for each of many keys, as GCRA has it: of a key only the moment is kept at which all that it
// was given is earned again. Bounded: the key not heard of for longest is forgotten, which gives it its
// burst back early, so a rate for all of them together stands above it.

export type Pace = { readonly perSecond: number; readonly burst: number };

export class Paces {
  readonly #earnedAt = new Map<number | string, number>();

  constructor(
    readonly pace: Pace,
    readonly keysMax: number,
    /** A key made room that had not earned all again yet. */
    readonly forgot: () => void = () => {},
    /** What `charge` took beyond the rate is waited for no longer, and forgotten: it may be others' doing. */
    readonly debtMaxMs = Number.POSITIVE_INFINITY,
  ) {}

  /** One more, if it is within the rate; else nothing is taken. */
  take(key: number | string, now: number): boolean {
    if (this.overBy(key, now, 1) > 0) return false;
    this.charge(key, 1, now);
    return true;
  }

  /** Takes `count`, whether they are within the rate or not: the ms until a next one is. */
  charge(key: number | string, count: number, now: number): number {
    const { perSecond, burst } = this.pace;
    const most = now + this.debtMaxMs + ((burst - 1) * 1_000) / perSecond;
    const earnedAt = Math.min(this.#from(key, now) + (count * 1_000) / perSecond, most);
    this.#earnedAt.delete(key);
    this.#makeRoom(now);
    this.#earnedAt.set(key, earnedAt);
    return this.overBy(key, now, 1);
  }

  /** Ms until `count` more are within the rate; 0: they are now. */
  overBy(key: number | string, now: number, count: number): number {
    const { perSecond, burst } = this.pace;
    const at = this.#from(key, now) + ((count - burst) * 1_000) / perSecond;
    return Math.max(0, Math.ceil(at - now));
  }

  forget(key: number | string): void {
    this.#earnedAt.delete(key);
  }

  get size(): number {
    return this.#earnedAt.size;
  }

  #from(key: number | string, now: number): number {
    return Math.max(now, this.#earnedAt.get(key) ?? 0);
  }

  #makeRoom(now: number): void {
    if (this.#earnedAt.size < this.keysMax) return;
    for (const [oldest, earnedAt] of this.#earnedAt) {
      this.#earnedAt.delete(oldest);
      if (earnedAt > now) this.forgot();
      return;
    }
  }
}
