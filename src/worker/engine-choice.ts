/** What may carry data: `wasm` the compiled lane, `typescript` the engine alone, `auto` whichever works. */
export const engineChoices = ["auto", "wasm", "typescript"] as const;
export type EngineChoice = (typeof engineChoices)[number];
