// Places of those who have not proven anything yet, bounded by source, /24 and in all. In all the one
// that has had its place for longest gives way, once it had time enough: whoever means to log in needs
// a fraction of that, whoever only holds places has had them long. Before that a source gives way that
// has many to one that has fewer: a flood of one that is held to no bound of its own fills all at once.
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
  /** The oldest first. */
  readonly #places = new Map<T, { readonly peer: Ipv4; readonly since: number }>();
  readonly #bySource = new Map<number, number>();
  readonly #byPrefix = new Map<number, number>();

  constructor(
    readonly most: Scales,
    readonly leastMs: number,
  ) {}

  get size(): number {
    return this.#places.size;
  }

  /** The scale on which there is no place; undefined: there is one. */
  refuses(peer: Ipv4, now: number, exempt: boolean): Scale | undefined {
    const { source, prefix, server } = this.most;
    if (!exempt) {
      if ((this.#bySource.get(peer) ?? 0) >= source) return "source";
      if ((this.#byPrefix.get(prefixOf(peer)) ?? 0) >= prefix) return "prefix";
    }
    if (this.#places.size < server) return undefined;
    return this.givesWay(peer, now) === undefined ? "server" : undefined;
  }

  /** After `refuses` had nothing against it. */
  enter(who: T, peer: Ipv4, now: number): Entered<T> {
    const full = this.#places.size >= this.most.server;
    const gaveWay = full ? this.givesWay(peer, now) : undefined;
    this.#places.set(who, { peer, since: now });
    count(this.#bySource, peer, 1);
    count(this.#byPrefix, prefixOf(peer), 1);
    const place = lease(() => {
      this.#places.delete(who);
      count(this.#bySource, peer, -1);
      count(this.#byPrefix, prefixOf(peer), -1);
    });
    return { place, gaveWay };
  }

  /** Who would, for this newcomer. */
  givesWay(peer: Ipv4, now: number): T | undefined {
    const [oldest] = this.#places;
    if (oldest !== undefined && now - oldest[1].since >= this.leastMs) return oldest[0];
    return this.#ofGreediest(peer);
  }

  /** The oldest of the source with the most places, where the newcomer's would still have fewer. */
  #ofGreediest(peer: Ipv4): T | undefined {
    let most = (this.#bySource.get(peer) ?? 0) + 1;
    let greediest: number | undefined;
    for (const [source, places] of this.#bySource) {
      if (places > most) [most, greediest] = [places, source];
    }
    for (const [who, place] of this.#places) if (place.peer === greediest) return who;
    return undefined;
  }
}

function count(counts: Map<number, number>, key: number, by: number): void {
  const now = (counts.get(key) ?? 0) + by;
  if (now > 0) counts.set(key, now);
  else counts.delete(key);
}
