// IPv6 /64 prefixes for sessions, from one configured prefix (RFC 4861: a link's own prefix).
import type { Ipv6, Prefix6 } from "../../base/ip.js";
import { lease } from "../../base/lease.js";

export const prefixesMax = 65_536;

/** Leases /64s; the last one returned is the last one given again. */
export class PrefixPool {
  readonly #free: number[] = [];
  #next = 0;
  readonly size: number;

  /** `from.length` 0..64; at most 65,536 of its /64s are used. The first is kept for the server. */
  constructor(readonly from: Prefix6) {
    this.size = Math.min(prefixesMax, 2 ** Math.min(16, 64 - from.length));
    this.#next = this.size > 1 ? 1 : 0;
  }

  lease(): { readonly prefix: Ipv6; readonly lease: Disposable } | undefined {
    let index = this.#next < this.size ? this.#next++ : this.#free.shift();
    if (index === undefined) return undefined;
    const taken = index;
    const prefix = Uint8Array.from(this.from.address);
    prefix.fill(0, 8);
    for (let at = 7; at >= 6 && index > 0; at--) {
      prefix[at] = (prefix[at]! | (index & 255)) & 255;
      index >>>= 8;
    }
    return { prefix, lease: lease(() => this.#free.push(taken)) };
  }
}
