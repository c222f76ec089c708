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

  add(count: number, ms: number): void {
    this.#count += count;
    this.#ms += ms;
    const { bucketMs, bucketsMax } = this.limits;
    if (this.#ms < bucketMs) return;
    this.#perSecond[this.#next] = (this.#count * 1_000) / this.#ms;
    this.#next = (this.#next + 1) % bucketsMax;
    this.#count = 0;
    this.#ms = 0;
    const sorted = [...this.#perSecond].sort((a, b) => a - b);
    // Of an even number the lower one: whoever raises half of a day must raise one bucket more.
    this.#median = sorted[(sorted.length - 1) >> 1] ?? 0;
  }
}
