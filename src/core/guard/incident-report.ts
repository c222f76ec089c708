// What is kept and shown of an incident: plain values. Times are Unix ms.
import type { Totals } from "./incidents.js";

export type ReportedSource = {
  readonly address: string;
  /** Proven by a TCP handshake: at least so many. Else an estimate from a sample. */
  readonly count: number;
  readonly mayBeForged: boolean;
};

export type IncidentReport = {
  readonly number: number;
  readonly begin: number;
  /** When the last of it came. Null while it lasts. */
  readonly end: number | null;
  /** `server-stopped`, `server-lost`: it was not over when the server was stopped, or killed. */
  readonly ending: "quiet" | "server-stopped" | "server-lost" | null;
  /** When these figures were taken. */
  readonly seenAt: number;
  /** It is one because more than so much was refused in a second. */
  readonly overPerSecond: number;
  readonly perSecond: number;
  readonly peakPerSecond: number;
  readonly refused: number;
  readonly reasons: Totals;
  /** Those that stand out, the most first, proven ones before others. */
  readonly sources: readonly ReportedSource[];
  /** `not-sampled`: the kernel's filter is not the one that can say where GRE came from. */
  readonly greSources: "sampled" | "not-sampled";
  /** Sessions that were logged in. */
  readonly sessionsAtBegin: number;
  /** Of them and of later ones: how many ended meanwhile, by cause. */
  readonly sessionsEnded: Totals;
  readonly logIns: number;
  readonly logInsRefused: number;
  /** Of one processor, by the main process, since it began: in percent. */
  readonly processorPercent: number;
  /** Blocked meanwhile, the newest last. */
  readonly blocked: readonly { readonly address: string; readonly reason: string }[];
  readonly blockedMore: number;
  /** What the kernel dropped meanwhile of sources that are blocked. */
  readonly dropped: { readonly connections: number; readonly gre: number };
};

/** Ends of a session that neither its user nor its administrator wished, nor a limit set for it. */
const losses: readonly string[] = [
  "control-closed",
  "control-malformed",
  "control-timeout",
  "lcp-timeout",
  "lcp-failed",
  "loopback",
  "phase-timeout",
  "negotiation-limit",
  "echo-timeout",
  "worker-lost",
  "refused",
  "internal-error",
];

export function lostSessions({ sessionsEnded }: Pick<IncidentReport, "sessionsEnded">): number {
  const lost = Object.entries(sessionsEnded).filter(([cause]) => losses.includes(cause));
  return lost.reduce((sum, [, count]) => sum + count, 0);
}
