// `npm run sim`: every seed of the usual ones. `npm run sim -- --seed N` runs that one again,
// `--runs M` so many from there on.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const usage = "usage: npm run sim -- [--seed N] [--runs M]   N: 0 to 4294967295, M: 1 to 1000000";

function refuse(why) {
  process.stderr.write(`${why}\n${usage}\n`);
  process.exit(2);
}

function options() {
  try {
    const seed = { type: "string" };
    return parseArgs({ options: { seed, runs: { type: "string" } } }).values;
  } catch (error) {
    return refuse(error.message);
  }
}

function number(name, text, least, most) {
  if (text === undefined) return undefined;
  const value = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : refuse(`--${name} ${text}: not such a number`);
}

const given = options();
const seed = number("seed", given.seed, 0, 4_294_967_295);
const runs = number("runs", given.runs, 1, 1_000_000) ?? (seed === undefined ? undefined : 1);

const root = fileURLToPath(new URL("../../", import.meta.url));
const words = ["node_modules/vitest/vitest.mjs", "run", "test/sim/sim.test.ts"];
const { status } = spawnSync(process.execPath, words, {
  cwd: root,
  stdio: "inherit",
  env: {
    ...process.env,
    ...(seed !== undefined && { HOLDFAST_SIM_SEED: String(seed) }),
    ...(runs !== undefined && { HOLDFAST_SIM_RUNS: String(runs) }),
  },
});
process.exit(status ?? 1);
