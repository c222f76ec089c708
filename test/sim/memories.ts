// The planes' memory of simulated workers, 2 MB each and more: lent, and zeroed when it is lent again,
// since making it anew costs a call more than its log-in. Looked at when it comes back: a closed engine
// leaves no key in it.

import type { Lane } from "../../src/plane/batches.js";
import { BOXES_OCTETS, RECEIVE_KEY, SEND_START } from "../../src/plane/layout.js";
import { PlaneMemory } from "../../src/plane/memory.js";
import { type LaneMemory, laneOf } from "../plane/lane.js";

export type EngineKind = "typescript" | "wasm";

/** A plane's memory, and the compiled lane over it where that was asked for. */
export type Lent = {
  readonly memory: PlaneMemory;
  readonly lane?: Lane;
  readonly linear?: WebAssembly.Memory;
};

/** The keys of a record: RECEIVE_KEY to the end of SEND_START, 16 octets each. */
const KEYS_OCTETS = SEND_START + 16 - RECEIVE_KEY;
/** Of one size: what a run has at once, and no more is kept. */
const KEPT_MAX = 128;

const free = new Map<string, Lent[]>();

const placeOf = (flows: number, isLane: boolean) => `${isLane ? "lane" : "alone"} ${flows}`;

/** Room for `flows`, all zero but for what PlaneMemory itself settles. */
export function lendMemory(flows: number, kind: EngineKind): Lent {
  const kept = free.get(placeOf(flows, kind === "wasm"))?.pop();
  if (kind === "wasm") return laneOf(flows, kept?.linear) satisfies LaneMemory;
  if (kept === undefined) return { memory: new PlaneMemory(flows) };
  kept.memory.octets.fill(0);
  return { memory: new PlaneMemory(flows, kept.memory.buffer) };
}

/** The engine on it is closed and hears of nothing any more. Throws where it left a key. */
export function giveMemoryBack(lent: Lent): void {
  const { memory } = lent;
  for (let slot = 0; slot < memory.flows; slot++) {
    const { at, boxes } = memory.record(slot);
    const keys = !isZero(memory.octets, at + RECEIVE_KEY, KEYS_OCTETS);
    if (keys) throw new Error(`the key of flow slot ${slot} was not wiped`);
    if (!isZero(memory.octets, boxes, BOXES_OCTETS)) {
      throw new Error(`the RC4 table of flow slot ${slot} was not wiped`);
    }
  }
  const place = placeOf(memory.flows, lent.lane !== undefined);
  const list = free.get(place) ?? [];
  free.set(place, list);
  if (list.length < KEPT_MAX) list.push(lent);
}

function isZero(octets: Uint8Array, at: number, length: number): boolean {
  for (let i = at; i < at + length; i++) if (octets[i] !== 0) return false;
  return true;
}
