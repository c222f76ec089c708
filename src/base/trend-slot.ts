// What is kept of a server's past: figures by slots of time, ever coarser and kept ever longer. What is
// summed and what is a peak is said here once; table, roll-up and API all come from these lists.

/** Added up over a slot. `…Ms` of a gauge is the gauge times milliseconds: divided by `coveredMs`, its mean. */
export const trendSums = [
  "coveredMs",
  "sessionMs",
  "heldMs",
  "incidentMs",
  "processorMs",
  "workersMs",
  "logIns",
  "refusals",
  "receivedOctets",
  "sentOctets",
  "receivedPackets",
  "sentPackets",
  "refused",
] as const;

/** The greatest of a slot; `PerSecond` between two moments. */
export const trendPeaks = [
  "sessionsMax",
  "connectionsMax",
  "heldMax",
  "blocksMax",
  "residentOctetsMax",
  "workersOctetsMax",
  "lateMsMax",
  "receivedPerSecondMax",
  "sentPerSecondMax",
  "refusedPerSecondMax",
] as const;

export const trendFields = [...trendSums, ...trendPeaks] as const;

export type TrendSum = (typeof trendSums)[number];
export type TrendPeak = (typeof trendPeaks)[number];
export type TrendFigures = Readonly<Record<TrendSum | TrendPeak, number>>;

/** `at`: its begin, Unix ms, a multiple of its length. */
export type TrendSlot = TrendFigures & { readonly at: number };

/** Lengths of slots, ms: the finest first, each a multiple of the one before. */
export const trendLengths = { "10s": 10_000, "5m": 300_000, "1h": 3_600_000, "1d": 86_400_000 };
export type TrendResolution = keyof typeof trendLengths;

/** The begin of the slot that `at` lies in. */
export function slotBegin(at: number, lengthMs: number): number {
  return Math.floor(at / lengthMs) * lengthMs;
}

/** Two of one time as one. */
export function joinedFigures(a: TrendFigures, b: TrendFigures): TrendFigures {
  const sums = trendSums.map((name) => [name, a[name] + b[name]] as const);
  const peaks = trendPeaks.map((name) => [name, Math.max(a[name], b[name])] as const);
  return Object.fromEntries([...sums, ...peaks]) as TrendFigures;
}

/**
 * `figures` of the time from `from` to `to` (Unix ms), over the finest slots it lies in, by time: what is
 * summed is in them again to the last one, each is no part of two, and peaks are in all. A time that ends
 * before it begins, or lies in more than `slotsMax`, is that of its end.
 */
export function spread(
  figures: TrendFigures,
  from: number,
  to: number,
  slotsMax: number,
): readonly TrendSlot[] {
  const length = trendLengths["10s"];
  const last = slotBegin(to, length);
  const first = slotBegin(from, length);
  if (to <= from || (last - first) / length >= slotsMax) return [{ ...figures, at: last }];
  const slots: TrendSlot[] = [];
  for (let at = first; at <= last; at += length) {
    if (at === to) break;
    const [begin, end] = [Math.max(at, from), Math.min(at + length, to)];
    // Of each sum what is due by the end less what was by the begin: nothing is lost by rounding.
    const due = (sum: number, until: number) =>
      until === to ? sum : Math.min(sum, Math.floor((sum / (to - from)) * (until - from)));
    const sums = trendSums.map((name) => {
      return [name, due(figures[name], end) - due(figures[name], begin)] as const;
    });
    slots.push({ ...figures, ...(Object.fromEntries(sums) as Record<TrendSum, number>), at });
  }
  return slots;
}
