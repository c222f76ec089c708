// A simulated run that fails says how to see it again.

/** The very command for one seed of the core alone; of a whole server main.ts says it. */
export function replayCommand(seed: number): string {
  return `HOLDFAST_SIM_SEED=${seed} HOLDFAST_SIM_RUNS=1 npx vitest run test/sim/sim.test.ts`;
}

/** What `run` gives; its failure with the seed and the command in front of everything else's end. */
export function replayable<T>(seed: number, run: () => T): T {
  try {
    return run();
  } catch (failure) {
    const why = failure instanceof Error ? (failure.stack ?? failure.message) : String(failure);
    throw new Error(`seed ${seed}: ${why}\nagain: ${replayCommand(seed)}`);
  }
}
