// How many lines of one class are written: a flood must not fill a disk, and what is left out is
// counted and said (G-18).

import { parseIpv4 } from "../base/ip.js";
import { ScaledRate, type Scales } from "../core/guard/scales.js";
import { admin, type Bounds, guard } from "../limits.js";

export type Admission =
  /** Write it; `suppressed` lines of its class were left out since the last one written. */
  { readonly write: true; readonly suppressed: number } | { readonly write: false };

type Bucket = { tokens: number; at: number; suppressed: number };

/** Classes beyond `logClassesMax` share a bucket. */
const sharedClass = "other";

/** By their names in the configuration. */
export function strangersLines(limits: Bounds<typeof admin>): Scales {
  return {
    source: limits.logSourceLinesPerMinute,
    prefix: limits.logPrefixLinesPerMinute,
    server: limits.logStrangersLinesPerMinute,
  };
}

export class LogBudget {
  readonly #buckets = new Map<string, Bucket>();
  readonly #strangers: ScaledRate;

  /**
   * Lines a minute: of a class; of those that strangers bring about, by source, /24 and in all. Each is also
   * the burst. One source's lines must not crowd out those of others.
   */
  constructor(
    public perMinute: number,
    strangers: Scales = strangersLines(admin),
    sourcesMax: number = guard.sourcesMax,
  ) {
    const perSecond = {
      source: strangers.source / 60,
      prefix: strangers.prefix / 60,
      server: strangers.server / 60,
    };
    this.#strangers = new ScaledRate(perSecond, 60_000, sourcesMax);
  }

  /** `now` in monotonic ms; `source`, an address, of a line that a stranger can bring about. */
  admit(lineClass: string, now: number, source?: string): Admission {
    const bucket = this.#bucket(lineClass, now);
    const peer = source === undefined ? undefined : parseIpv4(source);
    if (peer !== undefined && this.#strangers.take(peer, now, false) !== undefined) {
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
    const known = this.#buckets.has(lineClass) || this.#buckets.size < admin.logClassesMax;
    const key = known ? lineClass : sharedClass;
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      bucket = { tokens: this.perMinute, at: now, suppressed: 0 };
      this.#buckets.set(key, bucket);
    }
    return bucket;
  }
}
