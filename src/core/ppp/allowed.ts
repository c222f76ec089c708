// THREATS G-13, G-15, G-21: how often what, over a session's life. Each is made when first asked.
import type { Instant } from "../../base/instant.js";
import { ppp } from "../../limits.js";
import { Allowance, RateLimit } from "./rate-limit.js";

const HOUR_MS = 3_600_000;

export class Allowed {
  #rejects: RateLimit | undefined;
  #renegotiations: Map<number, Allowance> | undefined;
  #keyLosses: Allowance | undefined;

  /** DEVIATION 50: Code-Reject and Protocol-Reject together. */
  rejects(perSecond: number): RateLimit {
    this.#rejects ??= new RateLimit(perSecond);
    return this.#rejects;
  }

  /** DEVIATION 43: of each protocol by itself. */
  renegotiation(protocol: number, perHour: number, now: Instant): boolean {
    this.#renegotiations ??= new Map();
    let allowance = this.#renegotiations.get(protocol);
    if (allowance === undefined) {
      allowance = new Allowance(perHour, HOUR_MS);
      this.#renegotiations.set(protocol, allowance);
    }
    return allowance.take(now);
  }

  keyLoss(now: Instant): boolean {
    this.#keyLosses ??= new Allowance(ppp.keyLossesPerHourMax, HOUR_MS);
    return this.#keyLosses.take(now);
  }
}
