// Places of those who have not proven anything yet, bounded by source, /24 and in all. In all the one
// that has had its place for longest gives way, once it had time enough: whoever means to log in needs
// a fraction of that, whoever only holds places has had them long.
import type { Ipv4 } from "../../base/ip.js";
import { lease } from "../../base/lease.js";
import { prefixOf, type Scale, type Scales } from "./scales.js";

export type Entered<T> = {
  /** Given back when it has proven itself, or is gone. */
  readonly place: Disposable;
  /** Whose place it is now. */
  readonly gaveWay: T | undefined;
};

export class Strangers<T extends object> {
  readonly #since = new Map<T, number>();
  readonly #bySource = new Map<number, number>();
  readonly #byPrefix = new Map<number, number>();

  constructor(
    readonly most: Scales,
    readonly leastMs: number,
  ) {}

  get size(): number {
    return this.#since.size;
  }

  /** The scale on which there is no place; undefined: there is one. */
  refuses(peer: Ipv4, now: number, exempt: boolean): Scale | undefined {
    const { source, prefix, server } = this.most;
    if (!exempt) {
      if ((this.#bySource.get(peer) ?? 0) >= source) return "source";
      if ((this.#byPrefix.get(prefixOf(peer)) ?? 0) >= prefix) return "prefix";
    }
    if (this.#since.size < server) return undefined;
    return this.#longest(now) === undefined ? "server" : undefined;
  }

  /** After `refuses` had nothing against it. */
  enter(who: T, peer: Ipv4, now: number): Entered<T> {
    const gaveWay = this.#since.size < this.most.server ? undefined : this.#longest(now);
    this.#since.set(who, now);
    count(this.#bySource, peer, 1);
    count(this.#byPrefix, prefixOf(peer), 1);
    const place = lease(() => {
      this.#since.delete(who);
      count(this.#bySource, peer, -1);
      count(this.#byPrefix, prefixOf(peer), -1);
    });
    return { place, gaveWay };
  }

  #longest(now: number): T | undefined {
    for (const [who, since] of this.#since) return now - since >= this.leastMs ? who : undefined;
    return undefined;
  }
}

function count(counts: Map<number, number>, key: number, by: number): void {
  const now = (counts.get(key) ?? 0) + by;
  if (now > 0) counts.set(key, now);
  else counts.delete(key);
}
