import { describe, expect, test } from "vitest";
import { openLane } from "./lane.js";

// Beside the sources there is no compiled lane; `npm run build` puts it into dist.
describe("where the lane cannot be had", () => {
  test("auto and typescript: the engine alone, with room for the flows", () => {
    for (const choice of ["auto", "typescript"] as const) {
      const { lane, memory } = openLane(3, choice, true);
      expect(lane).toBeUndefined();
      expect(memory.flows).toBe(3);
    }
    expect(openLane(3, "auto", false).lane).toBeUndefined();
  });

  test("wasm: why, and what to do", () => {
    expect(() => openLane(3, "wasm", true)).toThrow(/^engine: wasm: ENOENT.*; set engine: auto$/);
    expect(() => openLane(3, "wasm", false)).toThrow("no virtio headers; set engine: auto");
  });
});
