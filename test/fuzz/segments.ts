// How TCP cuts what the mutator makes.
import type { Chance } from "../../src/base/chance.js";

/** In pieces, at any place. */
export function segments(chance: Chance, octets: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < octets.length; ) {
    const rest = octets.length - at;
    const length = chance.happens(0.7) ? rest : chance.int(1, rest);
    pieces.push(octets.slice(at, at + length));
    at += length;
  }
  return pieces;
}
