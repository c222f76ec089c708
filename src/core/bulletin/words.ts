// The shape of a bulletin's words: one file a language, each complete by type. Whatever comes from
// outside is printable before it gets here; times are text.
import type { IncidentReport } from "../guard/incident-report.js";
import type { Kind, RevisionCause } from "./bulletin.js";

/** Parts of a bulletin, in the order in which they are read. */
export const sectionNames = [
  ...(["summary", "affected", "notAffected", "notKnown", "effect"] as const),
  ...(["mitigating", "done", "toDo"] as const),
] as const;
export type SectionName = (typeof sectionNames)[number];

export type Product = "windows-nt-4" | "windows-2000" | "pptpd";

export type Question = { readonly question: string; readonly answer: string };

export type Words = {
  readonly title: (kind: Kind, goesOn: boolean) => string;
  readonly headings: Readonly<Record<SectionName | "questions" | "revisions", string>>;
  readonly labels: Readonly<
    Record<"bulletin" | "severity" | "published" | "updated" | "revision" | "state", string>
  >;
  readonly state: Readonly<Record<NonNullable<IncidentReport["ending"]> | "open", string>>;
  /** What such a stream is, whoever sends it. */
  readonly about: Readonly<Record<Kind, string>>;
  readonly products: Readonly<Record<Product, string>>;
  readonly summary: {
    readonly when: (begin: string, end: string | undefined) => string;
    readonly amount: (refused: string, peak: string, over: string) => string;
  };
  readonly here: {
    readonly unharmed: (version: string) => string;
    readonly harmed: (version: string, lost: string) => string;
    readonly harmedNotKnown: (version: string) => string;
    readonly alike: string;
  };
  readonly effect: {
    readonly sessions: (atBegin: string, lost: string, others: string) => string;
    readonly logIns: (succeeded: string, refused: string) => string;
    readonly processor: (percent: string) => string;
    readonly causes: (list: string) => string;
  };
  readonly mitigating: {
    readonly givenBack: string;
    readonly kernelFilter: string;
    readonly kernelDropped: (connections: string, gre: string) => string;
    readonly heldLogIns: string;
  };
  readonly done: {
    readonly refused: (count: string, reason: string) => string;
    readonly blocked: (address: string, reason: string) => string;
    readonly more: (count: string) => string;
    readonly nothingBlocked: string;
  };
  readonly toDo: {
    readonly nothing: string;
    readonly proven: (address: string, count: string) => string;
    readonly forged: (address: string, count: string) => string;
    readonly notSampled: string;
    readonly lost: (number: string) => string;
    readonly logIns: string;
    readonly busy: string;
  };
  readonly questions: {
    readonly sources: Question;
    readonly restart: Question;
    readonly ms01009: Question;
    readonly password: (succeeded: string) => Question;
    readonly inCall: Question;
    readonly noCall: Question;
  };
  readonly revisions: Readonly<
    Record<RevisionCause, (refused: string, severity: string) => string>
  >;
};
