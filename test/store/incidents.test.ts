// Incidents over a restart, and no more of them than are kept.
import { expect, test } from "vitest";
import type { IncidentReport } from "../../src/core/guard/incident-report.js";
import { incident as limits } from "../../src/limits.js";
import { opened, place, value } from "./stores.js";

function report(number: number, more: Partial<IncidentReport> = {}): IncidentReport {
  return {
    ...{ number, begin: 1_000, end: null, ending: null, seenAt: 5_000 },
    ...{ overPerSecond: 100, perSecond: 7, peakPerSecond: 900, refused: 4_000 },
    reasons: { "malformed SCCRQ Length": 1, 'data "gre"': 3 },
    sources: [{ address: "192.0.2.1", count: 3, mayBeForged: true }],
    greSources: "sampled",
    ...{ sessionsAtBegin: 2, sessionsEnded: {}, logIns: 1, logInsRefused: 0, processorPercent: 3 },
    ...{ blocked: [], blockedMore: 0, dropped: { connections: 0, gre: 0 } },
    ...more,
  };
}

test("the newest of each is there again; one that was open when the server died is closed as such", async () => {
  const where = place();
  const first = await opened(where);
  await value(first.incidents.put(report(1)));
  const over = report(1, { end: 9_000, ending: "quiet", seenAt: 69_000 });
  await value(first.incidents.put(over));
  await value(first.incidents.put(report(2)));
  await first.close();
  const second = await opened(where);
  expect(await value(second.incidents.endOrphans())).toBe(1);
  expect(await value(second.incidents.endOrphans())).toBe(0);
  const lost = report(2, { end: 5_000, ending: "server-lost" });
  expect(await value(second.incidents.list())).toEqual([lost, over]);
  expect(await value(second.incidents.list({ before: 2, most: 5 }))).toEqual([over]);
  expect(await value(second.incidents.find(2))).toEqual(lost);
  expect(await value(second.incidents.find(3))).toBeUndefined();
  await second.close();
});

test("the oldest beyond what is kept is forgotten", async () => {
  const store = await opened(place());
  const puts = Array.from({ length: limits.keptMax + 5 }, (_, at) => report(at + 1));
  await Promise.all(puts.map((one) => value(store.incidents.put(one))));
  expect(await value(store.incidents.find(5))).toBeUndefined();
  expect(await value(store.incidents.find(6))).toBeDefined();
  expect(await value(store.incidents.list())).toHaveLength(limits.keptMax);
  await store.close();
});

test("usual rates over a restart: of the time asked for, no more than a day of them, none ahead of the newest", async () => {
  const where = place();
  const first = await opened(where);
  const count = limits.bucketsMax + 5;
  const rate = (number: number) => ({ at: number * limits.bucketMs, perSecond: number / 8 });
  const puts = Array.from({ length: count }, (_, at) => rate(at + 1));
  // Of a clock that was ahead for a while.
  await value(first.incidents.putUsualRate(rate(1_000_000)));
  await Promise.all(puts.map((one) => value(first.incidents.putUsualRate(one))));
  await first.close();
  const second = await opened(where);
  const all = { after: 0, until: Number.MAX_SAFE_INTEGER };
  expect(await value(second.incidents.usualRates(all))).toEqual(puts.slice(5));
  const some = { after: rate(10).at, until: rate(12).at };
  expect(await value(second.incidents.usualRates(some))).toEqual([rate(11), rate(12)]);
  await second.close();
});
