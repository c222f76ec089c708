// Notices of the running server: what is to be told waits in a bounded queue that the store keeps over a
// restart, and goes by each way that is configured, one at a time, at a bounded rate, again after a
// failure until it is too old.
import { lease } from "../../base/lease.js";
import type { Scope } from "../../base/scope.js";
import type { NoticesShown, NoticeTested } from "../../console/notice-contract.js";
import type { Bulletin } from "../../core/bulletin/bulletin.js";
import { notice as limits } from "../../limits/bulletin.js";
import type { KeptNotice, NoticeStore, NoticeWay } from "../../store/port.js";
import type { BulletinNews } from "../bulletins.js";
import {
  bulletinNotice,
  type Notice,
  type NoticeOrigin,
  testNotice,
  troubleNotice,
} from "./notice.js";
import {
  type TroubleChange,
  type TroubleFacts,
  type TroubleKind,
  Troubles,
  troubleKinds,
} from "./troubles.js";
import { destination, isOn, type NoticeTerms, type Sent, send } from "./ways.js";

const ways: readonly NoticeWay[] = ["mail", "webhook"];

export type NoticesTerms = {
  readonly store: NoticeStore;
  readonly settings: {
    get(key: string): Promise<{ ok: true; value: string | undefined } | { ok: false }>;
    set(key: string, value: string): Promise<unknown>;
  };
  /** As it is at the moment: it changes by a reload. */
  readonly config: () => NoticeTerms;
  readonly origin: () => NoticeOrigin;
  readonly facts: () => TroubleFacts;
  readonly wallClockMs: () => number;
  readonly log: {
    info(fields: Record<string, unknown>, line: string): void;
    warn(fields: Record<string, unknown>, line: string): void;
  };
  readonly send?: typeof send;
};

type State = {
  queue: KeptNotice[];
  /** Unix ms of those sent within an hour. */
  sent: number[];
  sentInAll: number;
  failedInAll: number;
  givenUp: number;
  lastSentAt: number | null;
  lastFailure: { at: number; message: string } | null;
  busy: boolean;
};

const troublesSetting = "notices.troubles";
const hourMs = 3_600_000;

export class Notices {
  readonly #states: Readonly<Record<NoticeWay, State>> = { mail: fresh(), webhook: fresh() };
  readonly #send: typeof send;
  #nextId = 1;
  /** Those that are told. */
  #troubles = new Troubles();
  /** Those that are logged, told or not. */
  #logged = new Troubles();
  #told = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #checkTimer: NodeJS.Timeout | undefined;
  #over = false;

  constructor(readonly terms: NoticesTerms) {
    this.#send = terms.send ?? send;
  }

  async begin(scope: Scope): Promise<void> {
    const { store, settings } = this.terms;
    const [kept, open] = await Promise.all([store.list(), settings.get(troublesSetting)]);
    for (const one of kept.ok ? kept.value : []) {
      this.#nextId = Math.max(this.#nextId, one.id + 1);
      this.#states[one.way].queue.push(one);
    }
    const names = open.ok ? (open.value ?? "").split(" ") : [];
    const told = troubleKinds.filter((kind) => names.includes(kind));
    this.#troubles = new Troubles(new Set(told));
    this.#logged = new Troubles(new Set(told));
    this.#checkTimer = setInterval(() => void this.check(), limits.checkMs);
    scope.hold(
      "timer",
      lease(() => {
        this.#over = true;
        clearInterval(this.#checkTimer);
        clearTimeout(this.#timer);
      }),
      "notices",
    );
    this.#arm();
  }

  /** News of an incident. One that goes on is told of seldom. */
  bulletin(bulletin: Bulletin, news: BulletinNews): void {
    const { config, origin, wallClockMs } = this.terms;
    const key = `incident ${bulletin.number}`;
    const now = wallClockMs();
    if (news === "update" && now - (this.#told.get(key) ?? 0) < limits.updateMs) return;
    this.#told = new Map(news === "ends" ? [] : [[key, now]]);
    this.#enqueue(bulletinNotice(bulletin, news, config().language, origin()));
  }

  /** Once a minute. */
  async check(): Promise<void> {
    const { facts, wallClockMs, config, origin } = this.terms;
    const [seen, now] = [facts(), wallClockMs()];
    for (const change of this.#logged.look(seen, now)) this.#log(change);
    // What nobody would be told of now is told once somebody is.
    const terms = config();
    if (!ways.some((way) => isOn(terms, way))) return this.#arm();
    const changes = this.#troubles.look(seen, now);
    for (const { event, trouble } of changes) {
      this.#enqueue(troubleNotice(trouble, event, terms.language, origin()));
    }
    if (changes.length > 0) {
      const open: readonly TroubleKind[] = [...this.#troubles.open];
      await this.terms.settings.set(troublesSetting, open.join(" "));
    }
    this.#arm();
  }

  #log({ event, trouble }: TroubleChange): void {
    const { log } = this.terms;
    const line = event === "begin" ? "a trouble begins" : "a trouble is over";
    log[event === "begin" ? "warn" : "info"]({ trouble: trouble.kind, value: trouble.value }, line);
  }

  /** At once by every way that is on, past the queue. */
  async test(): Promise<NoticeTested> {
    const { config, origin } = this.terms;
    const terms = config();
    const { body } = testNotice(terms.language, origin());
    const results = ways
      .filter((way) => isOn(terms, way))
      .map(async (way) => {
        const sent = await this.#send(terms, way, body);
        this.#note(way, sent);
        const problem = sent.ok ? null : sent.message;
        return { way, destination: destination(terms, way), ok: sent.ok, problem };
      });
    return { results: await Promise.all(results) };
  }

  get shown(): NoticesShown {
    const terms = this.terms.config();
    return {
      language: terms.language,
      ways: ways.map((way) => {
        const { queue, sentInAll, failedInAll, givenUp, lastSentAt, lastFailure } =
          this.#states[way];
        const on = isOn(terms, way);
        return {
          ...{ way, on, destination: on ? destination(terms, way) : null, waiting: queue.length },
          ...{ sent: sentInAll, failed: failedInAll, givenUp, lastSentAt, lastFailure },
        };
      }),
    };
  }

  /** Ways whose last try failed. */
  get problems(): string[] {
    return this.shown.ways.flatMap(({ way, on, lastSentAt, lastFailure }) => {
      const failing = on && lastFailure !== null && lastFailure.at >= (lastSentAt ?? 0);
      return failing ? [`notices by ${way} fail: ${lastFailure.message}`] : [];
    });
  }

  #enqueue({ key, event, body }: Notice): void {
    const { config, wallClockMs } = this.terms;
    const now = wallClockMs();
    for (const way of ways) {
      if (!isOn(config(), way)) continue;
      const state = this.#states[way];
      // What is newer says all that an update would have said.
      for (const stale of state.queue.filter((one) => one.key === key && one.event === "update")) {
        this.#drop(way, stale);
      }
      while (state.queue.length >= limits.queueMax) {
        const least = state.queue.find((one) => one.event === "update") ?? state.queue[0];
        if (least === undefined) break;
        this.#drop(way, least);
        state.givenUp++;
      }
      const made = { id: this.#nextId++, way, key, event, body };
      const notice: KeptNotice = { ...made, queuedAt: now, nextAt: now, tries: 0 };
      state.queue.push(notice);
      this.#keep(notice);
    }
    this.#arm();
  }

  #keep(notice: KeptNotice): void {
    const { store, log } = this.terms;
    const lost = () => log.warn({ notice: notice.key }, "a notice is not kept over a restart");
    store.put(notice).then(({ ok }) => ok || lost(), lost);
  }

  #drop(way: NoticeWay, notice: KeptNotice): void {
    const state = this.#states[way];
    state.queue = state.queue.filter(({ id }) => id !== notice.id);
    this.terms.store.remove(notice.id).catch(() => {});
  }

  /** One timer for the first that is due. */
  #arm(): void {
    clearTimeout(this.#timer);
    if (this.#over) return;
    const now = this.terms.wallClockMs();
    const due = ways.map((way) => this.#dueAt(way, now)).filter((at) => at !== undefined);
    if (due.length === 0) return;
    const wait = Math.min(limits.checkMs, Math.max(0, Math.min(...due) - now));
    this.#timer = setTimeout(() => this.#go(), wait);
  }

  #dueAt(way: NoticeWay, now: number): number | undefined {
    const state = this.#states[way];
    if (state.busy || state.queue.length === 0) return undefined;
    state.sent = state.sent.filter((at) => at > now - hourMs);
    const [oldest = 0] = state.sent;
    const allowedAt = state.sent.length < limits.perHourMax ? now : oldest + hourMs;
    return Math.max(allowedAt, Math.min(...firsts(state).map(({ nextAt }) => nextAt)));
  }

  #go(): void {
    const now = this.terms.wallClockMs();
    for (const way of ways) {
      const due = this.#dueAt(way, now);
      if (due !== undefined && due <= now) void this.#sendNext(way, now);
    }
    this.#arm();
  }

  async #sendNext(way: NoticeWay, now: number): Promise<void> {
    const state = this.#states[way];
    const next = firsts(state).find(({ nextAt }) => nextAt <= now);
    const terms = this.terms.config();
    if (next === undefined) return;
    if (!isOn(terms, way)) {
      this.#drop(way, next);
      return this.#arm();
    }
    state.busy = true;
    const sent = await this.#send(terms, way, next.body);
    state.busy = false;
    this.#note(way, sent);
    if (sent.ok) {
      state.sent.push(this.terms.wallClockMs());
      this.#drop(way, next);
    } else this.#again(way, next, sent.message);
    this.#arm();
  }

  #again(way: NoticeWay, notice: KeptNotice, message: string): void {
    const { log, wallClockMs } = this.terms;
    const state = this.#states[way];
    const now = wallClockMs();
    // A newer one may have taken its place meanwhile.
    if (!state.queue.includes(notice)) return;
    const fields = { way, notice: notice.key, problem: message, tries: notice.tries + 1 };
    if (now - notice.queuedAt >= limits.keptMs) {
      this.#drop(way, notice);
      state.givenUp++;
      return log.warn(fields, "a notice is given up");
    }
    const waitMs = Math.min(limits.retryMaxMs, limits.retryMinMs * 2 ** Math.min(notice.tries, 20));
    const later = { ...notice, tries: notice.tries + 1, nextAt: now + waitMs };
    state.queue = state.queue.map((one) => (one.id === notice.id ? later : one));
    this.#keep(later);
    log.warn(fields, "a notice could not be sent");
  }

  #note(way: NoticeWay, sent: Sent): void {
    const state = this.#states[way];
    const at = this.terms.wallClockMs();
    if (sent.ok) {
      state.sentInAll++;
      state.lastSentAt = at;
    } else {
      state.failedInAll++;
      state.lastFailure = { at, message: sent.message };
    }
  }
}

/** The oldest of each key: an end is not sent before its begin. At least one where any waits. */
function firsts({ queue }: State): KeptNotice[] {
  const keys = new Set<string>();
  return queue.filter(({ key }) => !keys.has(key) && keys.add(key));
}

function fresh(): State {
  return {
    ...{ queue: [], sent: [], sentInAll: 0, failedInAll: 0, givenUp: 0, busy: false },
    ...{ lastSentAt: null, lastFailure: null },
  };
}
