// How much is tried and from which seed: `HOLDFAST_FUZZ_SEED=n HOLDFAST_FUZZ_FACTOR=m` for longer runs.
import { Chance } from "../../src/base/chance.js";

export const seed = Number(process.env.HOLDFAST_FUZZ_SEED ?? 1);
export const factor = Number(process.env.HOLDFAST_FUZZ_FACTOR ?? 1);

/** Runs `trials` trials, each from a seed of its own that a failure names. */
export function fuzz(trials: number, trial: (chance: Chance) => void): void {
  const first = seed * 10_000_000;
  for (let at = first; at < first + Math.ceil(trials * factor); at++) {
    try {
      trial(new Chance(at));
    } catch (failure) {
      const why = failure instanceof Error ? (failure.stack ?? failure.message) : String(failure);
      throw new Error(`trial ${at}: ${why}`);
    }
  }
}
