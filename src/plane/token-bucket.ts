// Per-user rate limits: a token bucket a direction, numbered by the main process, so that the sessions
// of one user share one. Policing, not shaping: a packet over the rate is dropped, never held back. A
// queue would cost memory for each user and add to what TCP takes for the path's delay.
import type { Instant } from "../base/instant.js";
import { plane as limits } from "../limits.js";
import {
  RATE_BURST,
  RATE_OCTETS,
  RATE_OCTETS_PER_MS,
  RATE_REFILLED_AT,
  RATE_TOKENS,
  RATES,
} from "./layout.js";
import type { PlaneMemory } from "./memory.js";

/** `up`: from the client. `down`: towards it. */
export const UP = 0;
export const DOWN = 1;
export type Direction = typeof UP | typeof DOWN;

/** Nobody's bucket: never filled, never asked for. */
export const NO_BUCKET = 0;

// Of one direction of one bucket, as indices.
const TOKENS = RATE_TOKENS / 8;
const REFILLED_AT = RATE_REFILLED_AT / 8;
/** 0 is no limit. */
const RATE = RATE_OCTETS_PER_MS / 8;
const BURST = RATE_BURST / 8;
const FIELDS = RATE_OCTETS / 8;

const OCTETS_PER_MS = 1 / 8_000;

export class RateBuckets {
  readonly #numbers: Float64Array;
  readonly #buckets: number;

  constructor(memory: PlaneMemory) {
    this.#buckets = Math.min(memory.flows + 1, limits.rateBucketsMax);
    const fields = this.#buckets * 2 * FIELDS;
    this.#numbers = new Float64Array(memory.buffer, memory.cell(RATES), fields);
  }

  /**
   * Bits a second in each direction, 0 for no limit. A new bucket is full; one in use keeps its
   * tokens, so that neither a further session nor a changed rate is a burst. False: no such bucket.
   */
  set(bucket: number, up: number, down: number, now: Instant): boolean {
    if (bucket <= NO_BUCKET || bucket >= this.#buckets) return false;
    this.#set(bucket, UP, up, now);
    this.#set(bucket, DOWN, down, now);
    return true;
  }

  /** Whether so many octets may pass now; they are spent. */
  take(bucket: number, direction: Direction, octets: number, now: Instant): boolean {
    if (bucket === NO_BUCKET) return true;
    const at = offsetOf(bucket, direction);
    const numbers = this.#numbers;
    if (numbers[at + RATE] === 0) return true;
    const tokens = this.#refilled(at, now);
    if (tokens < octets) return false;
    numbers[at + TOKENS] = tokens - octets;
    return true;
  }

  #set(bucket: number, direction: Direction, bitsPerSecond: number, now: Instant): void {
    const at = offsetOf(bucket, direction);
    const numbers = this.#numbers;
    const rate = bitsPerSecond * OCTETS_PER_MS;
    const burst = Math.max(rate * limits.rateBurstMs, limits.rateBurstOctetsMin);
    const tokens = numbers[at + RATE] === 0 ? burst : Math.min(this.#refilled(at, now), burst);
    numbers[at + RATE] = rate;
    numbers[at + BURST] = burst;
    numbers[at + TOKENS] = tokens;
    numbers[at + REFILLED_AT] = now;
  }

  #refilled(at: number, now: Instant): number {
    const numbers = this.#numbers;
    const elapsed = now - numbers[at + REFILLED_AT]!;
    if (elapsed > 0) {
      const tokens = numbers[at + TOKENS]! + elapsed * numbers[at + RATE]!;
      numbers[at + TOKENS] = Math.min(tokens, numbers[at + BURST]!);
      numbers[at + REFILLED_AT] = now;
    }
    return numbers[at + TOKENS]!;
  }
}

function offsetOf(bucket: number, direction: Direction): number {
  return (bucket * 2 + direction) * FIELDS;
}
