import { invariant } from "../../base/invariant.js";
import { stack } from "../../limits.js";

/**
 * Octets of a stream from a moving head on, bounded. Its memory doubles with what is put into it: most
 * connections never need what one may have. What lies between pieces put apart means nothing.
 */
export class OctetRing {
  #octets = new Uint8Array(0);
  #head = 0;

  /** `octetsMax` is a power of two times the least. */
  constructor(readonly octetsMax: number) {}

  /** Copies [start, end) of `from` to `offset` behind the head. */
  put(offset: number, from: Uint8Array, start: number, end: number): void {
    const needed = offset + end - start;
    invariant(needed <= this.octetsMax, "more than the ring may hold");
    if (needed > this.#octets.length) this.#grow(needed);
    const ring = this.#octets;
    const at = (this.#head + offset) & (ring.length - 1);
    const first = Math.min(end - start, ring.length - at);
    ring.set(from.subarray(start, start + first), at);
    if (start + first < end) ring.set(from.subarray(start + first, end), 0);
  }

  /** Copies `length` octets at `offset` behind the head to `at` of `into`. */
  copy(offset: number, length: number, into: Uint8Array, at: number): void {
    const ring = this.#octets;
    const from = (this.#head + offset) & (ring.length - 1);
    const first = Math.min(length, ring.length - from);
    into.set(ring.subarray(from, from + first), at);
    if (first < length) into.set(ring.subarray(0, length - first), at + first);
  }

  /** The head moves on. */
  drop(length: number): void {
    if (this.#octets.length > 0) this.#head = (this.#head + length) & (this.#octets.length - 1);
  }

  /** Gives the memory back; what was in it is gone. */
  clear(): void {
    this.#octets = new Uint8Array(0);
    this.#head = 0;
  }

  get memoryOctets(): number {
    return this.#octets.length;
  }

  #grow(needed: number): void {
    let octets = Math.max(this.#octets.length, stack.bufferOctetsMin);
    while (octets < needed) octets *= 2;
    const grown = new Uint8Array(octets);
    this.copy(0, this.#octets.length, grown, 0);
    this.#octets = grown;
    this.#head = 0;
  }
}
