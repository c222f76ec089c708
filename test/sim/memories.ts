// The planes' memory of simulated workers, 2 MB each and more: lent, and zeroed when it is lent again,
// since making it anew costs a call more than its log-in. Looked at when it comes back: a closed engine
// leaves no key in it.

import { BOXES_OCTETS, RECEIVE_KEY, SEND_START } from "../../src/plane/layout.js";
import { PlaneMemory } from "../../src/plane/memory.js";

/** The keys of a record: RECEIVE_KEY to the end of SEND_START, 16 octets each. */
const KEYS_OCTETS = SEND_START + 16 - RECEIVE_KEY;
/** Of one size: what a run has at once, and no more is kept. */
const KEPT_MAX = 128;

const free = new Map<number, PlaneMemory[]>();

/** Room for `flows`, all zero but for what PlaneMemory itself settles. */
export function lendMemory(flows: number): PlaneMemory {
  const kept = free.get(flows)?.pop();
  if (kept === undefined) return new PlaneMemory(flows);
  kept.octets.fill(0);
  return new PlaneMemory(flows, kept.octets.buffer as ArrayBuffer);
}

/** The engine on it is closed and hears of nothing any more. Throws where it left a key. */
export function giveMemoryBack(memory: PlaneMemory): void {
  for (let slot = 0; slot < memory.flows; slot++) {
    const { at, boxes } = memory.record(slot);
    const keys = !isZero(memory.octets, at + RECEIVE_KEY, KEYS_OCTETS);
    if (keys) throw new Error(`the key of flow slot ${slot} was not wiped`);
    if (!isZero(memory.octets, boxes, BOXES_OCTETS)) {
      throw new Error(`the RC4 table of flow slot ${slot} was not wiped`);
    }
  }
  const list = free.get(memory.flows) ?? [];
  free.set(memory.flows, list);
  if (list.length < KEPT_MAX) list.push(memory);
}

function isZero(octets: Uint8Array, at: number, length: number): boolean {
  for (let i = at; i < at + length; i++) if (octets[i] !== 0) return false;
  return true;
}
