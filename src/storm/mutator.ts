// Octets changed as hostile peers and broken ones change them, all from one seed.
import type { Chance } from "../base/chance.js";

const INTERESTING = [0, 1, 2, 3, 4, 7, 8, 11, 12, 15, 16, 127, 128, 254, 255];
const INTERESTING_16 = [0, 1, 11, 12, 16, 0x7fff, 0x8000, 0xfffe, 0xffff];

/** One to four changes; now and then none. */
export function mutate(
  chance: Chance,
  octets: Uint8Array,
  corpus: readonly Uint8Array[],
): Uint8Array {
  let changed: Uint8Array = octets.slice();
  for (let changes = chance.int(0, 4); changes > 0; changes--) {
    changed = mutateOnce(chance, changed, corpus);
  }
  return changed;
}

function mutateOnce(chance: Chance, octets: Uint8Array, corpus: readonly Uint8Array[]): Uint8Array {
  if (octets.length === 0) return chance.octets(chance.int(0, 20));
  const at = chance.int(0, octets.length - 1);
  switch (chance.int(0, 8)) {
    case 0:
      octets[at] = octets[at]! ^ (1 << chance.int(0, 7));
      return octets;
    case 1:
      octets[at] = chance.of(INTERESTING);
      return octets;
    case 2:
      octets[at] = chance.word() & 255;
      return octets;
    case 3: {
      const value = chance.of(INTERESTING_16);
      octets[at] = value >>> 8;
      if (at + 1 < octets.length) octets[at + 1] = value & 255;
      return octets;
    }
    case 4:
      return octets.slice(0, at);
    case 5:
      return joined(octets, chance.octets(chance.int(1, 40)));
    case 6:
      return joined(octets.slice(0, at), octets.slice(chance.int(at, octets.length)));
    case 7:
      return joined(octets.slice(0, at + 1), octets.slice(chance.int(0, at)));
    default: {
      const other = chance.of(corpus);
      return joined(octets.slice(0, at), other.slice(chance.int(0, other.length)));
    }
  }
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
