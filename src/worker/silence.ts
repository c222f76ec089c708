// Whether a data worker that answers no Ping is stuck, or has had no processor to answer with. Killing
// it for the latter would end every session of a machine that is only busy.
import type { Instant } from "../base/instant.js";
import { type Bounds, worker as bounds } from "../limits.js";
import type { ThreadRun } from "../os/thread-run.js";

/** Less than this between two looks is none: the kernel may count in ticks of 10 ms. */
const NOTHING_MS = 1;

export class Silence {
  readonly #limits: Bounds<typeof bounds>;
  #heardAt: Instant;
  /** At the first look since the last Pong. */
  #suspected: ThreadRun | undefined;

  constructor(now: Instant, limits: Bounds<typeof bounds> = bounds) {
    this.#heardAt = now;
    this.#limits = limits;
  }

  /** `now` may be earlier than it is: when what is answered was asked. */
  heard(now: Instant): void {
    this.#heardAt = now;
    this.#suspected = undefined;
  }

  /** Milliseconds without a Pong. */
  lastedMs(now: Instant): number {
    return now - this.#heardAt;
  }

  /** When it has to be asked again, milliseconds. */
  get askAgainMs(): number {
    return this.#suspected === undefined ? this.#limits.pingEveryMs : this.#limits.suspectEveryMs;
  }

  /**
   * `look` is called only after `pongMs` without a Pong. What is stopped is stuck at once; what has run for
   * `stuckRunMs` since without answering, or neither ran nor waited for a processor, at a later look; what
   * waits for a processor has `starvedMs`. Where the kernel does not tell, silence alone decides.
   */
  stuck(now: Instant, look: () => ThreadRun | undefined): boolean {
    const silentMs = this.lastedMs(now);
    if (silentMs < this.#limits.pongMs) return false;
    if (silentMs >= this.#limits.starvedMs) return true;
    const run = look();
    if (run === undefined || /[TtZX]/.test(run.state)) return true;
    const before = this.#suspected;
    if (before === undefined) {
      this.#suspected = run;
      return false;
    }
    const ranMs = run.ranMs - before.ranMs;
    if (ranMs >= this.#limits.stuckRunMs) return true;
    return run.state !== "R" && ranMs + (run.waitedMs - before.waitedMs) < NOTHING_MS;
  }
}
