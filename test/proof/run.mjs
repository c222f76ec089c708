// `npm run proof:packets -- [--packets N] [--seed N] [--part wasm|typescript|framer]`. What it imports
// from src/ comes from dist/, as `npm run build` made it.
import { existsSync } from "node:fs";
import { register } from "node:module";
import { parseArgs } from "node:util";

const PARTS = ["wasm", "typescript", "framer"];
const usage =
  "usage: npm run proof:packets -- [--packets N] [--seed N] [--part wasm|typescript|framer]\n" +
  "  packets: 1000 to 100000000000, 1000000 where left out; seed: 0 to 4294967295, fresh where left out;\n" +
  "  part: the data path with the compiled lane (wasm), without (typescript), or the control framer";

function refuse(why) {
  process.stderr.write(`${why}\n${usage}\n`);
  process.exit(2);
}

function given() {
  try {
    const text = { type: "string" };
    return parseArgs({ options: { packets: text, seed: text, part: text } }).values;
  } catch (error) {
    return refuse(error.message);
  }
}

function number(name, text, least, most) {
  const value = /^[0-9]{1,12}$/.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : refuse(`--${name} ${text}: not such a number`);
}

const words = given();
const packets = number("packets", words.packets ?? "1000000", 1_000, 100_000_000_000);
const seed = number("seed", words.seed ?? String(Math.floor(Math.random() * 2 ** 32)), 0, 4_294_967_295);
const part = words.part ?? "wasm";
if (!PARTS.includes(part)) refuse(`--part ${part}: not one of ${PARTS.join(", ")}`);
if (!existsSync(new URL("../../dist/plane/lane.wasm", import.meta.url))) {
  process.stderr.write("nothing is built: npm run build\n");
  process.exit(2);
}
register("../../benchmarks/typescript.mjs", import.meta.url);
const { prove } = await import("./packets.ts");
try {
  prove({ packets, seed, part }, (line) => process.stdout.write(`${line}\n`));
} catch (failure) {
  process.stdout.write(`${failure instanceof Error ? failure.stack : String(failure)}\n`);
  process.stdout.write(`again: npm run proof:packets -- --part ${part} --packets ${packets} --seed ${seed}\n`);
  process.exitCode = 1;
}
