// `npm run sim`: whole servers, each run from a seed of its own, the first one fresh unless it is named.
// `--seed N` runs that one again, `--runs M` so many from there on, `--sessions M` and `--hours H` until
// then. What it imports from src/ comes from dist/, as `npm run build` made it.
import { existsSync } from "node:fs";
import { register } from "node:module";
import { parseArgs } from "node:util";

const usage =
  "usage: npm run sim -- [--seed N] [--callers M] [--runs M] [--sessions M] [--hours H]\n" +
  "  N: 0 to 4294967295; M: 1 to 10000000; H: 0.001 to 1000";

function refuse(why) {
  process.stderr.write(`${why}\n${usage}\n`);
  process.exit(2);
}

function given() {
  try {
    const text = { type: "string" };
    const options = { seed: text, callers: text, runs: text, sessions: text, hours: text };
    return parseArgs({ options }).values;
  } catch (error) {
    return refuse(error.message);
  }
}

function number(name, text, least, most, form = /^[0-9]{1,10}$/) {
  if (text === undefined) return undefined;
  const value = form.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : refuse(`--${name} ${text}: not such a number`);
}

const words = given();
const seed = number("seed", words.seed, 0, 4_294_967_295);
const hours = number("hours", words.hours, 0.001, 1_000, /^[0-9]{1,4}(\.[0-9]{1,3})?$/);
const sessions = number("sessions", words.sessions, 1, 10_000_000);
const runs = number("runs", words.runs, 1, 10_000_000);
const callers = number("callers", words.callers, 1, 100_000);
if (!existsSync(new URL("../../dist/cli/main.js", import.meta.url))) {
  process.stderr.write("nothing is built: npm run build\n");
  process.exit(2);
}
register("../../benchmarks/typescript.mjs", import.meta.url);
const { simulate } = await import("./main.ts");
const endless = hours !== undefined || sessions !== undefined;
const options = {
  seed: seed ?? Math.floor(Math.random() * 4_294_967_296),
  callers: callers ?? 1_000,
  runs: runs ?? (endless ? Number.POSITIVE_INFINITY : seed === undefined ? 5 : 1),
  sessions: sessions ?? Number.POSITIVE_INFINITY,
  seconds: hours === undefined ? Number.POSITIVE_INFINITY : hours * 3_600,
};
process.exitCode = await simulate(options, (line) => process.stdout.write(`${line}\n`));
