// `npm run fuzz -- [--seconds N] [--target T] [--seed N] [--input HEX] [--keep]`: coverage-guided fuzzing of
// each decoder and machine, N seconds a target. Reads src/ itself, not dist/; the compiled lane is dist's.
import { existsSync } from "node:fs";
import { register } from "node:module";
import { parseArgs } from "node:util";

const usage =
  "usage: npm run fuzz -- [--seconds N] [--target T] [--seed N] [--input HEX] [--keep]\n" +
  "  N: 0 to 100000 seconds a target, 10 where left out; seed: 0 to 4294967295, fresh where left out;\n" +
  "  --input: that one alone, in hexadecimal; --keep: test/fuzz/corpus is written anew";

function refuse(why) {
  process.stderr.write(`${why}\n${usage}\n`);
  process.exit(2);
}

function given() {
  try {
    const text = { type: "string" };
    const options = { seconds: text, target: text, seed: text, input: text, keep: { type: "boolean" } };
    return parseArgs({ options }).values;
  } catch (error) {
    return refuse(error.message);
  }
}

function number(name, text, most, form = /^[0-9]{1,10}$/) {
  const value = form.test(text) ? Number(text) : Number.NaN;
  return value <= most ? value : refuse(`--${name} ${text}: not such a number`);
}

const words = given();
const seconds = number("seconds", words.seconds ?? "10", 100_000, /^[0-9]{1,6}(\.[0-9]{1,3})?$/);
const seed = number("seed", words.seed ?? String(Math.floor(Math.random() * 2 ** 32)), 4_294_967_295);
if (words.input !== undefined && !/^(-|([0-9a-f]{2})+)$/.test(words.input)) {
  refuse("--input: not hexadecimal");
}
if (words.input !== undefined && words.target === undefined) refuse("--input needs --target");
if (!existsSync(new URL("../../../dist/plane/lane.wasm", import.meta.url))) {
  process.stderr.write("nothing is built: npm run build\n");
  process.exit(2);
}
globalThis.__edge = () => {};
register("./instrument.mjs", import.meta.url);
const { fuzzAll } = await import("./main.ts");
const { target, input, keep = false } = words;
const say = (line) => process.stdout.write(`${line}\n`);
process.exitCode = fuzzAll({ seconds, seed, target, input, keep }, say);
