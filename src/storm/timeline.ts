// What the pictures are made of: one sample at a time, from the first session to the end.
import { storm as bounds } from "../limits/storm.js";

export type Sample = {
  /** Since the beginning. */
  readonly atMs: number;
  /** Empty: no stream. */
  readonly scenario: string;
  /** Hostile packets and connections a second. */
  readonly perSecond: number;
  readonly sessions: number;
  /** Undefined: the process cannot be seen, or is gone. */
  readonly residentOctets: number | undefined;
  readonly descriptors: number | undefined;
  /** Of one core. */
  readonly processorPercent: number | undefined;
  /** Of the echoes answered since the sample before. */
  readonly p99Ms: number | undefined;
};

export class Timeline {
  #samples: Sample[] = [];
  #every = 1;
  #seen = 0;

  get samples(): readonly Sample[] {
    return this.#samples;
  }

  /** Too many: every other one stays, and from then on every other one is taken. */
  add(sample: Sample): void {
    if (this.#seen++ % this.#every !== 0) return;
    this.#samples.push(sample);
    if (this.#samples.length < bounds.samplesMax) return;
    this.#samples = this.#samples.filter((_, at) => at % 2 === 0);
    this.#every *= 2;
  }
}
