// IPv6 /64 prefixes for sessions, from one configured prefix (RFC 4861: a link's own prefix).
import type { Ipv6, Prefix6 } from "../../base/ip.js";
import { lease } from "../../base/lease.js";

export const prefixesMax = 65_536;

/** Leases /64s; the last one returned is the last one given again. */
export class PrefixPool {
  readonly #free: number[] = [];
  /** Without the bits behind the prefix length, which are each lease's own. */
  readonly #base: Ipv6;
  #next = 0;
  readonly size: number;

  /** `from.length` 0..64; at most 65,536 of its /64s are used. The first is kept for the server. */
  constructor(readonly from: Prefix6) {
    this.size = Math.min(prefixesMax, 2 ** Math.min(16, 64 - from.length));
    this.#base = network6(from);
    this.#next = this.size > 1 ? 1 : 0;
  }

  lease(): { readonly prefix: Ipv6; readonly lease: Disposable } | undefined {
    let index = this.#next < this.size ? this.#next++ : this.#free.shift();
    if (index === undefined) return undefined;
    const taken = index;
    const prefix = this.#base.slice();
    for (let at = 7; at >= 6 && index > 0; at--) {
      prefix[at] = (prefix[at]! | (index & 255)) & 255;
      index >>>= 8;
    }
    return { prefix, lease: lease(() => this.#free.push(taken)) };
  }
}

function network6({ address, length }: Prefix6): Ipv6 {
  return address.map((octet, at) => octet & (0xff00 >> Math.min(8, Math.max(0, length - 8 * at))));
}
