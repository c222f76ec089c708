// A session's history: sums by slots, room that never grows, and nothing before the first traffic.
import { expect, test } from "vitest";
import { instant } from "../base/instant.js";
import { session as limits } from "../limits.js";
import type { FlowCounters } from "../wire/worker-link.js";
import { SessionHistory } from "./session-history.js";

const nothing: FlowCounters = {
  ...{ receivedPackets: 0, receivedOctets: 0, sentPackets: 0, sentOctets: 0, dropped: 0 },
  ...{ overRateUp: 0, overRateDown: 0, lost: 0, reordered: 0, roundTripMs: 0, idleMs: 0 },
};
const { historySlotMs: slotMs, historySlotsMax: slotsMax } = limits;

function grown(counters: FlowCounters, more: Partial<FlowCounters>): FlowCounters {
  const sums = Object.entries(counters).map(([name, value]) => {
    const by = more[name as keyof FlowCounters] ?? 0;
    return [name, name === "roundTripMs" ? by : value + by];
  });
  return Object.fromEntries(sums) as FlowCounters;
}

test("an idle session has none: keep-alives, drops and loss make no history", () => {
  const kept = grown(nothing, { dropped: 3, lost: 1, idleMs: 9 });
  expect(SessionHistory.counted(undefined, nothing, kept, instant(5))).toBeUndefined();
});

test("what came between two counts is in the slot of the second; quiet slots are zeros up to now", () => {
  const one = grown(nothing, { receivedOctets: 1_000, receivedPackets: 10, roundTripMs: 12.5 });
  let history = SessionHistory.counted(undefined, nothing, one, instant(100));
  const two = grown(one, { sentOctets: 500, lost: 2, reordered: 1, roundTripMs: 3 });
  history = SessionHistory.counted(history, one, two, instant(100 + slotMs));
  const three = grown(two, { sentOctets: 7, roundTripMs: 4 });
  history = SessionHistory.counted(history, two, three, instant(101 + slotMs));
  expect(history?.shown(instant(100 + 3 * slotMs))).toEqual({
    begin: 100,
    slotMs,
    slots: [
      {
        ...{ receivedOctets: 1_000, sentOctets: 0, receivedPackets: 10 },
        ...{ lost: 0, reordered: 0, roundTripMs: 12.5 },
      },
      {
        ...{ receivedOctets: 0, sentOctets: 507, receivedPackets: 0 },
        ...{ lost: 2, reordered: 1, roundTripMs: 4 },
      },
      ...[1, 2].map(() => ({
        ...{ receivedOctets: 0, sentOctets: 0, receivedPackets: 0 },
        ...{ lost: 0, reordered: 0, roundTripMs: 0 },
      })),
    ],
  });
});

test("a session of a month: as many slots as at first, nothing of its sums lost", () => {
  const day = 86_400_000;
  let [history, counters]: [SessionHistory | undefined, FlowCounters] = [undefined, nothing];
  let counted = 0;
  for (let at = 0; at < 30 * day; at += 600_000) {
    const next = grown(counters, {
      receivedOctets: 1_000,
      lost: 1,
      roundTripMs: at === 0 ? 80 : 5,
    });
    history = SessionHistory.counted(history, counters, next, instant(at));
    counters = next;
    counted++;
  }
  const { slots, slotMs: length } = history?.shown(instant(30 * day)) ?? { slots: [], slotMs: 0 };
  expect(slots.length).toBeLessThanOrEqual(slotsMax);
  expect(slots.length).toBeGreaterThan(slotsMax / 2 - 1);
  expect(length * slotsMax).toBeGreaterThan(30 * day);
  expect(Math.log2(length / slotMs) % 1).toBe(0);
  const sum = (name: "receivedOctets" | "lost") =>
    slots.reduce((total, slot) => total + slot[name], 0);
  expect([sum("receivedOctets"), sum("lost")]).toEqual([1_000 * counted, counted]);
  expect(slots.map(({ roundTripMs }) => roundTripMs).slice(0, 2)).toEqual([80, 5]);
});

test("asked after a long silence it is coarser, and goes on from there", () => {
  const one = grown(nothing, { sentOctets: 9 });
  const history = SessionHistory.counted(undefined, nothing, one, instant(0));
  const later = instant(10 * slotMs * slotsMax);
  expect(history?.shown(later).slots[0]?.sentOctets).toBe(9);
  SessionHistory.counted(history, one, grown(one, { sentOctets: 4 }), later);
  expect(history?.shown(later).slots.at(-1)?.sentOctets).toBe(4);
});
