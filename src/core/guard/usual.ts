// What is usual: the median of the rates of five-minute buckets, of a day of them. The median, so that an
// hour of something else does not move it; whoever feeds it leaves incidents out.
import { type Bounds, incident as bounds } from "../../limits.js";

export class Usual {
  readonly #perSecond: number[] = [];
  #next = 0;
  #count = 0;
  #ms = 0;
  #median = 0;

  constructor(readonly limits: Bounds<typeof bounds> = bounds) {}

  /** 0 before the first bucket is full. */
  get perSecond(): number {
    return this.#median;
  }

  /** Rates of full buckets of an earlier run, the oldest first: as if they had been counted here. */
  restore(rates: readonly number[]): void {
    for (const rate of rates.slice(-this.limits.bucketsMax)) this.#keep(rate);
    this.#settle();
  }

  /** The rate of the bucket that is full with it; undefined: none is. */
  add(count: number, ms: number): number | undefined {
    this.#count += count;
    this.#ms += ms;
    if (this.#ms < this.limits.bucketMs) return undefined;
    const rate = (this.#count * 1_000) / this.#ms;
    this.#keep(rate);
    this.#count = 0;
    this.#ms = 0;
    this.#settle();
    return rate;
  }

  #keep(rate: number): void {
    this.#perSecond[this.#next] = rate;
    this.#next = (this.#next + 1) % this.limits.bucketsMax;
  }

  #settle(): void {
    const sorted = [...this.#perSecond].sort((a, b) => a - b);
    // Of an even number the lower one: whoever raises half of a day must raise one bucket more.
    this.#median = sorted[(sorted.length - 1) >> 1] ?? 0;
  }
}
