import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { incident as limits } from "../../limits.js";
import { IncidentDetector } from "./incidents.js";

const quick = { ...limits, bucketMs: 30_000, bucketsMax: 8 };
const looks = (ms: number) => Math.ceil(ms / limits.everyMs);

/** Looks once a second at what grows by the rates that it is given. */
class Watched {
  readonly totals: Record<string, number> = {};
  readonly changes: string[] = [];
  now = 1_000;

  constructor(readonly detector = new IncidentDetector(quick)) {
    detector.observe({}, this.now);
  }

  second(perSecond: number, reason = "gre-flags"): this {
    this.now += 1_000;
    this.totals[reason] = (this.totals[reason] ?? 0) + perSecond;
    const change = this.detector.observe({ ...this.totals }, this.now);
    if (change !== undefined) this.changes.push(change.kind);
    return this;
  }

  seconds(count: number, perSecond: number): this {
    for (let i = 0; i < count; i++) this.second(perSecond);
    return this;
  }
}

const quiet = looks(limits.quietMs);
const window = looks(limits.windowMs);

describe("an incident", () => {
  test("of a stream: begins within seconds, ends once it is quiet, and says what it was", () => {
    const on = new Watched().seconds(20, 3).seconds(2, 5_000);
    expect(on.changes).toEqual(["begins"]);
    const begun = on.detector.open;
    expect(begun).toMatchObject({ begin: 21_000, overPerSecond: 100, peakPerSecond: 5_000 });
    on.seconds(5, 6_000)
      .second(200, "unknown-call")
      .seconds(quiet - 1, 0);
    expect(on.changes).toEqual(["begins"]);
    expect(on.detector.open).toMatchObject({ lastAbove: 29_000, peakPerSecond: 6_000 });
    expect(on.detector.open).toMatchObject({
      reasons: { "gre-flags": 40_000, "unknown-call": 200 },
    });
    on.second(0);
    expect(on.changes).toEqual(["begins", "ends"]);
    expect(on.detector.open).toBeUndefined();
  });

  test("just over the floor: after one window; at the floor, or in a burst below a window of it: none", () => {
    expect(new Watched().seconds(window, 101).changes).toEqual(["begins"]);
    expect(new Watched().seconds(1_000, 100).changes).toEqual([]);
    const bursts = new Watched();
    for (let i = 0; i < 50; i++) bursts.second(999).seconds(window - 1, 0);
    expect(bursts.changes).toEqual([]);
  });

  test("pauses shorter than the quiet time do not part it", () => {
    const on = new Watched();
    for (let i = 0; i < 5; i++) on.seconds(3, 9_000).seconds(quiet - 1, 0);
    expect(on.changes).toEqual(["begins"]);
    expect(on.second(0).second(0).changes).toEqual(["begins", "ends"]);
  });

  test("after one has ended a new stream is a new one, with its own counts", () => {
    const on = new Watched().seconds(3, 9_000);
    on.detector.saw(1, true, 50);
    on.seconds(quiet, 0).seconds(1, 2_000);
    expect(on.changes).toEqual(["begins", "ends", "begins"]);
    expect(on.detector.open).toMatchObject({ total: 2_000, proven: { sources: [], of: 0 } });
  });

  test("a usual rate opens nothing, more than four times as much does", () => {
    const on = new Watched().seconds(300, 60);
    expect(on.detector.overPerSecond).toBe(240);
    expect(on.seconds(50, 240).changes).toEqual([]);
    expect(on.seconds(window, 260).changes).toEqual(["begins"]);
  });

  test("the usual is frozen meanwhile, however long it lasts", () => {
    const on = new Watched().seconds(300, 10).seconds(2_000, 900);
    expect(on.detector.overPerSecond).toBe(100);
    expect(on.seconds(quiet, 0).changes).toEqual(["begins", "ends"]);
    expect(on.detector.overPerSecond).toBe(100);
  });

  property.prop([
    fc.double({ min: 0.05, max: 0.3, noNaN: true }),
    fc.integer({ min: 30, max: 400 }),
  ])("a ramp that is never four times the usual meets the ceiling", (steepness, secondsEach) => {
    const on = new Watched(new IncidentDetector({ ...quick, bucketMs: 5_000 }));
    let rate = 20;
    while (on.changes.length === 0) {
      // Whole packets are sent: up to one above the ceiling is still at it.
      expect(rate).toBeLessThan((limits.ceilingPerSecond + 1) * (1 + steepness));
      on.seconds(Math.max(secondsEach, window), Math.floor(rate));
      rate *= 1 + steepness;
    }
    expect(on.detector.open?.overPerSecond).toBe(limits.ceilingPerSecond);
  });

  property.prop([fc.array(fc.nat(3_000), { maxLength: 200 })])(
    "begins and ends take turns, and none is open below the floor",
    (rates) => {
      const on = new Watched();
      for (const rate of rates) on.second(rate);
      on.seconds(quiet + 1, 0);
      expect(on.detector.open).toBeUndefined();
      const turns = on.changes.map((_, at) => (at % 2 === 0 ? "begins" : "ends"));
      expect(on.changes).toEqual(turns);
      if (Math.max(0, ...rates) <= limits.floorPerSecond) expect(on.changes).toEqual([]);
    },
  );

  test("sources: what stands out, what is proven apart, and those of before the begin too", () => {
    const on = new Watched();
    for (let i = 0; i < 500; i++) on.detector.saw(i + 1_000, false, 1);
    on.detector.saw(7, false, 300);
    on.detector.saw(9, true, 40);
    on.second(5_000);
    const open = on.detector.open!;
    expect(open.proven).toEqual({ sources: [{ source: 9, atLeast: 40 }], shortBy: 0, of: 40 });
    expect(open.unproven.of).toBe(800);
    expect(open.unproven.sources[0]?.source).toBe(7);
    expect(open.unproven.sources.length).toBeLessThanOrEqual(limits.sourcesShownMax);
    expect(300 - open.unproven.sources[0]!.atLeast).toBeLessThanOrEqual(open.unproven.shortBy);
  });

  test("more reasons than there is room for are counted together", () => {
    const on = new Watched().second(2_000, "first");
    for (let i = 0; i < 200; i++) on.second(1_000, `reason ${i}`);
    const { reasons, total } = on.detector.open!;
    expect(Object.keys(reasons)).toHaveLength(limits.reasonsMax);
    expect(Object.values(reasons).reduce((sum, one) => sum + one)).toBe(total);
    expect(total).toBe(202_000);
  });

  test("counts that fall, as of a worker that was replaced, and looks that come late", () => {
    const detector = new IncidentDetector(limits);
    detector.observe({ a: 1_000_000 }, 1_000);
    expect(detector.observe({ a: 5 }, 2_000)).toBeUndefined();
    expect(detector.observe({ a: 100_000 }, 2_010)).toBeUndefined();
    // A minute of 90 a second, seen at once.
    expect(detector.observe({ a: 5 + 60 * 90 }, 62_000)).toBeUndefined();
    expect(detector.observe({ a: 5 + 60 * 90 + 60 * 101 }, 122_000)?.kind).toBe("begins");
  });
});
