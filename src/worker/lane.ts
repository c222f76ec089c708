// The compiled lane, made once at start over the memory it shares with the engine.
import { readFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import type { Lane } from "../plane/batches.js";
import { PlaneMemory } from "../plane/memory.js";
import type { EngineChoice } from "./engine-choice.js";

const PAGE_OCTETS = 65_536;
const compiled = new URL("../plane/lane.wasm", import.meta.url);

export type Lanes = {
  readonly memory: PlaneMemory;
  /** Undefined: the engine of TypeScript goes alone. */
  readonly lane: Lane | undefined;
};

/**
 * Memory for `flows` of them, all of it taken now, and the lane over it where that is wanted and works.
 * Throws where nothing else would do and it does not work. It speaks to a TUN in virtio headers only.
 */
export function openLane(flows: number, choice: EngineChoice, tunHasHeader: boolean): Lanes {
  if (choice === "wasm" || (choice === "auto" && tunHasHeader)) {
    try {
      if (!tunHasHeader) throw new Error("this kernel's TUN takes no virtio headers");
      return compiledLane(flows);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (choice === "wasm") throw new Error(`engine: wasm: ${why}; set engine: auto`);
    }
  }
  return { memory: new PlaneMemory(flows), lane: undefined };
}

function compiledLane(flows: number): Lanes {
  const pages = Math.ceil(PlaneMemory.octetsFor(flows) / PAGE_OCTETS);
  // Compiled for good now, some 20 ms, not while the first thousands of packets wait for it.
  setFlagsFromString("--no-liftoff");
  setFlagsFromString("--no-wasm-lazy-compilation");
  const linear = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const module = new WebAssembly.Module(readFileSync(compiled));
  const { exports } = new WebAssembly.Instance(module, { env: { memory: linear } });
  return { memory: new PlaneMemory(flows, linear.buffer), lane: exports as Lane };
}
