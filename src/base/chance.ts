// All chance of a simulated run, of fuzzing or of a storm, from one number.
import type { Rng } from "./rng.js";

/** xoshiro128** over a seed spread by splitmix32: the same on every machine. */
export class Chance {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(seed: number) {
    let state = seed >>> 0;
    const spread = () => {
      state = (state + 0x9e3779b9) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
      return (mixed ^ (mixed >>> 15)) >>> 0;
    };
    [this.#a, this.#b, this.#c, this.#d] = [spread(), spread(), spread(), spread()];
  }

  /** Uniform in 0..2^32 - 1. */
  word(): number {
    const result = Math.imul(rotate(Math.imul(this.#b, 5), 7), 9) >>> 0;
    const moved = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= moved;
    this.#d = rotate(this.#d, 11);
    return result;
  }

  /** Uniform in [0, 1). */
  unit(): number {
    return this.word() / 0x1_0000_0000;
  }

  /** Uniform in low..high, both included. */
  int(low: number, high: number): number {
    return low + Math.floor(this.unit() * (high - low + 1));
  }

  happens(probability: number): boolean {
    return this.unit() < probability;
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.int(0, choices.length - 1)]!;
  }

  octets(count: number): Uint8Array {
    const octets = new Uint8Array(count);
    for (let i = 0; i < count; i++) octets[i] = this.word() & 255;
    return octets;
  }

  /** Another stream, so that what one part draws does not shift what another gets. */
  fork(): Chance {
    return new Chance(this.word());
  }

  rng(): Rng {
    return {
      challenge: (octets) => this.octets(octets),
      magicNumber: () => this.int(1, 0xffff_ffff),
      callId: () => this.int(1, 65_535),
      interfaceIdentifier: () => {
        const identifier = this.octets(8);
        identifier[0] = identifier[0]! & ~2;
        identifier[7] = identifier[7]! | 1;
        return identifier;
      },
      echoData: (octets) => this.octets(octets),
      jitter: () => this.unit(),
    };
  }
}

function rotate(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}
