// The core alone with callers, network, backend and data workers under one seed (HOUSE section 4); with
// its daemon: test/sim/whole. `HOLDFAST_SIM_SEED=N HOLDFAST_SIM_RUNS=M` for other seeds.
import { describe, expect, test } from "vitest";
import type { EndCause } from "../../src/core/access/ports.js";
import { replayable } from "./replay.js";
import { type Outcome, World } from "./world.js";

const firstSeed = Number(process.env.HOLDFAST_SIM_SEED ?? 1);
const runs = Number(process.env.HOLDFAST_SIM_RUNS ?? 250);
const BLOCK = 25;
const ENDED_BY: readonly EndCause[] = [
  "address-unavailable",
  "administrator",
  "authentication-unavailable",
  "call-cleared",
  "control-closed",
  "control-malformed",
  "control-stopped",
  "control-timeout",
  "echo-timeout",
  "idle-limit",
  "octet-limit",
  "peer-terminated",
  "phase-timeout",
  "session-limit",
  "shutdown",
  "time-limit",
  "worker-lost",
];

function run(seed: number): Outcome {
  return replayable(seed, () => new World(seed).run());
}

describe("simulation", () => {
  const causes = new Set<string>();
  const engines = new Set<string>();
  const spoilt = { flips: 0, cuts: 0 };
  let delivered = 0;
  for (let from = firstSeed; from < firstSeed + runs; from += BLOCK) {
    const to = Math.min(from + BLOCK, firstSeed + runs) - 1;
    test(`seeds ${from} to ${to}: everything ends and everything is given back`, () => {
      for (let seed = from; seed <= to; seed++) {
        const outcome = run(seed);
        for (const cause of outcome.causes) causes.add(cause);
        delivered += outcome.delivered;
        engines.add(outcome.engine);
        spoilt.flips += outcome.spoilt.flips;
        spoilt.cuts += outcome.spoilt.cuts;
        if (runs <= BLOCK) console.log(`seed ${seed}: ${outcome.digest}`);
      }
    }, 120_000);
  }

  test("the same seed twice: the same digest", () => {
    for (const seed of [firstSeed, firstSeed + 1, firstSeed + 2]) {
      expect(run(seed).digest).toBe(run(seed).digest);
    }
  });

  test("the same seed with either engine: the same digest", () => {
    for (let seed = firstSeed; seed < firstSeed + Math.min(runs, 60); seed++) {
      const [alone, lane] = (["typescript", "wasm"] as const).map((engine) =>
        replayable(seed, () => new World(seed, engine).run()),
      );
      expect(lane?.digest, `seed ${seed}`).toBe(alone?.digest);
    }
  }, 120_000);

  // Fewer runs cannot see everything.
  if (runs >= 250) {
    test("the runs saw both engines, and spoilt connections", () => {
      expect([...engines].sort()).toEqual(["typescript", "wasm"]);
      expect(Math.min(spoilt.flips, spoilt.cuts)).toBeGreaterThan(10);
    });

    test("the runs saw data and every way a session can end", () => {
      expect(delivered).toBeGreaterThan(5_000);
      expect(ENDED_BY.filter((cause) => !causes.has(cause))).toEqual([]);
    });
  }
});
