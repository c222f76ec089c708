// A bulletin in a language: headings and sentences, ready to be shown in any form.
import { printable } from "../../base/printable.js";
import { type Language, type Severity, severityNames } from "../../base/severity.js";
import { bulletin as limits } from "../../limits/bulletin.js";
import { type IncidentReport, lostSessions } from "../guard/incident-report.js";
import { type Bulletin, blocksOf, type Kind, kindsOf, mainKindOf, severityOf } from "./bulletin.js";
import {
  type Product,
  type Question,
  type SectionName,
  sectionNames,
  type Words,
} from "./words.js";
import { english } from "./words-en.js";
import { japanese } from "./words-ja.js";

export const wordsOf: Readonly<Record<Language, Words>> = { en: english, ja: japanese };

export type ToldHead = {
  readonly number: number;
  readonly language: Language;
  readonly severity: Severity;
  readonly severityName: string;
  readonly title: string;
  /** Unix ms. */
  readonly published: number;
  readonly updated: number;
  readonly goesOn: boolean;
  readonly state: string;
  /** Number of the newest. */
  readonly revision: number;
};

export type Told = ToldHead & {
  /** One sentence or item a line; a section without any is left out. */
  readonly sections: readonly {
    readonly name: SectionName;
    readonly heading: string;
    readonly lines: readonly string[];
  }[];
  readonly questions: { readonly heading: string; readonly items: readonly Question[] };
  readonly revisions: {
    readonly heading: string;
    readonly items: readonly {
      readonly number: number;
      readonly at: number;
      readonly text: string;
    }[];
  };
};

/** Unix ms as people of any language read it. */
export type Moment = (unixMs: number) => string;

export function headOf({ number, report, revisions }: Bulletin, language: Language): ToldHead {
  const words = wordsOf[language];
  const severity = severityOf(report);
  return {
    ...{ number, language, severity },
    severityName: severityNames[language][severity],
    title: words.title(mainKindOf(report), report.ending === null),
    published: revisions[0]?.at ?? report.begin,
    updated: report.seenAt,
    goesOn: report.ending === null,
    state: words.state[report.ending ?? "open"],
    revision: revisions.at(-1)?.number ?? 1,
  };
}

export function told(bulletin: Bulletin, language: Language, moment: Moment): Told {
  const words = wordsOf[language];
  const { report, revisions } = bulletin;
  const lines: Readonly<Record<SectionName, readonly string[]>> = {
    summary: summary(report, words, moment),
    ...products(bulletin, words),
    effect: effect(report, words),
    mitigating: mitigating(report, words),
    done: done(report, words),
    toDo: toDo(report, words),
  };
  return {
    ...headOf(bulletin, language),
    sections: sectionNames
      .filter((name) => lines[name].length > 0)
      .map((name) => ({ name, heading: words.headings[name], lines: lines[name] })),
    questions: { heading: words.headings.questions, items: questions(report, words) },
    revisions: {
      heading: words.headings.revisions,
      items: revisions.map(({ number, at, cause, severity, refused }) => ({
        ...{ number, at },
        text: words.revisions[cause](amount(refused), severityNames[language][severity]),
      })),
    },
  };
}

/** 1234567 as 1,234,567: both languages write it so. */
function amount(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ",");
}

function summary(report: IncidentReport, words: Words, moment: Moment): string[] {
  const { begin, end, ending, refused, peakPerSecond, overPerSecond } = report;
  const until = ending === null || end === null ? undefined : moment(end);
  return [
    words.summary.when(moment(begin), until),
    words.summary.amount(amount(refused), amount(peakPerSecond), amount(overPerSecond)),
    words.about[mainKindOf(report)],
  ];
}

/** Streams of the kind that MS01-009 is about. */
const likeMs01009: readonly Kind[] = ["gre-malformed", "control"];

/** Of other products nothing is said that is not published; of ours, what was seen here. */
function products({ report, version }: Bulletin, { here, products: named }: Words) {
  const lost = lostSessions(report);
  const shown = printable(version);
  const alike = likeMs01009.includes(mainKindOf(report));
  const of = (...which: Product[]) => (alike ? which.map((product) => named[product]) : []);
  return {
    affected: [...of("windows-nt-4"), ...(lost > 0 ? [here.harmed(shown, amount(lost))] : [])],
    notAffected: [...(lost > 0 ? [] : [here.unharmed(shown)]), ...of("windows-2000")],
    notKnown: [...(alike ? [named.pptpd] : [here.alike])],
  };
}

function effect(report: IncidentReport, { effect: words }: Words): string[] {
  const ended = sorted(report.sessionsEnded);
  const lost = lostSessions(report);
  const others = ended.reduce((sum, [, count]) => sum + count, 0) - lost;
  const causes = ended.map(([cause, count]) => `${printable(cause)} ${amount(count)}`);
  return [
    words.sessions(amount(report.sessionsAtBegin), amount(lost), amount(others)),
    ...(causes.length > 0 ? [words.causes(causes.join(", "))] : []),
    words.logIns(amount(report.logIns), amount(report.logInsRefused)),
    words.processor(amount(report.processorPercent)),
  ];
}

function mitigating(report: IncidentReport, { mitigating: words }: Words): string[] {
  const { dropped, greSources } = report;
  const kinds = kindsOf(report).map(([kind]) => kind);
  const filtered = kinds.some((kind) => kind === "gre-malformed" || kind === "gre-no-call");
  return [
    words.givenBack,
    // Only the filter that samples sources refuses both sorts for sure.
    ...(filtered && greSources === "sampled" ? [words.kernelFilter] : []),
    ...(kinds.includes("log-ins") ? [words.heldLogIns] : []),
    ...(dropped.connections + dropped.gre > 0
      ? [words.kernelDropped(amount(dropped.connections), amount(dropped.gre))]
      : []),
  ];
}

function done(report: IncidentReport, { done: words }: Words): string[] {
  const reasons = sorted(report.reasons);
  const shown = reasons.slice(0, limits.namedMax);
  const rest = reasons.slice(limits.namedMax).reduce((sum, [, count]) => sum + count, 0);
  const blocked = report.blocked.slice(0, limits.namedMax);
  const more = blocksOf(report) - blocked.length;
  return [
    ...shown.map(([reason, count]) => words.refused(amount(count), printable(reason))),
    ...(rest > 0 ? [words.more(amount(rest))] : []),
    ...blocked.map(({ address, reason }) =>
      words.blocked(printable(address), printable(reason, 128)),
    ),
    ...(more > 0 ? [words.more(amount(more))] : []),
    ...(blocksOf(report) === 0 ? [words.nothingBlocked] : []),
  ];
}

function toDo(report: IncidentReport, { toDo: words }: Words): string[] {
  const { sources, greSources, number } = report;
  const kinds = kindsOf(report).map(([kind]) => kind);
  const ofGre = kinds.some((kind) => kind.startsWith("gre-") || kind === "in-call");
  const severity = severityOf(report);
  const lines = sources.map(({ address, count, mayBeForged }) => {
    return (mayBeForged ? words.forged : words.proven)(printable(address), amount(count));
  });
  if (ofGre && greSources === "not-sampled") lines.push(words.notSampled);
  if (lostSessions(report) > 0) lines.unshift(words.lost(String(number)));
  if (kinds.includes("log-ins")) lines.push(words.logIns);
  if (severity === "medium" && mainKindOf(report) !== "log-ins") lines.push(words.busy);
  const calm = severity === "low" || severity === "info";
  return calm ? [words.nothing, ...lines] : lines;
}

function questions(report: IncidentReport, { questions: words }: Words): Question[] {
  const kinds = kindsOf(report).map(([kind]) => kind);
  return [
    ...(likeMs01009.includes(mainKindOf(report)) ? [words.ms01009] : []),
    ...(kinds.includes("gre-no-call") ? [words.noCall] : []),
    ...(kinds.includes("in-call") ? [words.inCall] : []),
    ...(kinds.includes("log-ins") ? [words.password(amount(report.logIns))] : []),
    words.sources,
    words.restart,
  ];
}

function sorted(counts: Readonly<Record<string, number>>): [string, number][] {
  return Object.entries(counts).sort(([, a], [, b]) => b - a);
}
