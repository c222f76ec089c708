// How many lines of one class are written: a flood must not fill a disk, and what is left out is
// counted and said (G-18).

import { Paces } from "../core/guard/paces.js";
import { admin, guard } from "../limits.js";

export type Admission =
  /** Write it; `suppressed` lines of its class were left out since the last one written. */
  { readonly write: true; readonly suppressed: number } | { readonly write: false };

type Bucket = { tokens: number; at: number; suppressed: number };

/** Classes with a bucket of their own; further ones share one. */
const classesMax = 256;
const sharedClass = "other";

export class LogBudget {
  readonly #buckets = new Map<string, Bucket>();
  readonly #sources: Paces;

  /** Both are also the burst. One source's lines must not crowd out those of others. */
  constructor(
    public perMinute: number,
    perSource: number = admin.logSourceLinesPerMinute,
  ) {
    this.#sources = new Paces({ perSecond: perSource / 60, burst: perSource }, guard.sourcesMax);
  }

  /** `now` in monotonic ms; `source` of a line that a stranger can bring about. */
  admit(lineClass: string, now: number, source?: string): Admission {
    const bucket = this.#bucket(lineClass, now);
    if (source !== undefined && !this.#sources.take(source, now)) {
      bucket.suppressed++;
      return { write: false };
    }
    const gained = ((now - bucket.at) * this.perMinute) / 60_000;
    bucket.tokens = Math.min(this.perMinute, bucket.tokens + Math.max(0, gained));
    bucket.at = now;
    if (bucket.tokens < 1) {
      bucket.suppressed++;
      return { write: false };
    }
    bucket.tokens--;
    const { suppressed } = bucket;
    bucket.suppressed = 0;
    return { write: true, suppressed };
  }

  get suppressing(): boolean {
    for (const { suppressed } of this.#buckets.values()) if (suppressed > 0) return true;
    return false;
  }

  /** What was left out and not yet said: for a summary after a flood, when no further line comes. */
  *takeSuppressed(): IterableIterator<{ readonly lineClass: string; readonly suppressed: number }> {
    for (const [lineClass, bucket] of this.#buckets) {
      if (bucket.suppressed === 0) continue;
      const { suppressed } = bucket;
      bucket.suppressed = 0;
      yield { lineClass, suppressed };
    }
  }

  #bucket(lineClass: string, now: number): Bucket {
    const known = this.#buckets.has(lineClass) || this.#buckets.size < classesMax;
    const key = known ? lineClass : sharedClass;
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      bucket = { tokens: this.perMinute, at: now, suppressed: 0 };
      this.#buckets.set(key, bucket);
    }
    return bucket;
  }
}
