// An incident as a bulletin: what stands in it is the incident's own report, kept with each revision of
// what was said. The words are in `words-*.ts`, so that it can be told in any language at any time.
import type { Severity } from "../../base/severity.js";
import { bulletin as limits } from "../../limits/bulletin.js";
import { type IncidentReport, lostSessions } from "../guard/incident-report.js";

/** Why a bulletin was published or said something new. */
export type RevisionCause = "begins" | "severity" | "blocked" | "ends";

export type Revision = {
  /** From 1 on, without gaps but where the middle of a long history was forgotten. */
  readonly number: number;
  /** Unix ms. */
  readonly at: number;
  readonly cause: RevisionCause;
  readonly severity: Severity;
  /** Refused until then. */
  readonly refused: number;
};

export type Bulletin = {
  /** The incident's. */
  readonly number: number;
  /** Of the server that saw it. */
  readonly version: string;
  readonly report: IncidentReport;
  /** Oldest first; at least one. */
  readonly revisions: readonly Revision[];
};

/** The main process busy for so much of one processor is an effect, though nobody lost a session. */
const busyPercent = 80;

/** By what it did here, not by how much came. */
export function severityOf(report: IncidentReport): Severity {
  const { sessionsEnded, processorPercent, refused } = report;
  if ((sessionsEnded["worker-lost"] ?? 0) + (sessionsEnded["internal-error"] ?? 0) > 0) {
    return "critical";
  }
  if (lostSessions(report) > 0) return "high";
  if (processorPercent >= busyPercent || mainKindOf(report) === "log-ins") return "medium";
  return refused > 0 ? "low" : "info";
}

/**
 * The bulletin after another report of its incident; the same one, with fresher figures, where there is
 * nothing new to say. `before` is of the same number, or undefined.
 */
export function revised(
  before: Bulletin | undefined,
  report: IncidentReport,
  version: string,
): Bulletin {
  const severity = severityOf(report);
  const next = (cause: RevisionCause, number: number): Revision => {
    return { number, at: report.seenAt, cause, severity, refused: report.refused };
  };
  const { number } = report;
  const last = before?.revisions.at(-1);
  if (before === undefined || last === undefined) {
    const first = next("begins", 1);
    const whole = report.ending === null ? [first] : [first, next("ends", 2)];
    return { number, version, report, revisions: whole };
  }
  const cause = newsOf(before.report, last, report, severity);
  if (cause === undefined) return { ...before, report };
  const revisions = [...before.revisions, next(cause, last.number + 1)];
  if (revisions.length > limits.revisionsMax) revisions.splice(1, 1);
  return { ...before, report, revisions };
}

function newsOf(
  before: IncidentReport,
  last: Revision,
  report: IncidentReport,
  severity: Severity,
): RevisionCause | undefined {
  if (report.ending !== null) return before.ending === null ? "ends" : undefined;
  if (severity !== last.severity) return "severity";
  return blocksOf(before) === 0 && blocksOf(report) > 0 ? "blocked" : undefined;
}

export function blocksOf({ blocked, blockedMore }: IncidentReport): number {
  return blocked.length + blockedMore;
}

/** What sort of stream it is, by what was refused most. */
export const kinds = [
  ...(["gre-malformed", "gre-no-call", "in-call", "control", "negotiation"] as const),
  ...(["log-ins", "too-many", "other"] as const),
] as const;
export type Kind = (typeof kinds)[number];

/** Patterns of the reasons that `daemon/unwanted` counts, in this order. */
const reasonKinds: readonly (readonly [RegExp, Kind])[] = [
  [/^(data (outer-ip|gre-)|malformed GRE)/, "gre-malformed"],
  [/^data unknown-call$/, "gre-no-call"],
  [/^data (login-rate|answer-rate)$/, "too-many"],
  [/^data /, "in-call"],
  [/^(failed|held) log-in/, "log-ins"],
  [/^authentication-/, "log-ins"],
  [/^malformed /, "control"],
  [/^[A-Za-z]+ (in [A-Za-z_]+( [a-z_]+)?|of no call)$/, "control"],
  [/^EchoRP unasked$/, "control"],
  [/^(malformed-|oversized-|unknown-|echo-|packets-per|phase-|reset-)/, "negotiation"],
  [/^(shed|blocked|held|stranger|deadline|connections-max|sessions-max|output bound)/, "too-many"],
  [/rate$/, "too-many"],
];

export function kindOf(reason: string): Kind {
  return reasonKinds.find(([pattern]) => pattern.test(reason))?.[1] ?? "other";
}

/** How much of each kind was refused, the most first. */
export function kindsOf({ reasons }: IncidentReport): [Kind, number][] {
  const sums = new Map<Kind, number>();
  for (const [reason, count] of Object.entries(reasons)) {
    const kind = kindOf(reason);
    sums.set(kind, (sums.get(kind) ?? 0) + count);
  }
  return [...sums].sort(([, a], [, b]) => b - a);
}

export function mainKindOf(report: IncidentReport): Kind {
  return kindsOf(report)[0]?.[0] ?? "other";
}
