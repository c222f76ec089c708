// `npm run night -- [--hours H]`: what goes on from fresh seeds, one part after the other: half of the time whole servers
// simulated, the rest fuzzing, and malformed packets through the data path and the framer. Each part prints its seeds.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { needBuilt, wordsOf } from "./words.mjs";

const usage = "usage: npm run night -- [--hours H]\n  H: 0.001 to 1000, 8 where left out";
const { number } = wordsOf(usage, { hours: { type: "string" } });
const hours = number("hours", 0.001, 1_000, /^[0-9]{1,4}(\.[0-9]{1,3})?$/) ?? 8;
needBuilt();

/** Of fuzzing, so many as test/fuzz/guided has, roughly: a few more or fewer only move its end. */
const TARGETS = 38;
/** Of the slowest part, on one core of a small machine. */
const PACKETS_PER_HOUR = 1_000_000_000;

const each = ((hours * 0.4 * 3_600) / TARGETS).toFixed(3);
const packets = Math.max(1_000, Math.round((hours * 0.1 * PACKETS_PER_HOUR) / 3));
const parts = [
  ["sim/run.mjs", "--hours", Math.max(hours / 2, 0.001).toFixed(3)],
  ["fuzz/guided/run.mjs", "--seconds", each],
  ...["wasm", "typescript", "framer"].map((part) => {
    return ["proof/run.mjs", "--part", part, "--packets", String(packets)];
  }),
];
for (const [program, ...words] of parts) {
  process.stdout.write(`\n== test/${program} ${words.join(" ")}\n`);
  const path = fileURLToPath(new URL(program, import.meta.url));
  const { status } = spawnSync(process.execPath, [path, ...words], { stdio: "inherit" });
  if (status !== 0) process.exitCode = 1;
}
