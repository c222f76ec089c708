// Figures of the past: sums are the same at every resolution, no resolution has more than its slots, and a
// restart changes neither.
import { expect, test } from "vitest";
import {
  type TrendFigures,
  type TrendResolution,
  type TrendSlot,
  trendFields,
  trendLengths,
  trendPeaks,
  trendSums,
} from "../../src/base/trend-slot.js";
import { trends as limits } from "../../src/limits/web.js";
import type { Store } from "../../src/store/port.js";
import { opened, place, value } from "./stores.js";

const resolutions = Object.keys(trendLengths) as TrendResolution[];
/** 2026-01-01T00:00:00Z: the begin of a day. */
const newYear = 1_767_225_600_000;
const hour = trendLengths["1h"];
const day = trendLengths["1d"];

function slot(at: number, of: (name: string) => number): TrendSlot {
  const figures = Object.fromEntries(trendFields.map((name) => [name, of(name)]));
  return { ...(figures as TrendFigures), at };
}

/** Every slot there is at a resolution, in spans that one answer holds. */
async function all(
  store: Store,
  resolution: TrendResolution,
  from: number,
  to: number,
): Promise<TrendSlot[]> {
  const step = trendLengths[resolution] * limits.answerMax;
  const found: TrendSlot[] = [];
  for (let at = from; at < to; at += step) {
    const span = { resolution, from: at, to: Math.min(to, at + step) };
    found.push(...(await value(store.trends.list(span))));
  }
  return found;
}

test("what was put is there at every resolution, sums preserved, peaks the greatest, over a restart", async () => {
  const where = place();
  let seed = 7;
  const chance = () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed;
  };
  const slots = Array.from({ length: 900 }, (_, at) => slot(newYear + at * 10_000, chance));
  const first = await opened(where);
  await value(first.trends.put(slots.slice(0, 400)));
  await first.close();
  const second = await opened(where);
  await value(second.trends.put(slots.slice(400)));
  // A slot that is put again, as after a restart within it, is added to.
  const again = slot(newYear + 899 * 10_000, () => 2 ** 33);
  await value(second.trends.put([again]));
  const put = [...slots, again];
  for (const resolution of resolutions) {
    const found = await all(second, resolution, newYear, newYear + day);
    expect(found.length).toBe(Math.ceil((900 * 10_000) / trendLengths[resolution]));
    for (const name of trendSums) {
      const sum = (of: readonly TrendSlot[]) => of.reduce((total, one) => total + one[name], 0);
      expect([resolution, name, sum(found)]).toEqual([resolution, name, sum(put)]);
    }
    for (const name of trendPeaks) {
      const most = (of: readonly TrendSlot[]) => Math.max(...of.map((one) => one[name]));
      expect([resolution, name, most(found)]).toEqual([resolution, name, most(put)]);
    }
    expect(found.map(({ at }) => at)).toEqual(
      found.map((_, at) => newYear + at * trendLengths[resolution]),
    );
  }
  const part = { resolution: "5m" as const, from: newYear + 300_000, to: newYear + 900_000 };
  const ats = (await value(second.trends.list(part))).map(({ at }) => at - newYear);
  expect(ats).toEqual([300_000, 600_000]);
  await second.close();
});

test("of each resolution as many as are kept, the newest, however long it runs", async () => {
  const store = await opened(place());
  // A day has its slots of ten seconds, a year of hours, ten of days: in steps, so that it ends today.
  const put = async (step: number, count: number, end: number) => {
    const slots = Array.from({ length: count }, (_, at) =>
      slot(end - (count - at) * step, (name) => Number(name === "logIns")),
    );
    for (let at = 0; at < count; at += 500) {
      await value(store.trends.put(slots.slice(at, at + 500)));
    }
  };
  await put(day, limits.daysMax + 40, newYear - 200 * day);
  await put(hour, limits.hoursMax + 30, newYear - 10 * day);
  await put(trendLengths["5m"], limits.fiveMinutesMax + 20, newYear - day);
  await put(trendLengths["10s"], limits.tenSecondsMax + 10, newYear);
  const counts = { "10s": limits.tenSecondsMax, "5m": limits.fiveMinutesMax } as const;
  const coarse = { "1h": limits.hoursMax, "1d": limits.daysMax } as const;
  for (const [name, most] of Object.entries({ ...counts, ...coarse })) {
    const resolution = name as TrendResolution;
    const found = await all(store, resolution, newYear - 3_000 * day, newYear + day);
    expect([name, found.length]).toEqual([name, most]);
    const last = newYear - Math.max(10_000, trendLengths[resolution]);
    expect([name, found.at(-1)!.at]).toEqual([name, last]);
  }
  await store.close();
});

test("a clock that was far ahead, and one far behind, take no more than their own slots", async () => {
  const store = await opened(place());
  const now = Array.from({ length: 50 }, (_, at) => slot(newYear + at * 10_000, () => 1));
  await value(store.trends.put(now.slice(0, 25)));
  await value(store.trends.put([slot(newYear + 20_000 * day, () => 9), slot(0, () => 9)]));
  await value(store.trends.put(now.slice(25)));
  const span = { from: newYear, to: newYear + day };
  const found = await value(store.trends.list({ resolution: "10s", ...span }));
  expect(found).toEqual(now);
  await store.close();
});

test("one answer is bounded, and has the newest of what was asked for", async () => {
  const store = await opened(place());
  const count = limits.answerMax + 40;
  const slots = Array.from({ length: count }, (_, at) => slot(newYear + at * 10_000, () => 1));
  await value(store.trends.put(slots));
  const span = { resolution: "10s" as const, from: 0, to: newYear + day };
  expect(await value(store.trends.list(span))).toEqual(slots.slice(-limits.answerMax));
  await store.close();
});

test("a clock that ran ahead for as long as anything is kept does not cost what comes once it is right", async () => {
  const store = await opened(place());
  const ahead = newYear + 1_000 * day;
  const wrong = Array.from({ length: limits.tenSecondsMax }, (_, at) =>
    slot(ahead + at * 10_000, () => 9),
  );
  for (let at = 0; at < wrong.length; at += 500) {
    await value(store.trends.put(wrong.slice(at, at + 500)));
  }
  const now = Array.from({ length: 30 }, (_, at) => slot(newYear + at * 10_000, () => 1));
  for (let at = 0; at < now.length; at += 6) await value(store.trends.put(now.slice(at, at + 6)));
  expect(await all(store, "10s", newYear, newYear + day)).toEqual(now);
  const left = await all(store, "10s", ahead, ahead + 2 * day);
  expect(left).toHaveLength(limits.tenSecondsMax - now.length);
  await store.close();
});
