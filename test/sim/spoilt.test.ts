// Control connections whose octets somebody changes and cuts: what becomes of those calls, and that nothing
// becomes of anybody else's.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { Chance } from "../../src/base/chance.js";
import { Schedule } from "./schedule.js";
import { connectStream, type StreamSpoils } from "./stream.js";
import type { Plan } from "./whole/plan.js";
import { WholeWorld } from "./whole/world.js";

const CALLERS = 80;
const HARD: StreamSpoils = { flips: 0.3, cuts: 0.1 };

const directory = mkdtempSync(join(tmpdir(), "holdfast-spoilt-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** Nothing goes wrong but what `spoils` does to every other caller; each has an account of his own. */
function calm(plan: Plan, spoils: StreamSpoils | undefined): Plan {
  const { account, password } = plan.accounts[0]!;
  const terms = { ...account, staticAddress: undefined, routes: [], enabled: true, dialIn: true };
  const free = { sessionSecondsMax: undefined, idleSecondsMax: undefined, octetsMax: undefined };
  const accounts = plan.callers.map((_, at) => ({
    account: { ...terms, ...free, accountId: at + 1, name: `own${at}`, sessionsMax: 4 },
    password,
  }));
  const { latencyMs } = plan.path;
  const quiet = {
    loss: 0,
    duplication: 0,
    reordering: 0,
    truncation: 0,
    forgery: 0,
    corruption: 0,
  };
  return {
    ...plan,
    ...{ accounts, path: { latencyMs, ...quiet }, talks: [], forgeries: [], woes: [] },
    ...{ sendErrors: 0, troubles: 0, startFault: undefined, impatientMs: undefined },
    callers: plan.callers.map((caller, at) => ({
      ...caller,
      ...{ name: `own${at}`, password, fromUp: true, ending: "stop", calls: 2, mangles: 0 },
      spoils: at % 2 === 0 ? spoils : undefined,
    })),
  };
}

/** By caller: each of its calls, how it ended and whether there was a session. */
async function results(seed: number, spoils: StreamSpoils | undefined) {
  const world = new WholeWorld(seed, CALLERS, directory, (plan) => calm(plan, spoils));
  const outcome = await world.run();
  const byCaller = world.results.map((line) => line.split(/ (.*)/s) as [string, string]);
  const of = (rest: number) =>
    Object.fromEntries(byCaller.filter(([index]) => Number(index) % 2 === rest));
  const reasons = Object.keys(world.running.server.reasons.snapshot());
  const malformed = reasons.filter((reason) => reason.startsWith("malformed "));
  return { outcome, spoilt: of(0), others: of(1), malformed };
}

describe("spoilt control connections", () => {
  for (const seed of [1, 2, 3]) {
    test(`seed ${seed}: their calls end, all is given back, everybody else calls as if there were none`, async () => {
      const without = await results(seed, undefined);
      const hard = await results(seed, HARD);
      expect(without.outcome.flips + without.outcome.cuts).toBe(0);
      expect(hard.outcome.flips).toBeGreaterThan(20);
      expect(hard.outcome.cuts).toBeGreaterThan(5);
      expect(Object.keys(hard.others).length).toBe(CALLERS / 2);
      expect(hard.others).toEqual(without.others);
      expect(Object.values(hard.others).every((calls) => calls.includes("true"))).toBe(true);
      // It reaches: of those that it meets, many a call never came up.
      expect(
        Object.values(hard.spoilt).filter((calls) => calls.includes("false")).length,
      ).toBeGreaterThan(5);
      expect(hard.malformed.length).toBeGreaterThan(3);
      expect(without.malformed).toEqual([]);
    }, 60_000);
  }

  test("a stream: every octet of it may change, its middle may be its end, and both ends hear that", () => {
    const schedule = new Schedule();
    const chance = new Chance(7);
    const sent = Uint8Array.from({ length: 156 }, (_, at) => at);
    const changed = new Set<number>();
    const count = { flips: 0, cuts: 0 };
    let short = 0;
    let heard = 0;
    const TRIALS = 2_000;
    for (let trial = 0; trial < TRIALS; trial++) {
      const { near, far } = connectStream(schedule, chance.fork(), 5);
      let at = 0;
      const user = (octets: (octets: Uint8Array) => void) => ({
        octets,
        pausedUntil: () => undefined,
        closed: () => void heard++,
      });
      near.user = user(() => {});
      far.user = user((octets) => {
        for (const octet of octets) if (octet !== sent[at++]) changed.add(at - 1);
      });
      near.spoil({ flips: 0.5, cuts: 0.2 }, count);
      near.write(sent);
      near.end();
      while (schedule.next !== undefined) schedule.step();
      expect(at).toBeLessThanOrEqual(sent.length);
      if (at < sent.length) short++;
    }
    expect(changed.size).toBe(sent.length);
    expect(short).toBe(count.cuts);
    expect(count.flips).toBeGreaterThan(TRIALS / 2);
    expect(heard).toBe(2 * TRIALS);
  });
});
