// Bulletins of the running server: each report of an incident that is kept makes or revises one, and
// whoever is to be told of news is told once it is kept.
import type { Language } from "../base/severity.js";
import type { BulletinHead, BulletinShown } from "../console/bulletin-contract.js";
import { type Bulletin, type RevisionCause, revised } from "../core/bulletin/bulletin.js";
import { headOf, told } from "../core/bulletin/told.js";
import type { IncidentReport } from "../core/guard/incident-report.js";
import type { Answer, BulletinStore, IncidentStore } from "../store/port.js";

/** `update`: nothing new but its figures, which come once a minute while it lasts. */
export type BulletinNews = RevisionCause | "update";

export type BulletinTerms = {
  readonly store: BulletinStore;
  readonly version: string;
  readonly log: { warn(fields: Record<string, unknown>, line: string): void };
  /** Told of what is new, after it is kept (or could not be). */
  readonly tell: (bulletin: Bulletin, news: BulletinNews) => void;
};

export class Bulletins {
  /** The newest one as it was told, whether it could be kept or not. */
  #last: Bulletin | undefined;

  constructor(readonly terms: BulletinTerms) {}

  /** What an earlier run left going on is said to have ended, once its incident is known to have. */
  async begin(incidents: Pick<IncidentStore, "find">): Promise<void> {
    const { store } = this.terms;
    const kept = await store.list({ most: 1 });
    const last = kept.ok ? kept.value[0] : undefined;
    this.#last = last;
    if (last === undefined || last.report.ending !== null) return;
    const incident = await incidents.find(last.number);
    if (incident.ok && incident.value !== undefined) await this.told(incident.value);
  }

  /** Reports of one incident come one after the other. */
  async told(report: IncidentReport): Promise<void> {
    const { store, version, log, tell } = this.terms;
    // A store in trouble must not make an incident begin again with each report.
    let before = this.#last?.number === report.number ? this.#last : undefined;
    if (before === undefined) {
      const found = await store.find(report.number);
      before = found.ok ? found.value : undefined;
    }
    const bulletin = revised(before, report, version);
    this.#last = bulletin;
    const last = bulletin.revisions.at(-1);
    const isNew = last !== undefined && last.number !== before?.revisions.at(-1)?.number;
    const { ok } = await store.put(bulletin);
    if (!ok) log.warn({ bulletin: report.number }, "a bulletin is not kept over a restart");
    tell(bulletin, isNew ? last.cause : "update");
  }

  async list(
    page: { readonly before?: number | undefined; readonly most: number },
    language: Language,
  ): Promise<Answer<BulletinHead[]>> {
    const { before = Number.MAX_SAFE_INTEGER, most } = page;
    const kept = await this.terms.store.list({ before, most });
    if (!kept.ok) return kept;
    return { ok: true, value: kept.value.map((one) => headOf(one, language)) };
  }

  async find(number: number, language: Language): Promise<Answer<BulletinShown | undefined>> {
    const kept = await this.terms.store.find(number);
    if (!kept.ok || kept.value === undefined) return kept as Answer<undefined>;
    return { ok: true, value: shownBulletin(told(kept.value, language, isoMoment)) };
  }
}

/** ISO 8601 in UTC, to the second: the same in every language. */
export function isoMoment(unixMs: number): string {
  return `${new Date(unixMs).toISOString().slice(0, 19)}Z`;
}

function shownBulletin(made: ReturnType<typeof told>): BulletinShown {
  return {
    ...made,
    sections: made.sections.map((one) => ({ ...one, lines: [...one.lines] })),
    questions: { ...made.questions, items: [...made.questions.items] },
    revisions: { ...made.revisions, items: [...made.revisions.items] },
  };
}
