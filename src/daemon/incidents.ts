// Incidents of the running server: the detector is fed once a second, the log told at begin, at most once
// a minute and at the end; the store keeps them, and the operator sees the one there is as it is now.
import { formatIpv4, type Ipv4 } from "../base/ip.js";
import { lease } from "../base/lease.js";
import { formatSource } from "../base/range4.js";
import type { Scope } from "../base/scope.js";
import type { Block, Blocks } from "../core/guard/blocks.js";
import type { IncidentReport, ReportedSource } from "../core/guard/incident-report.js";
import { type Incident, IncidentDetector, type Totals } from "../core/guard/incidents.js";
import type { ServerEvent } from "../core/server-ports.js";
import type { Bounds, incident as bounds } from "../limits.js";
import { monotonicNow, wallClockMs } from "../os/clock.js";
import type { Answer, IncidentStore } from "../store/port.js";
import { sum } from "./data-path.js";
import type { RunningServer } from "./running-server.js";
import { unwanted } from "./unwanted.js";

type Dropped = IncidentReport["dropped"];

export type IncidentTerms = {
  readonly limits: Bounds<typeof bounds>;
  readonly store: IncidentStore;
  readonly clock: () => number;
  readonly wallClockMs: () => number;
  /** Of this process so far. */
  readonly processorMs: () => number;
  /** What nobody asked for, by reason, since the start. */
  readonly totals: () => Totals;
  /** A sample of where refused GRE came from since the last call; undefined: there is none. */
  readonly takeSources: () =>
    | { readonly sources: readonly Ipv4[]; readonly each: number }
    | undefined;
  /** What the kernel dropped of blocked sources, since their table was made. */
  readonly dropped: () => Promise<Dropped>;
  readonly blocks: Blocks;
  /** What is kept of one is published, one report after the other. */
  readonly publish: (report: IncidentReport) => Promise<void>;
  readonly log: { warn(fields: Record<string, unknown>, line: string): void };
};

/** What went on so far, beside what was refused. */
type Course = {
  readonly at: number;
  /** Logged in. */
  readonly sessions: number;
  readonly ended: Totals;
  readonly logIns: number;
  readonly logInsRefused: number;
  readonly processorMs: number;
};

type Meanwhile = {
  readonly number: number;
  /** When the incident began, which is before it was noticed. */
  readonly before: Course;
  readonly blocked: { readonly address: string; readonly reason: string }[];
  readonly droppedBefore: Promise<Dropped>;
  blockedMore: number;
  dropped: Dropped;
  saidAt: number;
};

const nothingDropped: Dropped = { connections: 0, gre: 0 };
/** In a line of the log. */
const saidMost = 5;

export class Incidents {
  readonly #detector: IncidentDetector;
  #meanwhile: Meanwhile | undefined;
  #nextNumber = 1;
  readonly #ended: Record<string, number> = {};
  #sessions = 0;
  #logIns = 0;
  #logInsRefused = 0;
  /** At each look of the last window. */
  #courses: Course[] = [];
  #sampled = false;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(readonly terms: IncidentTerms) {
    this.#detector = new IncidentDetector(terms.limits);
  }

  /** What an earlier run left open is closed as such, and what was usual then is so now. */
  async begin(scope: Scope): Promise<void> {
    const { store, limits, log } = this.terms;
    const orphans = await store.endOrphans();
    if (orphans.ok && orphans.value > 0) {
      log.warn({ incidents: orphans.value }, "an incident was not over when the server was lost");
    }
    const last = await store.list({ most: 1 });
    // Unread: a number that none of them has.
    const before = last.ok ? (last.value[0]?.number ?? 0) : this.terms.wallClockMs() / 1_000;
    this.#nextNumber = Math.floor(before) + 1;
    await this.#restoreUsual();
    // What comes from here on is seen by the next look, not only what comes after that.
    this.check();
    this.#timer = setInterval(() => this.check(), limits.everyMs);
    scope.hold(
      "timer",
      lease(() => clearInterval(this.#timer)),
      "incidents",
    );
  }

  /** Of the last day; what the wall clock puts elsewhere is of a clock that was wrong. */
  async #restoreUsual(): Promise<void> {
    const { store, limits, log, wallClockMs: wallMs } = this.terms;
    const until = wallMs();
    const after = Math.max(0, until - limits.bucketMs * limits.bucketsMax);
    const kept = await store.usualRates({ after: Math.floor(after), until: Math.ceil(until) });
    if (kept.ok) this.#detector.restoreUsual(kept.value.map(({ perSecond }) => perSecond));
    else log.warn({ why: kept.message }, "what was usual before the restart is not known");
  }

  /** As it is now; undefined: there is none. */
  get open(): IncidentReport | undefined {
    const { open } = this.#detector;
    return open && this.#meanwhile && this.#report(open, this.#meanwhile, null);
  }

  get isOpen(): boolean {
    return this.#detector.open !== undefined;
  }

  /** Of what nobody asked for, since the start. */
  get refusedInAll(): number {
    return Object.values(this.terms.totals()).reduce((sum, count) => sum + count, 0);
  }

  async list(page: {
    before?: number | undefined;
    most: number;
  }): Promise<Answer<IncidentReport[]>> {
    const { before = Number.MAX_SAFE_INTEGER, most } = page;
    const kept = await this.terms.store.list({ before, most });
    if (!kept.ok) return kept;
    const { open } = this;
    const others = kept.value.filter(({ number }) => number !== open?.number);
    const shown = open !== undefined && open.number < before ? [open, ...others] : others;
    return { ok: true, value: shown.slice(0, most) };
  }

  async find(number: number): Promise<Answer<IncidentReport | undefined>> {
    const { open } = this;
    if (open?.number === number) return { ok: true, value: open };
    return this.terms.store.find(number);
  }

  /** Something of a source was refused that a TCP handshake proves. */
  turnedAway(source: Ipv4): void {
    this.#detector.saw(source, true);
  }

  blocked(block: Block): void {
    if (this.#meanwhile !== undefined) this.#addBlock(this.#meanwhile, block);
  }

  handle(event: ServerEvent): void {
    switch (event.kind) {
      case "SessionUp":
        this.#sessions++;
        this.#logIns++;
        return;
      case "LoginRefused":
        this.#logInsRefused++;
        return;
      case "SessionEnded":
        if (event.info.upAt === undefined) return;
        this.#sessions--;
        this.#ended[event.cause] = (this.#ended[event.cause] ?? 0) + 1;
        return;
      default:
        return;
    }
  }

  /** Once a second. */
  check(): void {
    const { clock, totals, limits, takeSources } = this.terms;
    const now = clock();
    const sample = takeSources();
    this.#sampled = sample !== undefined;
    for (const source of sample?.sources ?? []) {
      this.#detector.saw(source, false, sample?.each);
    }
    const change = this.#detector.observe(totals(), now);
    if (change?.kind === "begins") this.#begins(change.incident, now);
    this.#keepUsual();
    this.#courses.push(this.#course(now));
    const oldest = now - 2 * limits.windowMs;
    this.#courses = this.#courses.filter(({ at }) => at >= oldest);
    const meanwhile = this.#meanwhile;
    if (meanwhile === undefined) return;
    if (change?.kind === "ends") {
      this.#meanwhile = undefined;
      this.#tell(
        "the incident is over",
        () => this.#report(change.incident, meanwhile, "quiet"),
        meanwhile,
      );
    } else if (now - meanwhile.saidAt >= limits.summaryMs) {
      meanwhile.saidAt = now;
      this.#tell("the incident goes on", () => this.open, meanwhile);
    }
  }

  /** The server stops: the one there is ends with it. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    const { open } = this.#detector;
    const meanwhile = this.#meanwhile;
    this.#meanwhile = undefined;
    if (open !== undefined && meanwhile !== undefined) {
      const report = () => this.#report(open, meanwhile, "server-stopped");
      this.#tell("the incident ends with the server", report, meanwhile);
    }
    await this.#writing;
  }

  /** One that is not kept is one of a day's less after a restart: not worth a line. */
  #keepUsual(): void {
    const perSecond = this.#detector.takeFullBucket();
    if (perSecond === undefined) return;
    const rate = { at: this.terms.wallClockMs(), perSecond };
    this.#writing = this.#writing.then(() =>
      this.terms.store.putUsualRate(rate).then(
        () => {},
        () => {},
      ),
    );
  }

  #begins(incident: Incident, now: number): void {
    const { dropped, blocks, log } = this.terms;
    const before = this.#courses.findLast(({ at }) => at <= incident.begin) ?? this.#course(now);
    const meanwhile: Meanwhile = {
      ...{ number: this.#nextNumber++, before, saidAt: now, blocked: [], blockedMore: 0 },
      ...{ dropped: nothingDropped, droppedBefore: dropped().catch(() => nothingDropped) },
    };
    for (const block of blocks.live(now)) {
      if (block.times > 0 && block.since >= incident.begin) this.#addBlock(meanwhile, block);
    }
    this.#meanwhile = meanwhile;
    const report = this.#report(incident, meanwhile, null);
    log.warn(fieldsOf(report), "an incident begins: more is refused than usual");
    this.#writing = this.#writing.then(() => this.#write(report));
  }

  #addBlock(meanwhile: Meanwhile, { source, reason }: Block): void {
    if (meanwhile.blocked.length < this.terms.limits.blocksMax) {
      meanwhile.blocked.push({ address: formatSource(source), reason });
    } else meanwhile.blockedMore++;
  }

  #course(now: number): Course {
    return {
      ...{ at: now, sessions: this.#sessions, ended: { ...this.#ended }, logIns: this.#logIns },
      ...{ logInsRefused: this.#logInsRefused, processorMs: this.terms.processorMs() },
    };
  }

  /** One after the other, each once it is known what the kernel dropped. */
  #tell(line: string, report: () => IncidentReport | undefined, meanwhile: Meanwhile): void {
    this.#writing = this.#writing.then(async () => {
      const before = await meanwhile.droppedBefore;
      const now = await this.terms.dropped().catch(() => before);
      meanwhile.dropped = {
        connections: Math.max(0, now.connections - before.connections),
        gre: Math.max(0, now.gre - before.gre),
      };
      const told = report();
      if (told === undefined) return;
      this.terms.log.warn(fieldsOf(told), line);
      await this.#write(told);
    });
  }

  async #write(report: IncidentReport): Promise<void> {
    const lost = () =>
      this.terms.log.warn({ incident: report.number }, "an incident is not kept over a restart");
    await this.terms.store.put(report).then(({ ok }) => ok || lost(), lost);
    await this.terms.publish(report).catch(() => {});
  }

  #report(
    incident: Incident,
    meanwhile: Meanwhile,
    ending: IncidentReport["ending"],
  ): IncidentReport {
    const { clock, wallClockMs: wallMs } = this.terms;
    const now = clock();
    const at = (ms: number) => Math.round(ms + wallMs() - now);
    const { before, blocked } = meanwhile;
    const course = this.#course(now);
    const usedMs = course.processorMs - before.processorMs;
    const ended = Object.entries(course.ended)
      .map(([cause, count]): [string, number] => [cause, count - (before.ended[cause] ?? 0)])
      .filter(([, count]) => count > 0);
    const last = ending === "quiet" ? incident.lastAbove : now;
    return {
      number: meanwhile.number,
      begin: at(incident.begin),
      end: ending === null ? null : at(last),
      ending,
      seenAt: at(now),
      overPerSecond: Math.round(incident.overPerSecond),
      perSecond: Math.round(incident.perSecond),
      peakPerSecond: Math.round(incident.peakPerSecond),
      refused: incident.total,
      reasons: incident.reasons,
      sources: [...sourcesOf(incident, "proven"), ...sourcesOf(incident, "unproven")],
      greSources: this.#sampled ? "sampled" : "not-sampled",
      sessionsAtBegin: before.sessions,
      sessionsEnded: Object.fromEntries(ended),
      logIns: course.logIns - before.logIns,
      logInsRefused: course.logInsRefused - before.logInsRefused,
      processorPercent: Math.round((100 * usedMs) / Math.max(1, now - before.at)),
      blocked: [...blocked],
      blockedMore: meanwhile.blockedMore,
      dropped: meanwhile.dropped,
    };
  }
}

function sourcesOf(incident: Incident, kind: "proven" | "unproven"): ReportedSource[] {
  return incident[kind].sources.map(({ source, atLeast }) => ({
    address: formatIpv4(source),
    count: atLeast,
    mayBeForged: kind === "unproven",
  }));
}

/** Sources and reasons as text: their names are no fields of ours. */
function fieldsOf(report: IncidentReport): Record<string, unknown> {
  const { number, perSecond, peakPerSecond, refused, sources, blocked, blockedMore } = report;
  const reasons = Object.entries(report.reasons).sort(([, a], [, b]) => b - a);
  return {
    ...{ incident: number, perSecond, peakPerSecond, refused },
    reasons: reasons.slice(0, saidMost).map(([reason, count]) => `${reason}: ${count}`),
    sources: sources.slice(0, saidMost).map(({ address, count, mayBeForged }) => {
      return `${address}: ${count}${mayBeForged ? ", source may be forged" : ""}`;
    }),
    sessionsAtBegin: report.sessionsAtBegin,
    sessionsEnded: report.sessionsEnded,
    logIns: report.logIns,
    blocked: blocked.length + blockedMore,
  };
}

/** Those of a server, which tells its events. */
export function incidentsOf(running: RunningServer): Incidents {
  const { config, guard, terms, server } = running;
  const incidents = new Incidents({
    limits: config.limits.incident,
    store: terms.store.incidents,
    clock: monotonicNow,
    wallClockMs,
    processorMs: running.outside.processorMs,
    totals: () =>
      unwanted({
        control: server.reasons.snapshot(),
        data: sum([running.drops, running.dataPath?.refusal.counts() ?? {}]),
        byForm: running.dataPath?.refusal.byForm() ?? 0,
      }),
    takeSources: () => running.dataPath?.refusal.takeSources(),
    dropped: () => running.blocking.dropped(),
    blocks: guard.blocks,
    publish: (report) => running.bulletins.told(report),
    log: terms.log,
  });
  guard.turnedAway = (source) => incidents.turnedAway(source);
  return incidents;
}
