// What a bound of the guard counts by: one source address, its /24, or all strangers together. The
// outer protocol is IPv4 (RFC 2637 §1.3), so there is no /64 to count by.
import type { Ipv4 } from "../../base/ip.js";
import { Paces } from "./paces.js";

export type Scale = "source" | "prefix" | "server";

export type Scales = Readonly<Record<Scale, number>>;

export type Charged = { readonly ms: number; readonly scale: Scale | undefined };

export function prefixOf(peer: Ipv4): number {
  return peer >>> 8;
}

/** One rate on the three scales: the narrowest that is spent spends nothing of the wider ones. */
export class ScaledRate {
  readonly #source: Paces;
  readonly #prefix: Paces;
  readonly #server: Paces;

  /** A burst is what the rate gives in `burstMs`, and at least one. */
  constructor(
    perSecond: Scales,
    burstMs: number,
    sourcesMax: number,
    forgot?: () => void,
    debtMaxMs?: number,
  ) {
    const pace = (rate: number) => ({
      perSecond: rate,
      burst: Math.max(1, (rate * burstMs) / 1_000),
    });
    this.#source = new Paces(pace(perSecond.source), sourcesMax, forgot, debtMaxMs);
    this.#prefix = new Paces(pace(perSecond.prefix), sourcesMax, forgot, debtMaxMs);
    this.#server = new Paces(pace(perSecond.server), 1, undefined, debtMaxMs);
  }

  /** Takes one; the scale that has none left, where one has not. `exempt`: the server's alone. */
  take(peer: Ipv4, now: number, exempt: boolean): Scale | undefined {
    if (!exempt) {
      if (this.#source.overBy(peer, now, 1) > 0) return "source";
      if (this.#prefix.overBy(prefixOf(peer), now, 1) > 0) return "prefix";
    }
    if (!this.#server.take(0, now)) return "server";
    if (exempt) return undefined;
    this.#source.charge(peer, 1, now);
    this.#prefix.charge(prefixOf(peer), 1, now);
    return undefined;
  }

  /** Takes `count` that have come already: the ms until the next may, and the scale that says so. */
  charge(peer: Ipv4, count: number, now: number, exempt: boolean): Charged {
    const server = this.#server.charge(0, count, now);
    const prefix = exempt ? 0 : this.#prefix.charge(prefixOf(peer), count, now);
    const source = exempt ? 0 : this.#source.charge(peer, count, now);
    const ms = Math.max(source, prefix, server);
    if (ms === 0) return { ms, scale: undefined };
    // The narrowest of those that are spent, as `take` has it: what one source does is its own.
    const scale = source > 0 ? "source" : prefix > 0 ? "prefix" : "server";
    return { ms, scale };
  }
}
