// The compiled lane, made once at start over the memory it shares with the engine.
import { readFileSync } from "node:fs";
import type { Lane } from "../plane/batches.js";
import { PlaneMemory } from "../plane/memory.js";

const PAGE_OCTETS = 65_536;
const compiled = new URL("../plane/lane.wasm", import.meta.url);

export type EngineChoice = "auto" | "wasm" | "typescript";

export type Lanes = {
  readonly memory: PlaneMemory;
  /** Undefined: the engine of TypeScript goes alone. */
  readonly lane: Lane | undefined;
  /** Why there is none although one was wanted. */
  readonly why: string | undefined;
};

/** Memory for `flows` of them, all of it taken now, and the lane over it where that is wanted and works. */
export function openLane(flows: number, choice: EngineChoice): Lanes {
  if (choice === "typescript")
    return { memory: new PlaneMemory(flows), lane: undefined, why: undefined };
  try {
    const pages = Math.ceil(PlaneMemory.octetsFor(flows) / PAGE_OCTETS);
    const linear = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const module = new WebAssembly.Module(readFileSync(compiled));
    const { exports } = new WebAssembly.Instance(module, { env: { memory: linear } });
    const memory = new PlaneMemory(flows, linear.buffer);
    return { memory, lane: exports as Lane, why: undefined };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { memory: new PlaneMemory(flows), lane: undefined, why };
  }
}
