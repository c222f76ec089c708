// Whole servers, one seed after another, until so many runs, sessions or hours are done. Each run says
// its seed and its digest; the last line is the digest of them all.
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { counted } from "./data-path.js";
import type { EngineKind } from "./memories.js";
import { realNow } from "./whole/time.js";
import { type Outcome, WholeWorld } from "./whole/world.js";

export type SimOptions = {
  readonly seed: number;
  readonly runs: number;
  readonly callers: number;
  readonly sessions: number;
  readonly seconds: number;
  /** Of every data worker; left out: the seed's own choice. */
  readonly engine?: EngineKind | undefined;
};

const MIB = 1_048_576;
const COUNTED = ["steps", "logIns", "calls", "delivered", "hostile", "flips", "cuts"] as const;

/** The exit code. */
export async function simulate(options: SimOptions, say: (line: string) => void): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-sim-"));
  try {
    return await runs(options, directory, say);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function runs(options: SimOptions, directory: string, say: (line: string) => void) {
  const { seed: first, callers } = options;
  const digests = createHash("sha256");
  const sum = {
    runs: 0,
    steps: 0,
    logIns: 0,
    calls: 0,
    delivered: 0,
    hostile: 0,
    flips: 0,
    cuts: 0,
  };
  const engines: Record<string, number> = {};
  const ended: Record<string, number> = {};
  const begin = realNow();
  const seconds = () => (realNow() - begin) / 1_000;
  const more = () =>
    sum.runs < options.runs && sum.logIns < options.sessions && seconds() < options.seconds;
  while (more()) {
    const seed = (first + sum.runs) >>> 0;
    const from = realNow();
    let outcome: Outcome;
    try {
      const world = new WholeWorld(seed, callers, directory, (plan) => ({
        ...plan,
        engine: options.engine ?? plan.engine,
      }));
      const { engine } = world.plan;
      engines[engine] = (engines[engine] ?? 0) + 1;
      outcome = await world.run();
    } catch (failure) {
      say(`seed ${seed}: ${failure instanceof Error ? failure.stack : String(failure)}`);
      say(`again: npm run sim -- --seed ${seed} --callers ${callers}`);
      return 1;
    }
    sum.runs++;
    for (const key of COUNTED) sum[key] += outcome[key];
    for (const [cause, count] of Object.entries(outcome.ended)) {
      ended[cause] = (ended[cause] ?? 0) + count;
    }
    digests.update(outcome.digest);
    const { logIns, calls, steps, digest } = outcome;
    const took = ((realNow() - from) / 1_000).toFixed(1);
    say(`seed ${seed}: ${digest}  ${logIns} sessions of ${calls} calls, ${steps} steps, ${took} s`);
  }
  const rss = Math.round(process.memoryUsage().rss / MIB);
  const rate = Math.round(sum.logIns / seconds());
  say(`${JSON.stringify({ ...sum, engines, byLane: counted.byLane, ended })}`);
  say(`${sum.logIns} sessions in ${Math.round(seconds())} s: ${rate} /s; resident ${rss} MiB`);
  say(`digest ${digests.digest("hex").slice(0, 16)}`);
  return 0;
}
