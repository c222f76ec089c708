import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { toHex } from "../base/hex.js";
import { instant } from "../base/instant.js";
import { MppeKey } from "../crypto/mppe-keys.js";
import { plane as limits } from "../limits.js";
import { KeyBudget } from "./key-budget.js";
import { FAR_KEYS, KeyWalk, KeyWalks } from "./key-walks.js";

const START = Uint8Array.from({ length: 16 }, (_, i) => 17 * i + 3);
const REACH = 20_000;

/** The session key after so many changes, by the straight way. */
const straight: Uint8Array[] = [];
const key = new MppeKey(START, 128);
for (let i = 0; i <= REACH; i++) {
  straight.push(key.octets.slice());
  key.step();
}

/** START, then the session key, as in a flow's record. */
function record(at: number): Uint8Array {
  return Uint8Array.of(...START, ...straight[at]!);
}

describe("a walk from key to key", () => {
  const move = fc.record({
    steps: fc.integer({ min: 1, max: 9_000 }),
    allowed: fc.integer({ min: 0, max: 9_000 }),
    moves: fc.boolean(),
  });

  property.prop([fc.array(move, { maxLength: 30 })], { numRuns: 60 })(
    "gets where the straight way does, or says that it did not, and never makes more than allowed",
    (all) => {
      let at = 0;
      let octets = record(at);
      let walk = new KeyWalk(octets, 16);
      for (const { steps, allowed, moves } of all) {
        if (at + steps > REACH) continue;
        let asked = 0;
        key.take(octets, 0, 16);
        const there = walk.go(key, steps, (wanted, whole) => {
          asked = wanted;
          return whole && allowed < wanted ? 0 : Math.min(wanted, allowed);
        });
        expect(there).toBe(asked <= allowed);
        if (!there) continue;
        expect(toHex(key.octets)).toBe(toHex(straight[at + steps]!));
        if (!moves) continue;
        at += steps;
        octets = record(at);
        if (!walk.moved(octets, 16, steps)) walk = new KeyWalk(octets, 16);
        expect(walk.startsAt(octets, 16)).toBe(true);
      }
    },
  );

  test("behind the furthest key made, one of 4,096 at most is asked for; what was asked last, nothing", () => {
    const octets = record(0);
    const walk = new KeyWalk(octets, 16);
    const asked: number[] = [];
    const go = (steps: number) => {
      key.take(octets, 0, 16);
      walk.go(key, steps, (wanted) => {
        asked.push(wanted);
        return wanted;
      });
    };
    for (const steps of [15_000, 15_000, 4_095, 4_096, 8_191, 8_191, 12_300]) go(steps);
    expect(asked).toEqual([15_000, 0, 4_095, 0, 4_095, 0, 12]);
  });
});

describe("the walks of a data worker", () => {
  test("no more of them than the bound: the one begun longest ago is forgotten, and wiped", () => {
    const walks = new KeyWalks();
    const octets = record(0);
    const owners = Array.from({ length: limits.keyWalksMax + 1 }, (_, at) => ({ at }));
    const first = walks.of(owners[0]!, octets, 16);
    for (const owner of owners) walks.of(owner, octets, 16);
    expect(walks.size).toBe(limits.keyWalksMax);
    expect(first.startsAt(new Uint8Array(16), 0)).toBe(true);
    expect(walks.known(owners[0]!, octets, 16)).toBeUndefined();
    expect(walks.known(owners[1]!, octets, 16)).toBeDefined();
  });

  test("a walk from another key than the flow's is over", () => {
    const walks = new KeyWalks();
    const owner = {};
    walks.of(owner, record(0), 16);
    expect(walks.known(owner, record(1), 16)).toBeUndefined();
    expect(walks.size).toBe(0);
  });

  test("all flows together have no more than the worker's budget, each no more than its own", () => {
    const walks = new KeyWalks();
    const own = () => new KeyBudget(FAR_KEYS);
    const now = instant(0);
    expect(walks.take(own(), 0, now, limits.keyWalkBurst, false)).toBe(limits.keyWalksBurst);
    expect(walks.take(own(), 0, now, 1, false)).toBe(0);
    const later = instant(100);
    const earned = (100 * limits.keyWalksPerSecond) / 1_000;
    expect(walks.take(own(), 0, later, 10_000, true)).toBe(0);
    expect(walks.take(own(), 0, later, 10_000, false)).toBe(Math.floor(earned));
    const spent = own();
    spent.take(later, limits.keyWalkBurst);
    expect(walks.take(spent, 0, instant(1_100), 10_000, false)).toBe(limits.keyWalkPerSecond);
  });
});
