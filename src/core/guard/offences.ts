// What counts towards a block (THREATS 6a): only what a completed TCP handshake proves, each kind with an
// allowance by source. Nothing of GRE is here: its source can be forged.
import type { Ipv4 } from "../../base/ip.js";
import { type Bounds, guard as bounds } from "../../limits.js";
import { Paces } from "./paces.js";

export const offenceWords = {
  logIn: "failed log-ins",
  malformed: "malformed control messages",
  connections: "connection rate",
} as const;

export type Offence = keyof typeof offenceWords;

export class Offences {
  readonly #allowed: Readonly<Record<Offence, Paces>>;

  constructor(limits: Bounds<typeof bounds> = bounds, forgot?: () => void) {
    const allowance = (count: number) => {
      const perSecond = (count * 1_000) / limits.offenceWindowMs;
      return new Paces({ perSecond, burst: count }, limits.sourcesMax, forgot);
    };
    this.#allowed = {
      logIn: allowance(limits.blockFailedLogIns),
      malformed: allowance(limits.blockMalformed),
      connections: allowance(limits.blockConnections),
    };
  }

  /** One more; whether it is one too many. After that the count begins anew. */
  isTooMany(offence: Offence, source: Ipv4, now: number): boolean {
    const allowed = this.#allowed[offence];
    if (allowed.take(source, now)) return false;
    allowed.forget(source);
    return true;
  }
}
