// When a stream of what nobody asked for is an incident, and what it is: totals by reason in, about once
// a second; one incident at a time out. Pure: the caller's clock, and nothing is kept but what is bounded.
import type { Ipv4 } from "../../base/ip.js";
import { type Bounds, incident as bounds } from "../../limits.js";
import { HeavyHitters } from "./heavy-hitters.js";
import { Usual } from "./usual.js";

/** Since the start, by reason. */
export type Totals = Readonly<Record<string, number>>;

export type SourceCounts = {
  /** The most first: those that are one in a hundred at least. */
  readonly sources: readonly { readonly source: Ipv4; readonly atLeast: number }[];
  /** What each may have sent beyond that. */
  readonly shortBy: number;
  /** Of how many the source was looked at. */
  readonly of: number;
};

/** Times are the caller's clock's ms. */
export type Incident = {
  readonly begin: number;
  /** When it was last above `overPerSecond`. */
  readonly lastAbove: number;
  readonly overPerSecond: number;
  readonly perSecond: number;
  readonly peakPerSecond: number;
  readonly total: number;
  readonly reasons: Totals;
  /** Whose TCP handshake proves them. */
  readonly proven: SourceCounts;
  /** Of GRE, whose source can be forged. */
  readonly unproven: SourceCounts;
};

type Sample = {
  readonly at: number;
  readonly ms: number;
  readonly count: number;
  readonly perSecond: number;
  readonly reasons: Totals;
};

type Open = {
  begin: number;
  lastAbove: number;
  overPerSecond: number;
  perSecond: number;
  peakPerSecond: number;
  total: number;
  reasons: Record<string, number>;
};

const otherReasons = "other";
/** One in so many stands out. */
const standsOut = 100;

export class IncidentDetector {
  readonly #usual: Usual;
  readonly #proven: RecentSources;
  readonly #unproven: RecentSources;
  #before: { readonly totals: Totals; readonly at: number } | undefined;
  #window: Sample[] = [];
  #open: Open | undefined;
  #fullBucket: number | undefined;

  constructor(readonly limits: Bounds<typeof bounds> = bounds) {
    this.#usual = new Usual(limits);
    this.#proven = new RecentSources(limits);
    this.#unproven = new RecentSources(limits);
  }

  /** What was usual in an earlier run: rates of its full buckets, the oldest first. */
  restoreUsual(rates: readonly number[]): void {
    this.#usual.restore(rates);
  }

  /** The rate of the bucket that the last look filled, to be kept for `restoreUsual`; told once. */
  takeFullBucket(): number | undefined {
    const rate = this.#fullBucket;
    this.#fullBucket = undefined;
    return rate;
  }

  /** Above so much a second it is one; while there is one, it stays as it was. */
  get overPerSecond(): number {
    const { floorPerSecond, ceilingPerSecond, usualTimes } = this.limits;
    const unusual = Math.max(floorPerSecond, this.#usual.perSecond * usualTimes);
    return this.#open?.overPerSecond ?? Math.min(ceilingPerSecond, unusual);
  }

  get open(): Incident | undefined {
    return this.#open && this.#figures(this.#open);
  }

  /** Where something of it came from; `count` of them, or as many as a sample stands for. */
  saw(source: Ipv4, proven: boolean, count = 1): void {
    (proven ? this.#proven : this.#unproven).add(source, count);
  }

  /** To be told about once a second. What begins or ends with it. */
  observe(
    totals: Totals,
    now: number,
  ): { kind: "begins" | "ends"; incident: Incident } | undefined {
    const sample = this.#sample(totals, now);
    if (sample === undefined) return undefined;
    if (this.#open !== undefined) return this.#follow(this.#open, sample);
    return this.#watch(sample);
  }

  /** What came since the last look; undefined at the first, and where that was only just now. */
  #sample(totals: Totals, now: number): Sample | undefined {
    const before = this.#before;
    if (before !== undefined && now - before.at < this.limits.everyMs / 2) return undefined;
    this.#before = { totals, at: now };
    if (before === undefined) return undefined;
    const reasons: Record<string, number> = {};
    let count = 0;
    for (const [reason, total] of Object.entries(totals)) {
      const came = total - (before.totals[reason] ?? 0);
      if (came <= 0) continue;
      reasons[reason] = came;
      count += came;
    }
    const ms = now - before.at;
    return { at: before.at, ms, count, perSecond: (count * 1_000) / ms, reasons };
  }

  #watch(sample: Sample): { kind: "begins"; incident: Incident } | undefined {
    const { windowMs } = this.limits;
    const now = sample.at + sample.ms;
    this.#window = this.#window.filter(({ at, ms }) => at + ms > now - windowMs);
    this.#window.push(sample);
    const count = this.#window.reduce((sum, one) => sum + one.count, 0);
    // The mean of the whole window, even where less of it has been seen.
    const seenMs = this.#window.reduce((sum, { ms }) => sum + ms, 0);
    const perSecond = (count * 1_000) / Math.max(windowMs, seenMs);
    const { overPerSecond } = this;
    if (perSecond <= overPerSecond) {
      this.#fullBucket = this.#usual.add(sample.count, sample.ms) ?? this.#fullBucket;
      this.#proven.rotate(now);
      this.#unproven.rotate(now);
      return undefined;
    }
    const first = this.#window.findIndex((one) => one.perSecond > overPerSecond);
    const since = this.#window.splice(0).slice(first);
    const begin = since[0]?.at ?? sample.at;
    const open: Open = {
      ...{ begin, lastAbove: begin, overPerSecond },
      ...{ perSecond: 0, peakPerSecond: 0, total: 0, reasons: {} },
    };
    for (const one of since) this.#count(open, one);
    this.#open = open;
    return { kind: "begins", incident: this.#figures(open) };
  }

  #follow(open: Open, sample: Sample): { kind: "ends"; incident: Incident } | undefined {
    this.#count(open, sample);
    const now = sample.at + sample.ms;
    if (now - open.lastAbove < this.limits.quietMs) return undefined;
    const incident = this.#figures(open);
    this.#open = undefined;
    this.#proven.forget(now);
    this.#unproven.forget(now);
    return { kind: "ends", incident };
  }

  #count(open: Open, { at, ms, count, perSecond, reasons }: Sample): void {
    open.perSecond = perSecond;
    open.peakPerSecond = Math.max(open.peakPerSecond, perSecond);
    open.total += count;
    if (perSecond > open.overPerSecond) open.lastAbove = at + ms;
    for (const [reason, came] of Object.entries(reasons)) {
      const known =
        open.reasons[reason] !== undefined ||
        Object.keys(open.reasons).length < this.limits.reasonsMax - 1;
      const name = known ? reason : otherReasons;
      open.reasons[name] = (open.reasons[name] ?? 0) + came;
    }
  }

  #figures(open: Open): Incident {
    const reasons = { ...open.reasons };
    return { ...open, reasons, proven: this.#proven.counts, unproven: this.#unproven.counts };
  }
}

/** Sources of the time that counts: all of an incident, else the last window or two. */
class RecentSources {
  #now: HeavyHitters;
  #before: HeavyHitters;
  #since = 0;

  constructor(readonly limits: Bounds<typeof bounds>) {
    this.#now = new HeavyHitters(limits.sourcesMax);
    this.#before = new HeavyHitters(limits.sourcesMax);
  }

  add(source: Ipv4, count: number): void {
    this.#now.add(source, count);
  }

  get counts(): SourceCounts {
    const both = new HeavyHitters(this.limits.sourcesMax);
    both.merge(this.#before);
    both.merge(this.#now);
    const sources = both
      .top(this.limits.sourcesShownMax)
      .filter(([, atLeast]) => atLeast * standsOut >= both.total)
      .map(([source, atLeast]) => ({ source, atLeast: Math.round(atLeast) }));
    return { sources, shortBy: Math.ceil(both.shortBy), of: Math.round(both.total) };
  }

  /** While there is no incident. */
  rotate(now: number): void {
    if (now - this.#since < this.limits.windowMs) return;
    this.#before = this.#now;
    this.#now = new HeavyHitters(this.limits.sourcesMax);
    this.#since = now;
  }

  forget(now: number): void {
    this.#now = new HeavyHitters(this.limits.sourcesMax);
    this.#before = new HeavyHitters(this.limits.sourcesMax);
    this.#since = now;
  }
}
