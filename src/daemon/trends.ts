// The server's past for its charts: what went on between two moments of the pulse is spread over slots of
// ten seconds, gathered, and written about once a minute. What the disk does not take waits, within bounds.
import {
  joinedFigures,
  slotBegin,
  spread,
  type TrendFigures,
  type TrendSlot,
  trendLengths,
} from "../base/trend-slot.js";
import type { Moment } from "../console/overview-contract.js";
import type { TrendsPage, TrendsQuery } from "../console/trends-contract.js";
import { trends as limits } from "../limits/web.js";
import type { TrendStore } from "../store/port.js";
import { faultOf } from "./admin/account-service.js";
import { type AdminAnswer, adminFault } from "./admin/port.js";

export type TrendTerms = {
  readonly store: TrendStore;
  readonly wallClockMs: () => number;
  /** Whether an incident is going on. */
  readonly incident: () => boolean;
};

export class Trends {
  /** By their begin, in order of it unless the clock was put back. */
  #waiting = new Map<number, TrendSlot>();
  #last: Moment | undefined;
  #writtenAt = 0;
  #writing: Promise<unknown> = Promise.resolve();
  #ended = false;
  /** Slots that found no room while the disk was in trouble. */
  dropped = 0;

  constructor(readonly terms: TrendTerms) {}

  /** The newest moment; totals in it count from the server's start. */
  take(moment: Moment): void {
    const last = this.#last;
    this.#last = moment;
    if (last === undefined) this.#writtenAt = moment.at;
    if (last === undefined || this.#ended) return;
    const figures = between(last, moment, this.terms.incident());
    for (const slot of spread(figures, last.at, moment.at, limits.spreadMax)) this.#keep(slot);
    const due = Math.abs(moment.at - this.#writtenAt) >= limits.writeEveryMs;
    if (due) this.#write().catch(() => {});
  }

  async list({ from, to, resolution }: TrendsQuery): Promise<AdminAnswer<TrendsPage>> {
    const lengthMs = trendLengths[resolution];
    const until = to ?? Math.floor(this.terms.wallClockMs()) + 1;
    const count = (slotBegin(until, lengthMs) - slotBegin(from, lengthMs)) / lengthMs;
    if (count > limits.answerMax) {
      const message = `from: ${Math.ceil(count)} slots of ${resolution}; at most ${limits.answerMax} are told at once`;
      return adminFault("bad-request", "too-long", message, remedyFor(until - from));
    }
    await this.#write();
    const listed = await this.terms.store.list({ resolution, from, to: until });
    if (!listed.ok) return faultOf(listed);
    return { ok: true, value: { resolution, lengthMs, slots: [...listed.value] } };
  }

  /** Writes what waits, before the store is closed. */
  async end(): Promise<void> {
    this.#ended = true;
    await this.#write();
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  #keep(slot: TrendSlot): void {
    const there = this.#waiting.get(slot.at);
    this.#waiting.set(slot.at, there ? { at: slot.at, ...joinedFigures(there, slot) } : slot);
    if (this.#waiting.size <= limits.waitingMax) return;
    const [oldest] = this.#waiting.keys();
    if (oldest !== undefined) this.#waiting.delete(oldest);
    this.dropped++;
  }

  /** One write at a time: what comes meanwhile goes with the next. */
  #write(): Promise<unknown> {
    this.#writing = this.#writing.then(async () => {
      if (this.#waiting.size === 0) return;
      const slots = this.#waiting;
      this.#waiting = new Map();
      this.#writtenAt = this.#last?.at ?? 0;
      const put = await this.terms.store.put([...slots.values()]);
      if (put.ok) return;
      const meanwhile = this.#waiting;
      this.#waiting = slots;
      for (const slot of meanwhile.values()) this.#keep(slot);
    });
    return this.#writing;
  }
}

function remedyFor(spanMs: number): string {
  const fits = Object.entries(trendLengths).find(([, ms]) => spanMs / ms <= limits.answerMax);
  return fits === undefined ? "ask for less of it at once" : `ask for resolution=${fits[0]}`;
}

/** What went on from `a` to `b`, which is as things stood at `b`. */
function between(a: Moment, b: Moment, incident: boolean): TrendFigures {
  const coveredMs = Math.max(0, b.at - a.at);
  const grown = (name: "logIns" | "refusals" | "refused" | Flowing) =>
    Math.max(0, b[name] - a[name]);
  const perSecond = (count: number) =>
    coveredMs === 0 ? 0 : Math.round((count * 1_000) / coveredMs);
  return {
    coveredMs,
    sessionMs: b.sessions * coveredMs,
    heldMs: b.held * coveredMs,
    incidentMs: incident ? coveredMs : 0,
    processorMs: Math.round((b.processorPercent * coveredMs) / 100),
    workersMs: Math.round((b.workersPercent * coveredMs) / 100),
    logIns: grown("logIns"),
    refusals: grown("refusals"),
    receivedOctets: grown("receivedOctets"),
    sentOctets: grown("sentOctets"),
    receivedPackets: grown("receivedPackets"),
    sentPackets: grown("sentPackets"),
    refused: grown("refused"),
    sessionsMax: b.sessions,
    connectionsMax: b.connections,
    heldMax: b.held,
    blocksMax: b.blocks,
    residentOctetsMax: b.residentOctets,
    workersOctetsMax: b.workersOctets,
    lateMsMax: b.lateMs,
    receivedPerSecondMax: perSecond(grown("receivedOctets")),
    sentPerSecondMax: perSecond(grown("sentOctets")),
    refusedPerSecondMax: perSecond(grown("refused")),
  };
}

type Flowing = "receivedOctets" | "sentOctets" | "receivedPackets" | "sentPackets";
