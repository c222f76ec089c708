// Node's clocks and timers under a schedule: while it is installed, the daemon's own setTimeout and
// performance.now are these. Promises stay Node's: between two steps of time all of them are settled.
import type { Schedule } from "../schedule.js";

type Run = (...words: unknown[]) => void;

/** An hour of a day, so that allowed hours and wall clocks mean something; the same in every run. */
const WALL_CLOCK_MS = Date.UTC(2026, 0, 5, 12);

const real = {
  setTimeout: globalThis.setTimeout,
  setInterval: globalThis.setInterval,
  setImmediate: globalThis.setImmediate,
  clearTimeout: globalThis.clearTimeout,
  clearInterval: globalThis.clearInterval,
  clearImmediate: globalThis.clearImmediate,
  nextTick: process.nextTick,
  now: Date.now,
  monotonicNow: performance.now,
};

class SimTimer {
  due = false;

  constructor(
    readonly run: Run,
    readonly cancelled: (timer: SimTimer) => void,
  ) {}

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }

  [Symbol.dispose](): void {
    this.cancelled(this);
  }
}

export class SimTime implements Disposable {
  /** Started and neither fired for good nor cleared: what is left of them at the end is a leak. */
  readonly pending = new Set<SimTimer>();
  /** Something may have settled a promise since the last look. */
  woken = true;
  #ticks: (() => void)[] = [];

  constructor(readonly schedule: Schedule) {
    const clear = (timer: unknown) => {
      if (timer instanceof SimTimer) this.pending.delete(timer);
    };
    const instead = {
      setTimeout: (run: Run, ms = 1, ...words: unknown[]) =>
        this.#start(run, words, Math.max(1, ms)),
      setInterval: (run: Run, ms = 1, ...words: unknown[]) =>
        this.#start(run, words, Math.max(1, ms), Math.max(1, ms)),
      setImmediate: (run: Run, ...words: unknown[]) => this.#start(run, words, 0),
      clearTimeout: clear,
      clearInterval: clear,
      clearImmediate: clear,
    };
    Object.assign(globalThis, instead);
    Date.now = () => WALL_CLOCK_MS + Math.floor(schedule.now);
    performance.now = () => schedule.now;
    process.nextTick = (run: Run, ...words: unknown[]) => {
      this.#ticks.push(() => run(...words));
    };
  }

  [Symbol.dispose](): void {
    const { now, monotonicNow, nextTick, ...timers } = real;
    Object.assign(globalThis, timers);
    Date.now = now;
    performance.now = monotonicNow;
    process.nextTick = nextTick;
  }

  /** What pending timers run: its name, or its beginning. */
  get names(): string[] {
    return [...this.pending].map(({ run }) => run.name || String(run).slice(0, 60));
  }

  /** Wakes promises: `run` at its time, everything that waits for it before the next step. */
  in(ms: number, run: () => void): void {
    this.schedule.in(ms, () => {
      this.woken = true;
      run();
    });
  }

  /** After each step: what Node would do before it looks at anything else. */
  async settle(): Promise<void> {
    this.#tick();
    if (!this.woken) return;
    this.woken = false;
    await new Promise((resolve) => real.setImmediate(resolve));
    this.#tick();
  }

  #tick(): void {
    for (let run = this.#ticks.shift(); run !== undefined; run = this.#ticks.shift()) run();
  }

  #start(run: Run, words: readonly unknown[], ms: number, everyMs?: number): SimTimer {
    const timer = new SimTimer(run, (one) => this.pending.delete(one));
    this.pending.add(timer);
    const fire = () => {
      if (!this.pending.has(timer)) return;
      if (everyMs === undefined) this.pending.delete(timer);
      else this.schedule.in(everyMs, fire);
      this.woken = true;
      run(...words);
    };
    this.schedule.in(ms, fire);
    return timer;
  }
}

/** The machine's own clock, whatever is installed. */
export function realNow(): number {
  return real.monotonicNow.call(performance);
}
