// What charts are drawn from: the last quarter of an hour as it came, or kept slots of hours, days, weeks.
import { useEffect, useState } from "preact/hooks";
import type { TrendResolution } from "../../src/base/trend-slot.js";
import type { Moment } from "../../src/console/overview-contract.js";
import type { TrendsPage } from "../../src/console/trends-contract.js";
import { get, type Refused } from "./api.js";
import { useWords } from "./settings.js";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** How far back, by which slots, and how often it is worth reading again. */
const kept = {
  hour: { spanMs: hourMs, resolution: "10s", againMs: 10_000 },
  day: { spanMs: dayMs, resolution: "5m", againMs: 60_000 },
  week: { spanMs: 7 * dayMs, resolution: "1h", againMs: 300_000 },
  month: { spanMs: 31 * dayMs, resolution: "1h", againMs: 300_000 },
  year: { spanMs: 366 * dayMs, resolution: "1d", againMs: 300_000 },
} as const satisfies Record<
  string,
  { spanMs: number; resolution: TrendResolution; againMs: number }
>;

export const periods = ["live", "hour", "day", "week", "month", "year"] as const;
export type Period = (typeof periods)[number];

const names = [
  ...(["up", "down", "sessions", "connections", "taken", "refusals", "unwanted"] as const),
  ...(["processor", "workers", "memory", "workersMemory", "held"] as const),
] as const;

/** Null: the server did not run, or nothing is known. Rates are a second's, traffic is in bits. */
export type Series = { readonly at: readonly number[] } & Readonly<
  Record<(typeof names)[number], readonly (number | null)[]>
>;

type Slot = TrendsPage["slots"][number];
type Values = Readonly<Record<(typeof names)[number], number | null>>;

export function useSeries(
  moments: readonly Moment[],
  period: Period,
): { readonly series: Series; readonly failure: Refused | undefined } {
  const [past, setPast] = useState<{ period: Period; page?: TrendsPage; failure?: Refused }>();
  useEffect(() => {
    if (period === "live") return;
    const { spanMs, resolution, againMs } = kept[period];
    let over = false;
    const read = () => {
      const from = Date.now() - spanMs;
      get<TrendsPage>(`/trends?from=${from}&resolution=${resolution}`).then(
        (page) => over || setPast({ period, page }),
        (failure: Refused) => over || setPast({ period, failure }),
      );
    };
    read();
    const timer = setInterval(() => document.visibilityState === "visible" && read(), againMs);
    return () => {
      over = true;
      clearInterval(timer);
    };
  }, [period]);
  if (period === "live") return { series: seriesOf(fromMoments(moments)), failure: undefined };
  const { page, failure } = past?.period === period ? past : {};
  return { series: seriesOf(page === undefined ? [] : fromSlots(page)), failure };
}

type Point = readonly [at: number, values: Values];

function seriesOf(points: readonly Point[]): Series {
  const columns = names.map((name) => [name, points.map(([, values]) => values[name])] as const);
  return {
    at: points.map(([at]) => at),
    ...(Object.fromEntries(columns) as Record<(typeof names)[number], (number | null)[]>),
  };
}

/** From totals to what came in a second, between each moment and the one before. */
function fromMoments(moments: readonly Moment[]): Point[] {
  return moments.map((one, index) => {
    const before = moments[index - 1];
    const rate = (of: (one: Moment) => number) => {
      if (before === undefined || one.at <= before.at) return 0;
      return Math.max(0, ((of(one) - of(before)) * 1_000) / (one.at - before.at));
    };
    return [
      one.at,
      {
        up: rate(({ receivedOctets }) => 8 * receivedOctets),
        down: rate(({ sentOctets }) => 8 * sentOctets),
        sessions: one.sessions,
        connections: one.connections,
        taken: rate(({ logIns }) => logIns),
        refusals: rate(({ refusals }) => refusals),
        unwanted: rate(({ refused }) => refused),
        processor: one.processorPercent,
        workers: one.workersPercent,
        memory: one.residentOctets,
        workersMemory: one.workersOctets,
        held: one.held,
      },
    ];
  });
}

const nothing = Object.fromEntries(names.map((name) => [name, null])) as Record<
  (typeof names)[number],
  null
>;

/** Of each slot the mean, but for what is looked for in peaks; a slot that is not there is a gap. */
function fromSlots({ slots, lengthMs }: TrendsPage): Point[] {
  const points: Point[] = [];
  for (const slot of slots) {
    const last = points.at(-1)?.[0];
    if (last !== undefined && slot.at - last > lengthMs) points.push([last + lengthMs, nothing]);
    points.push([slot.at, valuesOf(slot)]);
  }
  return points;
}

function valuesOf(slot: Slot): Values {
  const { coveredMs } = slot;
  if (coveredMs === 0) return nothing;
  const rate = (sum: number) => (1_000 * sum) / coveredMs;
  return {
    up: 8 * rate(slot.receivedOctets),
    down: 8 * rate(slot.sentOctets),
    sessions: slot.sessionMs / coveredMs,
    connections: slot.connectionsMax,
    taken: rate(slot.logIns),
    refusals: rate(slot.refusals),
    unwanted: rate(slot.refused),
    processor: (100 * slot.processorMs) / coveredMs,
    workers: (100 * slot.workersMs) / coveredMs,
    memory: slot.residentOctetsMax,
    workersMemory: slot.workersOctetsMax,
    held: slot.heldMs / coveredMs,
  };
}

export function PeriodChoice(props: { readonly period: Period; onPeriod(next: Period): void }) {
  const words = useWords().past;
  return (
    <fieldset class="periods" aria-label={words.label}>
      {periods.map((one) => (
        <button
          key={one}
          type="button"
          aria-pressed={one === props.period}
          onClick={() => props.onPeriod(one)}
        >
          {words[one]}
        </button>
      ))}
    </fieldset>
  );
}
