// Figures of the past in the database: each slot that is put is added to those it lies in at every length,
// so that nothing has to be rolled up later, and no write is longer than another.
import {
  slotBegin,
  type TrendFigures,
  type TrendResolution,
  type TrendSlot,
  trendFields,
  trendLengths,
  trendPeaks,
  trendSums,
} from "../base/trend-slot.js";
import { trends as limits } from "../limits/web.js";
import { type Answer, answer } from "./port.js";
import { integer, type Row } from "./sqlite-connection.js";
import type { Opened } from "./sqlite-open.js";

const kept: Readonly<Record<TrendResolution, number>> = {
  "10s": limits.tenSecondsMax,
  "5m": limits.fiveMinutesMax,
  "1h": limits.hoursMax,
  "1d": limits.daysMax,
};

const columnOf = (name: string) => name.replaceAll(/[A-Z]/g, (one) => `_${one.toLowerCase()}`);
const columns = trendFields.map(columnOf);

const put = `INSERT INTO trends (length, at, ${columns.join(", ")})
  VALUES (?, ?, ${columns.map(() => "?").join(", ")})
  ON CONFLICT (length, at) DO UPDATE SET ${[
    ...trendSums.map(columnOf).map((one) => `${one} = ${one} + excluded.${one}`),
    ...trendPeaks.map(columnOf).map((one) => `${one} = max(${one}, excluded.${one})`),
  ].join(", ")}`;

// By their number, not by their age: a clock that was wrong for a while must not empty the table. First go
// those after the newest one put: of a clock that ran ahead, they would take the place of all to come.
const drop = `DELETE FROM trends WHERE length = ?1 AND at IN
  (SELECT at FROM trends WHERE length = ?1 ORDER BY at > ?3, at DESC LIMIT -1 OFFSET ?2)`;

/** Adds to what is there. A number that SQLite's or JavaScript's integers don't hold is the greatest that do. */
export function putTrends(
  { connection }: Opened,
  { slots }: { slots: readonly TrendSlot[] },
): Answer<void> {
  for (const slot of slots) {
    const values = trendFields.map((name) => Math.min(slot[name], Number.MAX_SAFE_INTEGER));
    for (const length of Object.values(trendLengths)) {
      connection.run(put, length, slotBegin(slot.at, length), ...values);
    }
  }
  const newest = slots.reduce((latest, { at }) => Math.max(latest, at), Number.MIN_SAFE_INTEGER);
  for (const [name, length] of Object.entries(trendLengths)) {
    connection.run(drop, length, kept[name as TrendResolution], newest);
  }
  return answer(undefined);
}

/** Those that begin from `from` on and before `to`, the oldest first; the newest of them at most. */
export function listTrends(
  { connection }: Opened,
  { resolution, from, to }: { resolution: TrendResolution; from: number; to: number },
): Answer<readonly TrendSlot[]> {
  const rows = connection.rows(
    `SELECT at, ${columns.join(", ")} FROM trends WHERE length = ? AND at >= ? AND at < ?
     ORDER BY at DESC LIMIT ?`,
    trendLengths[resolution],
    from,
    to,
    limits.answerMax,
  );
  return answer(rows.map(read).reverse());
}

function read(row: Row): TrendSlot {
  const figures = trendFields.map((name, at) => [name, integer(row[columns[at] ?? ""])] as const);
  return { at: integer(row.at), ...(Object.fromEntries(figures) as TrendFigures) };
}
