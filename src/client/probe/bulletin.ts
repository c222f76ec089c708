// From what was seen to what it means: findings, the worst first. Pure; the words are in `words-*.ts`.
import { type Severity, severities } from "../../base/severity.js";
import type { CaseName, Facts, Method, Methods } from "./facts.js";

/** What each finding is worth; a server has those that `has` says it has. */
const catalogue = {
  "no-authentication": { severity: "critical", has: (f) => walked(f)?.none === true },
  pap: { severity: "high", has: (f) => offers(f, "pap") },
  "ms-chap-v1": { severity: "high", has: (f) => offers(f, "ms-chap-v1") },
  "chap-md5": { severity: "high", has: (f) => offers(f, "chap-md5") },
  "mppe-none": { severity: "high", has: (f) => strengths(f)?.length === 0 },
  "mppe-40": { severity: "high", has: (f) => takes(f, 40) },
  "mppe-56": { severity: "high", has: (f) => takes(f, 56) },
  "ms-chap-v2": { severity: "medium", has: (f) => offers(f, "ms-chap-v2") },
  "short-length": { severity: "medium", has: (f) => answers(f, "ocrq-short", "OCRP/1") },
  deaf: { severity: "medium", has: (f) => f.conformance.some((c) => c.outcome === "silent") },
  "no-gre": { severity: "medium", has: (f) => f.methods === "no-gre" },
  "never-answers": { severity: "medium", has: (f) => f.startFailure === "silent" },
  "not-pptp": { severity: "medium", has: (f) => f.startFailure === "not-pptp" },
  "closes-at-start": { severity: "medium", has: (f) => f.startFailure === "closed" },
  "start-refused": {
    severity: "info",
    has: (f) => f.start !== undefined && f.start.resultCode !== 1,
  },
  "no-call": { severity: "info", has: (f) => f.methods === "no-call" },
  "mppe-stateful": {
    severity: "low",
    has: (f) => strengths(f)?.some(({ stateless }) => !stateless) === true,
  },
  "start-twice": { severity: "low", has: (f) => answers(f, "sccrq-again", "SCCRP/1") },
  "clear-closes": { severity: "low", has: (f) => closes(f, "ccrq-no-call") },
  "silent-connection": {
    severity: "low",
    has: (f) => f.start !== undefined && f.silenceClosedMs === undefined,
  },
  "call-ids": { severity: "low", has: ({ callIds }) => predictable(callIds) },
  "names-itself": { severity: "info", has: ({ start }) => start !== undefined && named(start) },
} as const satisfies Record<string, { severity: Severity; has: (facts: Facts) => boolean }>;

export type FindingId = keyof typeof catalogue;
export const findingIds = Object.keys(catalogue) as readonly FindingId[];
export type Finding = { readonly id: FindingId; readonly severity: Severity };

export function findings(facts: Facts): Finding[] {
  return findingIds
    .filter((id) => catalogue[id].has(facts))
    .map((id) => ({ id, severity: catalogue[id].severity }))
    .sort((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity));
}

function walked({ methods }: Facts): Methods | undefined {
  return typeof methods === "string" ? undefined : methods;
}

function offers(facts: Facts, method: Method): boolean {
  return walked(facts)?.offered.includes(method) === true;
}

function strengths({ encryption }: Facts) {
  if (!encryption.seen) return undefined;
  return encryption.strengths.filter(({ answer }) => answer === "accepted");
}

function takes(facts: Facts, bits: number): boolean {
  return strengths(facts)?.some((one) => one.bits === bits) === true;
}

function answers(facts: Facts, name: CaseName, answer: string): boolean {
  return facts.conformance.some((one) => one.name === name && one.answer === answer);
}

function closes(facts: Facts, name: CaseName): boolean {
  return facts.conformance.some((one) => one.name === name && one.outcome === "closed");
}

/** The same step from each to the next, none included. */
function predictable(callIds: readonly number[]): boolean {
  if (callIds.length < 3) return false;
  const steps = callIds.slice(1).map((callId, at) => (callId - callIds[at]! + 0x1_0000) % 0x1_0000);
  return new Set(steps).size === 1;
}

/** Words that any server may use. */
const NEUTRAL = ["", "pptp", "vpn", "local", "localhost"];

function named({ hostName, vendorString, firmwareRevision }: NonNullable<Facts["start"]>): boolean {
  const neutral = NEUTRAL.includes(hostName) && NEUTRAL.includes(vendorString);
  return !neutral || firmwareRevision > 1;
}
