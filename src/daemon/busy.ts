// Whether the main process has more to do than it can: then strangers are turned away (core/guard).
// Late timers alone may be another process's doing; ours is at work all the time, too.
import { lease } from "../base/lease.js";
import { guard } from "../limits.js";

const everyMs = 100;

export type Busyness = {
  /** Monotonic ms. */
  readonly clock: () => number;
  /** Processor time of this process so far, ms. */
  readonly processorMs: () => number;
  readonly tell: (busy: boolean) => void;
};

/** Judges one interval after the other. */
export class BusyWatch {
  #at: number;
  #usedMs: number;
  /** Since when each interval was late and full, and how many were. */
  #lateSince: number | undefined;
  #late = 0;
  #busy = false;

  constructor(readonly around: Busyness) {
    this.#at = around.clock();
    this.#usedMs = around.processorMs();
  }

  /** To be called every `everyMs`; comes late when there is too much to do. */
  check(): void {
    const now = this.around.clock();
    const usedMs = this.around.processorMs();
    const tookMs = now - this.#at;
    const late = tookMs - everyMs >= guard.busyLagMs && usedMs - this.#usedMs >= 0.8 * tookMs;
    this.#lateSince = late ? (this.#lateSince ?? this.#at) : undefined;
    this.#late = late ? this.#late + 1 : 0;
    this.#at = now;
    this.#usedMs = usedMs;
    // One long stall alone, such as a collection, is over when it is seen: there is room again.
    const busy = this.#late > 1 && now - (this.#lateSince ?? now) >= guard.busyMs;
    if (busy !== this.#busy) this.around.tell(busy);
    this.#busy = busy;
  }
}

export function watchBusyness(around: Busyness): Disposable {
  const watch = new BusyWatch(around);
  const timer = setInterval(() => watch.check(), everyMs);
  return lease(() => clearInterval(timer));
}

export function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
