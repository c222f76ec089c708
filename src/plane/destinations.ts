// Where inner IPv4 destinations lead, as far as it was found out: a cache the lane reads and the engine
// fills. One place an address; what is in the way of another is simply found out again.
import type { Ipv4 } from "../base/ip.js";
import { DESTINATION_OCTETS, DESTINATIONS, DESTINATIONS_MAX, EPOCH, OUTSIDE } from "./layout.js";
import type { PlaneMemory } from "./memory.js";

export class Destinations {
  readonly #memory: PlaneMemory;

  constructor(memory: PlaneMemory) {
    this.#memory = memory;
  }

  /** Belongs to the flow in `slot`. */
  lead(address: Ipv4, slot: number): void {
    this.#put(address, slot + 1);
  }

  /** Is no flow's and not closed: any flow may send there. */
  open(address: Ipv4): void {
    this.#put(address, OUTSIDE);
  }

  forget(address: Ipv4): void {
    this.#put(address, 0);
  }

  forgetAll(): void {
    this.#memory.setCell(EPOCH, this.#memory.cell(EPOCH) + 1);
  }

  /** 0 when nothing is known, a flow's slot + 1, or OUTSIDE. */
  find(address: Ipv4): number {
    const { int32 } = this.#memory;
    const at = placeOf(address);
    const known = int32[at] === asLain(address) && int32[at + 2] === this.#memory.cell(EPOCH);
    return known ? int32[at + 1]! : 0;
  }

  #put(address: Ipv4, verdict: number): void {
    const { int32 } = this.#memory;
    const at = placeOf(address);
    int32[at] = asLain(address);
    int32[at + 1] = verdict;
    int32[at + 2] = this.#memory.cell(EPOCH);
  }
}

/** The address as a little-endian load from a packet gives it. */
export function asLain(address: Ipv4): number {
  return (
    (address >>> 24) | ((address >>> 8) & 0xff00) | ((address << 8) & 0xff0000) | (address << 24)
  );
}

/** Index of the entry's first number. */
function placeOf(address: Ipv4): number {
  const place = (Math.imul(asLain(address), 0x9e3779b1) >>> 16) & (DESTINATIONS_MAX - 1);
  return (DESTINATIONS + place * DESTINATION_OCTETS) >> 2;
}
