// Bulletins over a restart, and no more of them than are kept.
import { expect, test } from "vitest";
import { type Bulletin, revised } from "../../src/core/bulletin/bulletin.js";
import type { IncidentReport } from "../../src/core/guard/incident-report.js";
import { bulletin as limits } from "../../src/limits/bulletin.js";
import { opened, place, value } from "./stores.js";

function bulletin(number: number, before?: Bulletin): Bulletin {
  const report: IncidentReport = {
    ...{ number, begin: 1_000, seenAt: 5_000 },
    ...(before === undefined
      ? { end: null, ending: null }
      : { end: 9_000, ending: "quiet" as const }),
    ...{ overPerSecond: 100, perSecond: 7, peakPerSecond: 900, refused: 4_000 },
    reasons: { 'data "gre"': 3 },
    ...{ sources: [], greSources: "sampled" },
    ...{ sessionsAtBegin: 2, sessionsEnded: {}, logIns: 1, logInsRefused: 0, processorPercent: 3 },
    ...{ blocked: [], blockedMore: 0, dropped: { connections: 0, gre: 0 } },
  };
  return revised(before, report, "1.2.3");
}

test("the newest of each is there again with its revisions, newest first", async () => {
  const where = place();
  const first = await opened(where);
  const ended = bulletin(1, bulletin(1));
  await value(first.bulletins.put(bulletin(1)));
  await value(first.bulletins.put(ended));
  await value(first.bulletins.put(bulletin(2)));
  await first.close();
  const second = await opened(where);
  expect(await value(second.bulletins.list())).toEqual([bulletin(2), ended]);
  expect(await value(second.bulletins.list({ before: 2, most: 5 }))).toEqual([ended]);
  expect((await value(second.bulletins.find(1)))?.revisions).toHaveLength(2);
  expect(await value(second.bulletins.find(3))).toBeUndefined();
  await second.close();
});

test("the oldest beyond what is kept is forgotten", async () => {
  const store = await opened(place());
  const puts = Array.from({ length: limits.keptMax + 5 }, (_, at) => bulletin(at + 1));
  await Promise.all(puts.map((one) => value(store.bulletins.put(one))));
  expect(await value(store.bulletins.find(5))).toBeUndefined();
  expect(await value(store.bulletins.find(6))).toBeDefined();
  await store.close();
});
