// The named timers of one PPP session: a fixed table, so that nothing can be left running unseen.
import type { Instant } from "../../base/instant.js";
import type { Deadline } from "../deadline.js";

export const TIMERS = [
  "lcp-restart",
  "ccp-restart",
  "ipcp-restart",
  "ipv6cp-restart",
  /** A Challenge, Response or PAP request is sent again. */
  "authentication-restart",
  /** The backend's answer. */
  "verdict",
  /** The phase must be finished. */
  "phase",
  "echo",
  "probe",
  /** CCP Reset-Request is sent again. */
  "reset",
] as const;
export type TimerName = (typeof TIMERS)[number];

export class Timers {
  readonly #at = new Map<TimerName, Instant>();

  set(name: TimerName, at: Instant): void {
    this.#at.set(name, at);
  }

  clear(name: TimerName): void {
    this.#at.delete(name);
  }

  clearAll(): void {
    this.#at.clear();
  }

  runs(name: TimerName): boolean {
    return this.#at.has(name);
  }

  /** Takes the timer out when it is due. */
  takeDue(name: TimerName, now: Instant): boolean {
    const at = this.#at.get(name);
    if (at === undefined || at > now) return false;
    this.#at.delete(name);
    return true;
  }

  next(): Deadline | undefined {
    let next: Deadline | undefined;
    for (const [why, at] of this.#at) {
      if (next === undefined || at < next.at) next = { at, why };
    }
    return next;
  }
}
