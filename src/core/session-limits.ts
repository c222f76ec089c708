// How long a session may last, stay idle and how much it may carry, and when accounting hears of it.
import { after, type Instant } from "../base/instant.js";
import type { FlowCounters } from "../wire/worker-link.js";
import type { AccountTerms } from "./access/ports.js";
import type { Deadline } from "./deadline.js";
import { Timers } from "./timers.js";

type Timer = "time-limit" | "idle-limit" | "interim";
export type LimitReached = "time-limit" | "idle-limit" | "octet-limit";

export class SessionLimits {
  readonly #timers = new Timers<Timer>();
  #lastDataAt = 0;

  /** `interimMs` 0: accounting is told of the beginning and the end only. */
  constructor(readonly interimMs: number) {}

  /** The network phase is open: the account's time begins. */
  begin({ sessionSecondsMax, idleSecondsMax }: Partial<AccountTerms>, now: Instant): void {
    this.#lastDataAt = now;
    if (sessionSecondsMax !== undefined) {
      this.#timers.set("time-limit", after(now, sessionSecondsMax * 1_000));
    }
    if (idleSecondsMax !== undefined)
      this.#timers.set("idle-limit", after(now, idleSecondsMax * 1_000));
    if (this.interimMs > 0) this.#timers.set("interim", after(now, this.interimMs));
  }

  /** What the data path counted. */
  counted(
    { receivedOctets, sentOctets, idleMs }: FlowCounters,
    { octetsMax, idleSecondsMax }: Partial<AccountTerms>,
    now: Instant,
  ): LimitReached | undefined {
    this.#lastDataAt = Math.max(this.#lastDataAt, now - idleMs);
    if (idleSecondsMax !== undefined && this.#timers.at("idle-limit") !== undefined) {
      this.#timers.set("idle-limit", (this.#lastDataAt + idleSecondsMax * 1_000) as Instant);
    }
    const over = octetsMax !== undefined && receivedOctets + sentOctets > octetsMax;
    return over ? "octet-limit" : undefined;
  }

  /** What is due; `interim` is armed again. */
  takeDue(now: Instant): LimitReached | "interim" | undefined {
    const due = this.#timers.due(now);
    if (due === "interim") this.#timers.set("interim", after(now, this.interimMs));
    return due;
  }

  get next(): Deadline | undefined {
    return this.#timers.next();
  }

  clear(): void {
    this.#timers.clearAll();
  }
}
