// `npm run sim`: whole servers, each run from a seed of its own, the first one fresh unless it is named.
// `--seed N` runs that one again, `--runs M` so many from there on, `--sessions M` and `--hours H` until
// then; `--engine E`: the data workers' own, which is otherwise the seed's choice. What it imports from
// src/ comes from dist/, as `npm run build` made it.
import { register } from "node:module";
import { freshSeed, needBuilt, wordsOf } from "../words.mjs";

const usage =
  "usage: npm run sim -- [--seed N] [--callers M] [--runs M] [--sessions M] [--hours H]" +
  " [--engine E]\n  N: 0 to 4294967295; M: 1 to 10000000; H: 0.001 to 1000;" +
  " E: typescript or wasm, which give the same digest";

const text = { type: "string" };
const { words, refuse, number } = wordsOf(usage, {
  seed: text,
  callers: text,
  runs: text,
  sessions: text,
  hours: text,
  engine: text,
});
const seed = number("seed", 0, 4_294_967_295);
const hours = number("hours", 0.001, 1_000, /^[0-9]{1,4}(\.[0-9]{1,3})?$/);
const sessions = number("sessions", 1, 10_000_000);
const runs = number("runs", 1, 10_000_000);
const callers = number("callers", 1, 100_000);
const { engine } = words;
if (engine !== undefined && engine !== "typescript" && engine !== "wasm") {
  refuse(`--engine ${engine}: typescript or wasm`);
}
needBuilt();
register("../../benchmarks/typescript.mjs", import.meta.url);
const { simulate } = await import("./main.ts");
const endless = hours !== undefined || sessions !== undefined;
const options = {
  seed: seed ?? freshSeed(),
  callers: callers ?? 1_000,
  runs: runs ?? (endless ? Number.POSITIVE_INFINITY : seed === undefined ? 5 : 1),
  sessions: sessions ?? Number.POSITIVE_INFINITY,
  engine,
  seconds: hours === undefined ? Number.POSITIVE_INFINITY : hours * 3_600,
};
process.exitCode = await simulate(options, (line) => process.stdout.write(`${line}\n`));
