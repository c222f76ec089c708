// How times are spread: counts in buckets of 15 percent each, so that millions of them take no room.

const FIRST_MS = 0.05;
const FACTOR = 1.15;
const BUCKETS = 128;

export class Spread {
  readonly #counts: number[];
  #count = 0;

  constructor(counts: readonly number[] = []) {
    this.#counts = Array.from({ length: BUCKETS }, (_, i) => counts[i] ?? 0);
    this.#count = this.#counts.reduce((sum, count) => sum + count, 0);
  }

  get count(): number {
    return this.#count;
  }

  /** For another process. */
  get counts(): readonly number[] {
    return this.#counts;
  }

  add(ms: number): void {
    const bucket = Math.ceil(Math.log(Math.max(ms, FIRST_MS) / FIRST_MS) / Math.log(FACTOR));
    const at = Math.min(Math.max(bucket, 0), BUCKETS - 1);
    this.#counts[at] = this.#counts[at]! + 1;
    this.#count++;
  }

  merge(counts: readonly number[]): void {
    for (let i = 0; i < BUCKETS; i++) {
      const more = counts[i] ?? 0;
      this.#counts[i] = this.#counts[i]! + more;
      this.#count += more;
    }
  }

  /** The upper end of the bucket that so many percent do not exceed; undefined of nothing. */
  percentile(percent: number): number | undefined {
    if (this.#count === 0) return undefined;
    let left = Math.ceil((this.#count * percent) / 100);
    for (let i = 0; i < BUCKETS; i++) {
      left -= this.#counts[i]!;
      if (left <= 0) return Number((FIRST_MS * FACTOR ** i).toPrecision(3));
    }
    return undefined;
  }
}
