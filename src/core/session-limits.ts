// How long a session may last, stay idle and how much it may carry, and when accounting hears of it.
import { after, type Instant } from "../base/instant.js";
import type { FlowCounters } from "../wire/worker-link.js";
import type { AccountTerms } from "./access/ports.js";
import { type Deadline, earliest } from "./deadline.js";

type Timer = "time" | "idle" | "interim";
export type LimitReached = "time-limit" | "idle-limit" | "octet-limit";

export class SessionLimits {
  readonly #timers = new Map<Timer, Instant>();
  #lastDataAt = 0;

  /** `interimMs` 0: accounting is told of the beginning and the end only. */
  constructor(readonly interimMs: number) {}

  /** The network phase is open: the account's time begins. */
  begin({ sessionSecondsMax, idleSecondsMax }: Partial<AccountTerms>, now: Instant): void {
    this.#lastDataAt = now;
    if (sessionSecondsMax !== undefined) {
      this.#timers.set("time", after(now, sessionSecondsMax * 1_000));
    }
    if (idleSecondsMax !== undefined) this.#timers.set("idle", after(now, idleSecondsMax * 1_000));
    if (this.interimMs > 0) this.#timers.set("interim", after(now, this.interimMs));
  }

  /** What the data path counted. */
  counted(
    { receivedOctets, sentOctets, idleMs }: FlowCounters,
    { octetsMax, idleSecondsMax }: Partial<AccountTerms>,
    now: Instant,
  ): LimitReached | undefined {
    this.#lastDataAt = Math.max(this.#lastDataAt, now - idleMs);
    if (idleSecondsMax !== undefined && this.#timers.has("idle")) {
      this.#timers.set("idle", (this.#lastDataAt + idleSecondsMax * 1_000) as Instant);
    }
    const over = octetsMax !== undefined && receivedOctets + sentOctets > octetsMax;
    return over ? "octet-limit" : undefined;
  }

  /** What is due; `interim` is armed again. */
  takeDue(now: Instant): LimitReached | "interim" | undefined {
    for (const [timer, at] of this.#timers) {
      if (at > now) continue;
      this.#timers.delete(timer);
      if (timer !== "interim") return `${timer}-limit`;
      this.#timers.set("interim", after(now, this.interimMs));
      return "interim";
    }
    return undefined;
  }

  get next(): Deadline | undefined {
    let next: Deadline | undefined;
    for (const [timer, at] of this.#timers) next = earliest(next, { at, why: `session ${timer}` });
    return next;
  }

  clear(): void {
    this.#timers.clear();
  }
}
