// Whether the main process has more to do than it can: then strangers are turned away (core/guard).
// Late timers alone may be another process's doing; ours is at work all the time, too.
import { type Bounds, guard } from "../limits.js";

const everyMs = 100;

export type Busyness = {
  /** As configured; src/limits.ts's own where left out. */
  readonly limits?: Pick<Bounds<typeof guard>, "busyLagMs" | "busyPercent" | "busyMs">;
  /** Monotonic ms. */
  readonly clock: () => number;
  /** Processor time of this process so far, ms. */
  readonly processorMs: () => number;
  readonly tell: (busy: boolean) => void;
};

/** Judges one interval after the other. */
export class BusyWatch {
  #at = 0;
  #usedMs = 0;
  /** Since when each interval was late and full, and how many were. */
  #lateSince: number | undefined;
  #late = 0;
  #busy = false;

  constructor(readonly around: Busyness) {
    this.begin();
  }

  /** An interval begins now. */
  begin(): void {
    this.#at = this.around.clock();
    this.#usedMs = this.around.processorMs();
  }

  /** To be called every `everyMs`; comes late when there is too much to do: true, and look again. */
  check(): boolean {
    const now = this.around.clock();
    const usedMs = this.around.processorMs();
    const tookMs = now - this.#at;
    const { busyLagMs, busyPercent, busyMs } = this.around.limits ?? guard;
    const full = 100 * (usedMs - this.#usedMs) >= busyPercent * tookMs;
    const late = full && tookMs - everyMs >= busyLagMs;
    this.#lateSince = late ? (this.#lateSince ?? this.#at) : undefined;
    this.#late = late ? this.#late + 1 : 0;
    this.#at = now;
    this.#usedMs = usedMs;
    // One long stall alone, such as a collection, is over when it is seen: there is room again.
    const busy = this.#late > 1 && now - (this.#lateSince ?? now) >= busyMs;
    if (busy !== this.#busy) this.around.tell(busy);
    this.#busy = busy;
    return late;
  }
}

export type BusynessWatch = Disposable & {
  /** A stranger came: whether there is too much to do is looked at until an interval is in time. */
  stir(): void;
};

/** It matters to strangers alone: while none comes, no timer wakes an idle server for it. */
export function watchBusyness(around: Busyness): BusynessWatch {
  const watch = new BusyWatch(around);
  let timer: NodeJS.Timeout | undefined;
  const arm = () => {
    timer = setTimeout(() => {
      timer = undefined;
      if (watch.check()) arm();
    }, everyMs);
  };
  return {
    stir() {
      if (timer !== undefined) return;
      watch.begin();
      arm();
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}

export function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
