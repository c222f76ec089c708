// `npm run fuzz -- [--seconds N | --inputs N] [--target T] [--seed N] [--input HEX] [--keep]`: coverage-guided
// fuzzing of each decoder and machine, N seconds or inputs a target. Reads src/ itself, not dist/; the compiled lane is dist's.
import { register } from "node:module";
import { freshSeed, needBuilt, wordsOf } from "../../words.mjs";

const usage =
  "usage: npm run fuzz -- [--seconds N | --inputs N] [--target T] [--seed N] [--input HEX] [--keep]\n" +
  "  N: 0 to 100000 seconds a target, 10 where left out, or so many inputs beyond its corpus; seed: 0 to 4294967295, fresh where left out;\n" +
  "  --input: that one alone, in hexadecimal; --keep: test/fuzz/corpus is written anew";

const text = { type: "string" };
const options = { seconds: text, inputs: text, target: text, seed: text, input: text, keep: { type: "boolean" } };
const { words, refuse, number } = wordsOf(usage, options);
const seconds = number("seconds", 0, 100_000, /^[0-9]{1,6}(\.[0-9]{1,3})?$/) ?? 10;
const inputs = number("inputs", 0, 4_294_967_295);
const seed = number("seed", 0, 4_294_967_295) ?? freshSeed();
if (words.input !== undefined && !/^(-|([0-9a-f]{2})+)$/.test(words.input)) {
  refuse("--input: not hexadecimal");
}
if (words.input !== undefined && words.target === undefined) refuse("--input needs --target");
needBuilt();
globalThis.__edge = () => {};
register("./instrument.mjs", import.meta.url);
const { fuzzAll } = await import("./main.ts");
const { target, input, keep = false } = words;
const say = (line) => process.stdout.write(`${line}\n`);
process.exitCode = fuzzAll({ seconds, inputs, seed, target, input, keep }, say);
