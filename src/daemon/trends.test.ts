// What the pulse's moments come to in slots: nothing is lost between moments, over a disk in trouble (within
// bounds) and at the end; reads see what was not written yet.
import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { type TrendSlot, trendLengths } from "../base/trend-slot.js";
import type { Moment } from "../console/overview-contract.js";
import { trends as limits } from "../limits/web.js";
import { answer, type TrendStore, trouble } from "../store/port.js";
import { Trends } from "./trends.js";

const begin = 1_800_000_000_000;

function moment(at: number, more: Partial<Moment> = {}): Moment {
  return {
    ...{ at, sessions: 3, connections: 4, logIns: 0, refusals: 0, refused: 0, blocks: 1, held: 9 },
    ...{ receivedOctets: 0, sentOctets: 0, receivedPackets: 0, sentPackets: 0, lateMs: 1 },
    ...{ processorPercent: 50, workersPercent: 12.5, residentOctets: 1e8, workersOctets: 5e7 },
    ...more,
  };
}

class Kept implements TrendStore {
  readonly writes: (readonly TrendSlot[])[] = [];
  well = true;
  put = async (slots: readonly TrendSlot[]) => {
    if (!this.well) return trouble("full", "the disk is full", "make room");
    this.writes.push(slots);
    return answer(undefined);
  };
  list = async ({ from, to }: { from: number; to: number }) =>
    answer(this.writes.flat().filter(({ at }) => at >= from && at < to));
  sum = (name: keyof TrendSlot) => this.writes.flat().reduce((total, one) => total + one[name], 0);
}

function trendsOver(store: Kept, now = begin, incident = false): Trends {
  return new Trends({ store, wallClockMs: () => now, incident: () => incident });
}

describe("moments", () => {
  test.prop([
    fc.array(fc.tuple(fc.integer({ min: 500, max: 40_000 }), fc.nat(1_000)), {
      minLength: 1,
      maxLength: 60,
    }),
  ])(
    "whatever their pace, the sums of all slots are the totals' growth, and time is covered once",
    async (steps) => {
      const store = new Kept();
      const trends = trendsOver(store);
      let [at, logIns] = [begin, 5];
      trends.take(moment(at, { logIns }));
      for (const [ms, more] of steps) {
        [at, logIns] = [at + ms, logIns + more];
        trends.take(moment(at, { logIns, sentOctets: logIns * 7 }));
      }
      await trends.end();
      expect(store.sum("logIns")).toBe(logIns - 5);
      expect(store.sum("coveredMs")).toBe(at - begin);
      expect(store.sum("sessionMs")).toBe(3 * (at - begin));
      expect(store.sum("sentOctets")).toBe(logIns * 7);
      for (const { coveredMs } of store.writes.flat()) {
        expect(coveredMs).toBeLessThanOrEqual(trendLengths["10s"]);
      }
    },
  );

  test("are written together, once a minute", async () => {
    const store = new Kept();
    const trends = trendsOver(store, begin, true);
    for (let second = 0; second <= 600; second++) trends.take(moment(begin + second * 1_000));
    await trends.end();
    expect(store.writes.length).toBeLessThanOrEqual(11);
    expect(store.sum("coveredMs")).toBe(600_000);
    expect(store.sum("incidentMs")).toBe(600_000);
    expect(store.sum("processorMs")).toBe(300_000);
  });

  test("a restart's totals begin anew: nothing is taken away, and peaks are a second's", async () => {
    const store = new Kept();
    const trends = trendsOver(store);
    trends.take(moment(begin, { refused: 90 }));
    trends.take(moment(begin + 2_000, { refused: 10, receivedOctets: 3_000 }));
    await trends.end();
    expect(store.writes.flat()).toMatchObject([{ refused: 0, receivedPerSecondMax: 1_500 }]);
  });
});

describe("a disk in trouble", () => {
  test("what could not be written waits, is bounded, and is written once it can be", async () => {
    const store = new Kept();
    store.well = false;
    const trends = trendsOver(store);
    const count = limits.waitingMax + 25;
    for (let at = 0; at <= count; at++) {
      trends.take(moment(begin + at * 10_000, { logIns: at }));
      await Promise.resolve();
    }
    await trends.list({ from: begin, to: begin + 10_000, resolution: "10s" });
    expect(trends.waiting).toBe(limits.waitingMax);
    expect(trends.dropped).toBe(25);
    store.well = true;
    await trends.end();
    expect(trends.waiting).toBe(0);
    expect(store.writes.flat().map(({ at }) => at)).toEqual(
      Array.from({ length: limits.waitingMax }, (_, at) => begin + (25 + at) * 10_000),
    );
  });
});

describe("reading", () => {
  test("has what was not written yet", async () => {
    const store = new Kept();
    const trends = trendsOver(store, begin + 3_000);
    trends.take(moment(begin));
    trends.take(moment(begin + 2_000, { logIns: 6 }));
    const told = await trends.list({ from: begin, resolution: "10s" });
    expect(told).toMatchObject({ ok: true, value: { lengthMs: 10_000, slots: [{ logIns: 6 }] } });
  });

  test("too long a span is refused, with the resolution that fits", async () => {
    const trends = trendsOver(new Kept());
    const week = { from: begin - 7 * 86_400_000, to: begin };
    const refused = { ok: false, code: "bad-request", reason: "too-long" };
    expect(await trends.list({ ...week, resolution: "10s" })).toMatchObject({
      ...refused,
      remedy: "ask for resolution=1h",
    });
    expect(await trends.list({ ...week, resolution: "1h" })).toMatchObject({ ok: true });
    expect(await trends.list({ from: 0, to: begin, resolution: "1d" })).toMatchObject(refused);
  });

  test("a store that cannot answer is a trouble, not an empty past", async () => {
    const store = new Kept();
    store.list = async () => trouble("locked", "locked", "wait") as never;
    const told = await trendsOver(store).list({ from: begin - 1, resolution: "1d" });
    expect(told).toMatchObject({ ok: false, code: "trouble", reason: "locked" });
  });
});
