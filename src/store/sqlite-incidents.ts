// Incidents in the database.
import type { IncidentReport } from "../core/guard/incident-report.js";
import { incident as limits, store } from "../limits.js";
import { type Answer, answer, type UsualRate } from "./port.js";
import { integer, text } from "./sqlite-connection.js";
import type { Opened } from "./sqlite-open.js";

export function listIncidents(
  { connection }: Opened,
  { before, most }: { before?: number; most?: number },
): Answer<readonly IncidentReport[]> {
  const rows = connection.rows(
    "SELECT report FROM incidents WHERE number < ? ORDER BY number DESC LIMIT ?",
    before ?? Number.MAX_SAFE_INTEGER,
    Math.min(most ?? store.pageMax, store.pageMax),
  );
  return answer(rows.map(({ report }) => read(text(report))));
}

export function findIncident(
  { connection }: Opened,
  { number }: { number: number },
): Answer<IncidentReport | undefined> {
  const row = connection.row("SELECT report FROM incidents WHERE number = ?", number);
  return answer(row && read(text(row.report)));
}

/** In place of what is there of it; the oldest beyond what is kept go. */
export function putIncident(
  { connection }: Opened,
  { report }: { report: IncidentReport },
): Answer<void> {
  connection.run(
    "INSERT OR REPLACE INTO incidents (number, open, report) VALUES (?, ?, ?)",
    report.number,
    report.end === null ? 1 : 0,
    JSON.stringify(report),
  );
  connection.run(
    "DELETE FROM incidents WHERE number NOT IN (SELECT number FROM incidents ORDER BY number DESC LIMIT ?)",
    limits.keptMax,
  );
  return answer(undefined);
}

/** Those of a run that was killed: they ended, as far as is known, when they were last written. */
export function endOrphanIncidents({ connection }: Opened): Answer<number> {
  const { changes } = connection.run(
    `UPDATE incidents SET open = 0, report = json_set(report, '$.ending', 'server-lost',
       '$.end', json_extract(report, '$.seenAt')) WHERE open = 1`,
  );
  return answer(changes);
}

export function listUsualRates(
  { connection }: Opened,
  { after, until }: { after: number; until: number },
): Answer<readonly UsualRate[]> {
  const rows = connection.rows(
    `SELECT at, per_thousand_seconds FROM usual_rates WHERE at > ? AND at <= ?
       ORDER BY at DESC LIMIT ?`,
    after,
    until,
    limits.bucketsMax,
  );
  const rates = rows.map(({ at, per_thousand_seconds }) => ({
    at: integer(at),
    perSecond: integer(per_thousand_seconds) / 1_000,
  }));
  return answer(rates.reverse());
}

export function putUsualRate(
  { connection }: Opened,
  { rate: { at, perSecond } }: { rate: UsualRate },
): Answer<void> {
  connection.run(
    "INSERT OR REPLACE INTO usual_rates (at, per_thousand_seconds) VALUES (?, ?)",
    Math.round(at),
    Math.round(perSecond * 1_000),
  );
  // Those of a clock that was ahead, too: they would be the newest for as long as it was.
  connection.run(
    `DELETE FROM usual_rates WHERE at > ? OR at NOT IN
       (SELECT at FROM usual_rates WHERE at <= ? ORDER BY at DESC LIMIT ?)`,
    Math.round(at),
    Math.round(at),
    limits.bucketsMax,
  );
  return answer(undefined);
}

/** Only we write it. */
function read(report: string): IncidentReport {
  return JSON.parse(report) as IncidentReport;
}
