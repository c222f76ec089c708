// The server's pulse: a moment of it once a second while somebody looks on, seldom while nobody does (an
// idle server should sleep), kept for a quarter of an hour for the console's charts.
import { lease } from "../base/lease.js";
import type { Scope } from "../base/scope.js";
import type { History, Moment, Overview } from "../console/overview-contract.js";
import { web as limits } from "../limits/web.js";
import { monotonicNow, wallClockMs } from "../os/clock.js";
import { processUsage } from "../os/process-usage.js";
import { processorMs } from "./busy.js";
import { inJapanese } from "./japanese/texts.js";
import type { RunningServer } from "./running-server.js";
import { statusOf } from "./status.js";
import { Traffic } from "./traffic.js";

export type Surroundings = {
  /** All but what the process itself takes. */
  readonly counts: () => Omit<Moment, "at" | keyof Usage>;
  readonly workers: () => readonly number[];
};

type Usage = Pick<
  Moment,
  "processorPercent" | "workersPercent" | "residentOctets" | "workersOctets" | "lateMs"
>;

export class Pulse {
  readonly traffic = new Traffic();
  readonly #moments: Moment[] = [];
  readonly #listeners = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;
  #waitsMs = 0;
  #before = { at: 0, ownMs: 0, workersMs: 0, workersOctets: 0 };

  constructor(
    readonly around: Surroundings,
    /** Told of every moment, watched or not. */
    readonly took: (moment: Moment) => void = () => {},
  ) {}

  begin(scope: Scope): void {
    this.#before = this.#used();
    this.took(this.#take());
    this.#arm();
    scope.hold(
      "timer",
      lease(() => clearTimeout(this.#timer)),
      "pulse",
    );
  }

  /** Not older than a watched one would be. */
  get newest(): Moment {
    const old = monotonicNow() - this.#before.at >= limits.everyMs;
    if (old && this.#timer !== undefined) this.#beat();
    return this.#moments.at(-1) ?? this.#take();
  }

  get history(): History {
    return { everyMs: limits.everyMs, moments: [...this.#moments] };
  }

  /** One more, as things stand now: the last before the end. */
  last(): void {
    if (this.#timer === undefined) return;
    this.#beat();
    clearTimeout(this.#timer);
  }

  /** Called at each moment, until the lease is given back. */
  listen(told: () => void): Disposable {
    this.#listeners.add(told);
    if (this.#timer !== undefined && this.#listeners.size === 1) this.#beat();
    return lease(() => this.#listeners.delete(told));
  }

  #arm(): void {
    clearTimeout(this.#timer);
    this.#waitsMs = this.#listeners.size > 0 ? limits.everyMs : limits.unwatchedEveryMs;
    this.#timer = setTimeout(() => this.#beat(), this.#waitsMs);
  }

  #beat(): void {
    const moment = this.#take();
    this.#moments.push(moment);
    const [oldest] = this.#moments;
    const old = oldest !== undefined && moment.at - oldest.at > limits.historyMs;
    if (old || this.#moments.length > limits.historyMax) this.#moments.shift();
    this.took(moment);
    for (const told of this.#listeners) told();
    this.#arm();
  }

  #take(): Moment {
    const { at, ownMs, workersMs } = this.#before;
    this.#before = this.#used();
    const tookMs = Math.max(1, this.#before.at - at);
    const percent = (ms: number) => Math.max(0, Math.round((1_000 * ms) / tookMs) / 10);
    return {
      at: Math.round(wallClockMs()),
      ...this.around.counts(),
      processorPercent: percent(this.#before.ownMs - ownMs),
      workersPercent: percent(this.#before.workersMs - workersMs),
      residentOctets: process.memoryUsage.rss(),
      workersOctets: this.#before.workersOctets,
      lateMs: at === 0 ? 0 : Math.max(0, Math.round(tookMs - this.#waitsMs)),
    };
  }

  #used() {
    let [workersMs, workersOctets] = [0, 0];
    for (const pid of this.around.workers()) {
      const usage = processUsage(pid);
      workersMs += usage?.processorMs ?? 0;
      workersOctets += usage?.residentOctets ?? 0;
    }
    return { at: monotonicNow() as number, ownMs: processorMs(), workersMs, workersOctets };
  }
}

export function pulseOf(running: RunningServer): Pulse {
  const { server, blocking, counts, ledger, incidents } = running;
  const surroundings: Surroundings = {
    counts: () => ({
      sessions: server.sessionCount,
      connections: server.connections,
      ...counts,
      ...pulse.traffic.sums,
      refused: incidents.refusedInAll,
      blocks: blocking.live.length,
      held: ledger.size,
    }),
    workers: () => running.dataPath?.workers.map(({ pid }) => pid) ?? [],
  };
  const pulse = new Pulse(surroundings, (moment) => running.trends.take(moment));
  return pulse;
}

/** What the console's first page shows. */
export function overviewOf(running: RunningServer): Overview {
  const status = statusOf(running);
  const { version, instance, startedAt, addresses, ledger, incident, limits: bounds } = status;
  const { store, workers, logLevel, warnings, network } = status;
  const carried = workers.some(({ state }) => state === "running");
  return {
    ...{ version, instance, startedAt, addresses, ledger, incident, limits: bounds },
    ...{ store, workers, logLevel, warnings, warningsJapanese: warnings.map(inJapanese) },
    moment: running.pulse.newest,
    ready: carried && network.tunState === "up" && store.health === "well",
  };
}
