import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Paces } from "./paces.js";
import { ScaledRate } from "./scales.js";

describe("a rate for each of many keys", () => {
  test("property: over any time no key gets more than its burst and what the rate gives", () => {
    const steps = fc.array(fc.tuple(fc.nat(500), fc.nat(3)), { maxLength: 200 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 20 }), steps, run),
    );

    function run(perSecond: number, burst: number, gaps: [number, number][]): void {
      const paces = new Paces({ perSecond, burst }, 8);
      const taken = new Map<number, number>();
      let now = 0;
      for (const [gap, key] of gaps) {
        now += gap;
        if (paces.take(key, now)) taken.set(key, (taken.get(key) ?? 0) + 1);
      }
      for (const count of taken.values()) {
        expect(count).toBeLessThanOrEqual(burst + (now * perSecond) / 1_000 + 1e-6);
      }
    }
  });

  test("whoever waits as long as it is told gets the next one", () => {
    const paces = new Paces({ perSecond: 3, burst: 2 }, 8);
    expect([0, 0, 0].map((at) => paces.take("a", at))).toEqual([true, true, false]);
    const wait = paces.overBy("a", 0, 1);
    expect(paces.take("a", wait - 1)).toBe(false);
    expect(paces.take("a", wait)).toBe(true);
  });

  test("no more keys than there is room for: the one not heard of for longest goes", () => {
    const paces = new Paces({ perSecond: 1, burst: 1 }, 2);
    expect([1, 2, 3].map((key) => paces.take(key, 0))).toEqual([true, true, true]);
    expect(paces.size).toBe(2);
    expect(paces.take(3, 0)).toBe(false);
    expect(paces.take(1, 0)).toBe(true);
  });
});

describe("what has come already", () => {
  test("is owed, but never for longer than the bound, however much it was", () => {
    const paces = new Paces({ perSecond: 10, burst: 20 }, 8, undefined, 1_000);
    expect(paces.charge("a", 20, 0)).toBe(100);
    expect(paces.charge("a", 5, 0)).toBe(600);
    expect(paces.charge("a", 100_000, 0)).toBe(1_000);
    expect(paces.overBy("a", 1_000, 1)).toBe(0);
    expect(new Paces({ perSecond: 10, burst: 20 }, 8).charge("a", 100_000, 0)).toBe(9_998_100);
  });
});

describe("a rate by source, /24 and in all", () => {
  const rate = () => new ScaledRate({ source: 2, prefix: 3, server: 4 }, 1_000, 100);

  test("each scale stops what is beyond it, the narrowest first", () => {
    const strict = rate();
    const peers = [
      0x0a000001, 0x0a000001, 0x0a000001, 0x0a000002, 0x0a000003, 0x0b000001, 0x0c000001,
    ];
    expect(peers.map((peer) => strict.take(peer, 0, false))).toEqual([
      ...[undefined, undefined, "source", undefined],
      ...["prefix", undefined, "server"],
    ]);
  });

  test("what a narrow scale refuses costs the wider ones nothing", () => {
    const strict = rate();
    for (let i = 0; i < 1_000; i++) strict.take(0x0a000001, 0, false);
    expect(strict.take(0x0a000002, 0, false)).toBeUndefined();
    expect(strict.take(0x0b000001, 0, false)).toBeUndefined();
  });

  test("what has come already: the narrowest that is spent is named, the longest wait counts", () => {
    const strict = rate();
    expect(strict.charge(0x0a000001, 1, 0, false)).toEqual({ ms: 0, scale: undefined });
    expect(strict.charge(0x0a000001, 1, 0, false)).toEqual({ ms: 500, scale: "source" });
    expect(strict.charge(0x0a000002, 1, 0, false)).toEqual({ ms: 334, scale: "prefix" });
    expect(strict.charge(0x0b000001, 1, 0, false)).toEqual({ ms: 250, scale: "server" });
    expect(strict.charge(0x0a000001, 3, 0, true)).toEqual({ ms: 1_000, scale: "server" });
  });

  test("exempt: held to the rate of all alone", () => {
    const strict = rate();
    const taken = Array.from({ length: 5 }, () => strict.take(0x0a000001, 0, true));
    expect(taken).toEqual([undefined, undefined, undefined, undefined, "server"]);
  });
});
