import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { guard as bounds } from "../../limits.js";
import type { Connection } from "../connection.js";
import { Guard } from "./guard.js";
import { Strangers } from "./strangers.js";

const A = 0x0a000001;
const B = 0x0a000002;
const FAR = 0xc0000201;

describe("places of strangers", () => {
  test("full by source and by /24; a place given back is there again", () => {
    const places = new Strangers<object>({ source: 1, prefix: 2, server: 9 }, 1_000);
    const { place } = places.enter({}, A, 0);
    expect(places.refuses(A, 0, false)).toBe("source");
    expect(places.refuses(A, 0, true)).toBeUndefined();
    places.enter({}, B, 0);
    expect(places.refuses(0x0a000003, 0, false)).toBe("prefix");
    expect(places.refuses(FAR, 0, false)).toBeUndefined();
    place[Symbol.dispose]();
    place[Symbol.dispose]();
    expect(places.refuses(A, 0, false)).toBeUndefined();
  });

  test("full in all: the oldest gives way, but not before it had its time", () => {
    const places = new Strangers<object>({ source: 9, prefix: 9, server: 2 }, 1_000);
    const oldest = {};
    places.enter(oldest, A, 0);
    places.enter({}, B, 10);
    expect(places.refuses(FAR, 999, false)).toBe("server");
    expect(places.refuses(FAR, 1_000, false)).toBeUndefined();
    expect(places.enter({}, FAR, 1_000).gaveWay).toBe(oldest);
  });

  test("silent ones from ever new sources, as many as may connect: every newcomer finds a place, and has it long enough", () => {
    const { halfOpen } = new Guard();
    const there = new Map<object, { readonly since: number; readonly place: Disposable }>();
    for (let at = 0; at < 5_000; at++) {
      const now = (1_000 * at) / bounds.connectionsPerSecond;
      const peer = 0x0a000000 + 256 * at;
      expect([at, halfOpen.refuses(peer, now, false)]).toEqual([at, undefined]);
      const who = {} as Connection;
      const { place, gaveWay } = halfOpen.enter(who, peer, now);
      there.set(who, { since: now, place });
      const left = gaveWay && there.get(gaveWay);
      if (left === undefined) continue;
      expect(now - left.since).toBeGreaterThanOrEqual(bounds.halfOpenLeastMs);
      left.place[Symbol.dispose]();
    }
    expect(halfOpen.size).toBe(bounds.halfOpenMax);
  });

  test("full in all: a source with many gives way at once to one with fewer, not to itself", () => {
    const places = new Strangers<object>({ source: 1, prefix: 1, server: 4 }, 1_000);
    const first = {};
    for (const who of [first, {}, {}, {}]) places.enter(who, A, 0);
    expect(places.refuses(A, 1, true)).toBe("server");
    expect(places.refuses(FAR, 1, false)).toBeUndefined();
    expect(places.enter({}, FAR, 1).gaveWay).toBe(first);
    const even = new Strangers<object>({ source: 1, prefix: 1, server: 4 }, 1_000);
    for (const peer of [A, B, A, B]) even.enter({}, peer, 0);
    expect([even.refuses(B, 1, true), even.refuses(FAR, 1, false)]).toEqual(["server", undefined]);
  });

  test("property: counts are those of the places that are out", () => {
    const step = fc.record({ peer: fc.nat(3), leave: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const most = { source: 2, prefix: 3, server: 5 };
        const places = new Strangers<object>(most, 0);
        const out: { peer: number; place: Disposable }[] = [];
        for (const { peer, leave } of steps) {
          if (leave) out.shift()?.place[Symbol.dispose]();
          const of = out.filter((one) => one.peer === peer).length;
          const refused = places.refuses(peer, 0, false);
          expect(refused === "source").toBe(of >= most.source);
          if (refused !== undefined || out.length >= most.server) continue;
          out.push({ peer, place: places.enter({}, peer, 0).place });
          expect(places.size).toBe(out.length);
        }
      }),
    );
  });
});
