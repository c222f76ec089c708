// The shape of a bulletin's words: one file a language, each complete by type.
import type { FindingId } from "./bulletin.js";
import type { CaseName, Encryption, Facts, NotSeen } from "./facts.js";

export type Words = {
  readonly title: string;
  readonly labels: Readonly<Record<Label, string>>;
  readonly notSeen: Readonly<Record<NotSeen, string>>;
  readonly noStrengths: Readonly<Record<Exclude<Encryption, { seen: true }>["why"], string>>;
  readonly startFailure: Readonly<Record<NonNullable<Facts["startFailure"]>, string>>;
  readonly cases: Readonly<Record<CaseName, string>>;
  readonly outcomes: Readonly<Record<Facts["conformance"][number]["outcome"], string>>;
  readonly answers: Readonly<Record<"accepted" | "refused" | "unanswered", string>>;
  readonly findings: Readonly<Record<FindingId, FindingWords>>;
};

export type FindingWords = {
  readonly behaviour: string;
  readonly evidence: (facts: Facts) => string;
  readonly remedy: string;
};

export const labels = [
  "server",
  "at",
  "startReply",
  "hostName",
  "vendor",
  "firmware",
  "version",
  "capabilities",
  "channels",
  "result",
  "call",
  "window",
  "connect",
  "restart",
  "keepAlive",
  "slow",
  "mru",
  "offered",
  "refused",
  "unknown",
  "none",
  "encryption",
  "conformance",
  "silence",
  "closedAfter",
  "stillOpen",
  "findings",
  "noFindings",
  "evidence",
  "remedy",
  "facts",
  "methods",
] as const;
export type Label = (typeof labels)[number];

/** `SCCRP hostName="…"`: the same in every language. */
export function startEvidence({ start }: Facts): string {
  if (start === undefined) return "";
  const { hostName, vendorString, firmwareRevision } = start;
  return `SCCRP Host Name "${hostName}", Vendor String "${vendorString}", Firmware Revision ${firmwareRevision}`;
}

export function callIdEvidence({ callIds }: Facts): string {
  return `OCRP Call ID: ${callIds.join(", ")}`;
}
