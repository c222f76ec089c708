// A server's account: what its process uses, seen from outside, and what it says of itself where the caller may
// ask; before a stream, and once it is as it was or had its time.
import { storm as bounds } from "../limits/storm.js";
import { monotonicNow } from "../os/clock.js";
import type { Measured, Server } from "./measure.js";
import { Observer } from "./observer.js";

type Counts = Readonly<Record<string, number>>;

/** The server's own account of itself, where the caller may ask for it. */
export type Admin = {
  readonly pid: number;
  /** What it holds and lends, by kind. */
  holdings(): Promise<Counts>;
  /** What it counted since its start, by reason. */
  counters(): Promise<Counts>;
  /** Octets in use of its main process's heap. */
  heap(): Promise<number>;
  /** Any small answer: how long it takes is how late its event loop is. */
  answer(): Promise<void>;
};

type Before = {
  readonly server: Server | undefined;
  readonly holdings: Counts | undefined;
  readonly counters: Counts | undefined;
  readonly heap: number | undefined;
};

type After = {
  readonly server: Server | undefined;
} & Pick<Measured, "holdings" | "counted" | "heap">;

export class Account {
  readonly observer: Observer | undefined;
  readonly #admin: Admin | undefined;
  #asking = false;
  #slowestMs: number | undefined;

  constructor(admin: Admin | undefined, pid = admin?.pid) {
    this.#admin = admin;
    this.observer = pid === undefined ? undefined : new Observer(pid);
  }

  /** One look at how late it answers, unless one is on its way. */
  ask(): void {
    if (this.#admin === undefined || this.#asking) return;
    this.#asking = true;
    const begun = monotonicNow();
    const told = () => {
      this.#asking = false;
      this.#slowestMs = Math.max(this.#slowestMs ?? 0, monotonicNow() - begun);
    };
    // One that fails was waited for all the same.
    this.#admin.answer().then(told, told);
  }

  /** The latest answer since this was last asked, ms. */
  takeSlowest(): number | undefined {
    const slowest = this.#slowestMs;
    this.#slowestMs = undefined;
    return slowest;
  }

  async before(): Promise<Before> {
    const holdings = await this.#atRest();
    const counters = await this.#admin?.counters();
    const heap = await this.#admin?.heap();
    return { server: this.observer?.now, holdings, counters, heap };
  }

  async after(before: Before): Promise<After> {
    const { holdings, counters, heap } = before;
    const now = await this.#back(holdings);
    const server = await this.#server(before.server);
    const nothing = () => undefined;
    const grown = await this.#admin?.counters().catch(nothing);
    const heapAfter = await this.#admin?.heap().catch(nothing);
    return {
      server,
      holdings: holdings && now && { before: holdings, after: now },
      counted: counters && more(counters, grown),
      heap: heap === undefined ? undefined : { before: heap, after: heapAfter },
    };
  }

  /** The server's process once its descriptors are as many as before, or once it had its time. */
  async #server(before: Server | undefined): Promise<Server | undefined> {
    const end = monotonicNow() + bounds.settleMs;
    for (;;) {
      const now = this.observer?.now;
      const back = (now?.descriptors ?? 0) <= (before?.descriptors ?? 0);
      if (now === undefined || back || monotonicNow() > end) return now;
      await pause(bounds.sampleMs);
    }
  }

  /** What the server holds once two looks agree: it may not have seen the last connection's end yet. */
  async #atRest(): Promise<Counts | undefined> {
    if (this.#admin === undefined) return undefined;
    const end = monotonicNow() + bounds.settleMs;
    let held = await this.#admin.holdings();
    for (;;) {
      await pause(bounds.sampleMs);
      const now = await this.#admin.holdings();
      if (sorted(now) === sorted(held) || monotonicNow() > end) return now;
      held = now;
    }
  }

  /** What the server holds once it is as before, or once it had its time. */
  async #back(before: Counts | undefined): Promise<Counts | undefined> {
    if (this.#admin === undefined || before === undefined) return undefined;
    const wanted = sorted(before);
    const end = monotonicNow() + bounds.settleMs;
    for (;;) {
      const now = await this.#admin.holdings().catch(() => ({ "no answer": 1 }));
      if (sorted(now) === wanted || monotonicNow() > end) return now;
      await pause(bounds.sampleMs);
    }
  }
}

function more(before: Counts, after: Counts = {}): Counts {
  const grown = Object.entries(after).flatMap(([reason, count]) => {
    const by = count - (before[reason] ?? 0);
    return by > 0 ? [[reason, by] as const] : [];
  });
  return Object.fromEntries(grown.sort(([, a], [, b]) => b - a));
}

function sorted(counts: Counts): string {
  const there = Object.entries(counts).filter(([, count]) => count > 0);
  return JSON.stringify(there.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
