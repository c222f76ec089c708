// `npm run proof:packets -- [--packets N] [--seed N] [--part wasm|typescript|framer]`. What it imports
// from src/ comes from dist/, as `npm run build` made it.
import { register } from "node:module";
import { freshSeed, needBuilt, wordsOf } from "../words.mjs";

const PARTS = ["wasm", "typescript", "framer"];
const usage =
  "usage: npm run proof:packets -- [--packets N] [--seed N] [--part wasm|typescript|framer]\n" +
  "  packets: 1000 to 100000000000, 1000000 where left out; seed: 0 to 4294967295, fresh where left out;\n" +
  "  part: the data path with the compiled lane (wasm), without (typescript), or the control framer";

const text = { type: "string" };
const { words, refuse, number } = wordsOf(usage, { packets: text, seed: text, part: text });
const packets = number("packets", 1_000, 100_000_000_000) ?? 1_000_000;
const seed = number("seed", 0, 4_294_967_295) ?? freshSeed();
const part = words.part ?? "wasm";
if (!PARTS.includes(part)) refuse(`--part ${part}: not one of ${PARTS.join(", ")}`);
needBuilt();
register("../../benchmarks/typescript.mjs", import.meta.url);
const { prove } = await import("./packets.ts");
try {
  prove({ packets, seed, part }, (line) => process.stdout.write(`${line}\n`));
} catch (failure) {
  process.stdout.write(`${failure instanceof Error ? failure.stack : String(failure)}\n`);
  process.stdout.write(`again: npm run proof:packets -- --part ${part} --packets ${packets} --seed ${seed}\n`);
  process.exitCode = 1;
}
