// A bulletin as text, JSON and HTML. The server's strings were made printable when they were read;
// HTML quotes them once more.
import { page, quoted } from "../../base/html.js";
import { type Language, type Severity, severityNames } from "../../base/severity.js";
import { type FindingId, findings } from "./bulletin.js";
import type { Facts, Method } from "./facts.js";
import type { Words } from "./words.js";
import { english } from "./words-en.js";
import { japanese } from "./words-ja.js";

const wordsOf: Readonly<Record<Language, Words>> = { en: english, ja: japanese };

export type Bulletin = {
  readonly version: 1;
  readonly language: Language;
  /** ISO 8601. */
  readonly at: string;
  readonly facts: Facts;
  readonly findings: readonly {
    readonly id: FindingId;
    readonly severity: Severity;
    readonly behaviour: string;
    readonly evidence: string;
    readonly remedy: string;
  }[];
};

export function bulletin(facts: Facts, at: string, language: Language): Bulletin {
  const words = wordsOf[language];
  const told = findings(facts).map(({ id, severity }) => {
    const { behaviour, evidence, remedy } = words.findings[id];
    return { id, severity, behaviour, evidence: evidence(facts), remedy };
  });
  return { version: 1, language, at, facts, findings: told };
}

type Row = readonly [label: string, value: string];

const METHOD_NAMES: Readonly<Record<Method, string>> = {
  pap: "PAP",
  "chap-md5": "CHAP-MD5",
  "ms-chap-v1": "MS-CHAPv1",
  "ms-chap-v2": "MS-CHAPv2",
  eap: "EAP",
};

const ms = (value: number) => `${value} ms`;

function startRows({ start, startFailure }: Facts, { labels, startFailure: failures }: Words) {
  if (start === undefined) {
    return [[labels.startReply, startFailure ? failures[startFailure] : ""]] satisfies Row[];
  }
  const version = `${start.protocolVersion >>> 8}.${start.protocolVersion & 255}`;
  return [
    [labels.startReply, ms(start.replyMs)],
    [labels.result, `${start.resultCode}, ${start.errorCode}`],
    [labels.hostName, `"${start.hostName}"`],
    [labels.vendor, `"${start.vendorString}"`],
    [labels.firmware, String(start.firmwareRevision)],
    [labels.version, version],
    [labels.capabilities, `${start.framingCapabilities}, ${start.bearerCapabilities}`],
    [labels.channels, String(start.maximumChannels)],
  ] satisfies Row[];
}

function callRows({ call, lcp }: Facts, { labels }: Words): Row[] {
  const rows: Row[] = [];
  if (call !== undefined) {
    const { replyMs, resultCode, errorCode } = call;
    rows.push([labels.call, `${ms(replyMs)}, ${labels.result} ${resultCode}, ${errorCode}`]);
    rows.push([labels.window, `${call.packetRecvWindowSize}, ${call.packetProcessingDelay}`]);
  }
  if (lcp?.restartMs !== undefined) rows.push([labels.restart, ms(lcp.restartMs)]);
  if (call !== undefined) rows.push([labels.keepAlive, labels.slow]);
  if (lcp?.mru !== undefined) rows.push([labels.mru, String(lcp.mru)]);
  return rows;
}

function methodRows({ methods }: Facts, { labels, notSeen }: Words): Row[] {
  if (typeof methods === "string") return [[labels.methods, notSeen[methods]]];
  if (methods.none) return [[labels.methods, labels.none]];
  return (["offered", "refused", "unknown"] as const)
    .filter((kind) => methods[kind].length > 0)
    .map((kind) => [
      `${labels.methods}: ${labels[kind]}`,
      methods[kind].map((one) => METHOD_NAMES[one]).join(", "),
    ]);
}

function encryptionRows({ encryption }: Facts, words: Words): Row[] {
  const { labels, noStrengths, answers } = words;
  if (!encryption.seen) return [[labels.encryption, noStrengths[encryption.why]]];
  return encryption.strengths.map(({ bits, stateless, answer, instead }) => {
    const offered = instead.map((one) => `${one.bits}${one.stateless ? "" : " stateful"}`);
    const nak = offered.length > 0 ? ` (Nak: ${offered.join(", ")})` : "";
    const mode = stateless ? "stateless" : "stateful";
    return [`${labels.encryption}: MPPE-${bits} ${mode}`, answers[answer] + nak];
  });
}

function conformanceRows(facts: Facts, { labels, cases, outcomes }: Words): Row[] {
  const rows: Row[] = facts.conformance.map(({ name, outcome, answer }) => [
    cases[name],
    answer === undefined ? outcomes[outcome] : `${answer}, ${outcomes[outcome]}`,
  ]);
  if (facts.start === undefined) return rows;
  const closed = facts.silenceClosedMs;
  const silence = closed === undefined ? labels.stillOpen : `${labels.closedAfter} ${ms(closed)}`;
  return [...rows, [labels.silence, silence]];
}

/** Everything that was seen, as label and value. */
function rows(facts: Facts, words: Words): Row[] {
  return [
    [words.labels.connect, ms(facts.connectMs)],
    ...startRows(facts, words),
    ...callRows(facts, words),
    ...methodRows(facts, words),
    ...encryptionRows(facts, words),
    ...conformanceRows(facts, words),
  ];
}

function heading({ facts }: Bulletin): string {
  const { server, address, port } = facts;
  return server === address ? `${address}:${port}` : `${server} (${address}:${port})`;
}

export function bulletinText(made: Bulletin): string {
  const words = wordsOf[made.language];
  const { labels } = words;
  const severity = severityNames[made.language];
  const lines = [words.title, `${labels.server}: ${heading(made)}`, `${labels.at}: ${made.at}`, ""];
  lines.push(`## ${labels.findings}`, "");
  for (const one of made.findings) {
    lines.push(`[${severity[one.severity]}] ${one.behaviour}`);
    lines.push(
      `    ${labels.evidence}: ${one.evidence}`,
      `    ${labels.remedy}: ${one.remedy}`,
      "",
    );
  }
  if (made.findings.length === 0) lines.push(labels.noFindings, "");
  lines.push(`## ${labels.facts}`, "");
  for (const [label, value] of rows(made.facts, words)) lines.push(`${label}: ${value}`);
  return `${lines.join("\n")}\n`;
}

const STYLE =
  "body{font:16px/1.5 sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem}" +
  "table{border-collapse:collapse}th,td{text-align:left;vertical-align:top;padding:.2rem .8rem .2rem 0}" +
  "h3{margin-bottom:0}dl{margin-top:.2rem}dt{font-weight:bold}";

/** One file, no script, nothing fetched. */
export function bulletinHtml(made: Bulletin): string {
  const words = wordsOf[made.language];
  const { labels } = words;
  const severity = severityNames[made.language];
  const found = made.findings.map(
    (one) => `<section><h3>[${quoted(severity[one.severity])}] ${quoted(one.behaviour)}</h3>
<dl><dt>${quoted(labels.evidence)}</dt><dd>${quoted(one.evidence)}</dd>
<dt>${quoted(labels.remedy)}</dt><dd>${quoted(one.remedy)}</dd></dl></section>`,
  );
  const seen = rows(made.facts, words).map(
    ([label, value]) => `<tr><th>${quoted(label)}</th><td>${quoted(value)}</td></tr>`,
  );
  const title = `${words.title}: ${heading(made)}`;
  const body = `<h1>${quoted(title)}</h1><p>${quoted(labels.at)}: <time>${quoted(made.at)}</time></p>
<h2>${quoted(labels.findings)}</h2>
${found.length > 0 ? found.join("\n") : `<p>${quoted(labels.noFindings)}</p>`}
<h2>${quoted(labels.facts)}</h2>
<table>${seen.join("\n")}</table>`;
  return page({ language: made.language, title, style: STYLE, body });
}
