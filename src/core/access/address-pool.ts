// The addresses that IPCP gives to peers (RFC 1332 §3.3): leased after authentication, each to one
// session, every one of the pool's used. The longest free goes first, so that a late packet for the
// last holder meets nobody; a user gets the last one back while it is free.

import { invariant } from "../../base/invariant.js";
import type { Ipv4, Prefix4 } from "../../base/ip.js";
import { Lease } from "../../base/lease.js";
import { type Range4, rangeOf } from "../../base/range4.js";
import { access } from "../../limits.js";

export type AddressPoolTerms = {
  readonly ranges: readonly Range4[];
  /** Never leased: the server's own address in the pool, printers of a LAN, … */
  readonly exclusions: readonly Range4[];
};

export class AddressLease extends Lease {
  constructor(
    readonly address: Ipv4,
    giveBack: () => void,
  ) {
    super(giveBack);
  }
}

/**
 * The CIDR form of a pool: as a network's, its first and last address are left out up to /30. The
 * range form leaves nothing out.
 */
export function poolRangeOf(prefix: Prefix4): Range4 {
  const { first, last } = rangeOf(prefix);
  return prefix.length <= 30 ? { first: first + 1, last: last - 1 } : { first, last };
}

/** Sorted, without overlap, less the exclusions. */
export function poolRanges({ ranges, exclusions }: AddressPoolTerms): readonly Range4[] {
  const less = [...exclusions].sort((a, b) => a.first - b.first);
  const whole: Range4[] = [];
  for (const range of [...ranges].sort((a, b) => a.first - b.first)) {
    let first = whole.length > 0 ? Math.max(range.first, whole.at(-1)!.last + 1) : range.first;
    // The ranges before end below `first`; cut the exclusions out of the rest.
    for (const { first: from, last: to } of less) {
      if (to < first || from > range.last) continue;
      if (from > first) whole.push({ first, last: from - 1 });
      first = Math.max(first, to + 1);
    }
    if (first <= range.last) whole.push({ first, last: range.last });
  }
  return whole;
}

export function countAddresses(ranges: readonly Range4[]): number {
  return ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
}

const NONE = 0xffffffff;

/** The pool's addresses by number, and the free ones as a queue through two arrays. O(1) a step. */
class FreeQueue {
  readonly #starts: readonly { readonly range: Range4; readonly index: number }[];
  readonly #next: Uint32Array;
  readonly #previous: Uint32Array;
  readonly #free: Uint8Array;
  readonly size: number;
  #head = NONE;
  #tail = NONE;
  free = 0;

  constructor(ranges: readonly Range4[]) {
    let index = 0;
    this.#starts = ranges.map((range) => {
      const start = { range, index };
      index += range.last - range.first + 1;
      return start;
    });
    invariant(index <= access.poolAddressesMax, "the pool is larger than poolAddressesMax");
    this.size = index;
    this.#next = new Uint32Array(index).fill(NONE);
    this.#previous = new Uint32Array(index).fill(NONE);
    this.#free = new Uint8Array(index);
  }

  *addresses(): IterableIterator<Ipv4> {
    for (const { range } of this.#starts) {
      for (let address = range.first; address <= range.last; address++) yield address;
    }
  }

  has(address: Ipv4): boolean {
    return this.#indexOf(address) !== undefined;
  }

  isFree(address: Ipv4): boolean {
    const index = this.#indexOf(address);
    return index !== undefined && this.#free[index] === 1;
  }

  /** To the queue's end; no effect on an address that is free or not of this pool. */
  add(address: Ipv4): void {
    const index = this.#indexOf(address);
    if (index === undefined || this.#free[index] === 1) return;
    this.#free[index] = 1;
    this.free++;
    this.#previous[index] = this.#tail;
    this.#next[index] = NONE;
    if (this.#tail === NONE) this.#head = index;
    else this.#next[this.#tail] = index;
    this.#tail = index;
  }

  remove(address: Ipv4): void {
    const index = this.#indexOf(address);
    if (index === undefined || this.#free[index] === 0) return;
    this.#free[index] = 0;
    this.free--;
    const before = this.#previous[index]!;
    const behind = this.#next[index]!;
    if (before === NONE) this.#head = behind;
    else this.#next[before] = behind;
    if (behind === NONE) this.#tail = before;
    else this.#previous[behind] = before;
  }

  first(): Ipv4 | undefined {
    return this.#head === NONE ? undefined : this.#addressOf(this.#head);
  }

  #startBefore(isAfter: (start: { range: Range4; index: number }) => boolean) {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isAfter(this.#starts[middle]!)) high = middle;
      else low = middle + 1;
    }
    return this.#starts[low - 1];
  }

  #indexOf(address: Ipv4): number | undefined {
    const start = this.#startBefore(({ range }) => range.first > address);
    if (start === undefined || address > start.range.last) return undefined;
    return start.index + (address - start.range.first);
  }

  #addressOf(index: number): Ipv4 {
    const start = this.#startBefore((one) => one.index > index)!;
    return start.range.first + (index - start.index);
  }
}

export class AddressPool {
  #queue: FreeQueue;
  #static = new Set<Ipv4>();
  readonly #leased = new Map<Ipv4, string>();
  /** The last address of a user, the longest unused entry first. */
  readonly #last = new Map<string, Ipv4>();

  constructor(terms: AddressPoolTerms) {
    this.#queue = new FreeQueue(poolRanges(terms));
    this.#refill();
  }

  /** Addresses of the pool, those that could be leased now, and those that are (static ones too). */
  get size(): number {
    return this.#queue.size;
  }
  get free(): number {
    return this.#queue.free;
  }
  get leased(): number {
    return this.#leased.size;
  }

  /** Takes these out of the pool: they go to who names them as static. Replaces the earlier set. */
  reserveStatic(addresses: Iterable<Ipv4>): void {
    const before = this.#static;
    this.#static = new Set(addresses);
    for (const address of this.#static) this.#queue.remove(address);
    for (const address of before) this.#giveBack(address);
  }

  /** A change of the configuration: what is leased stays leased, even outside the new ranges. */
  reshape(terms: AddressPoolTerms): void {
    this.#queue = new FreeQueue(poolRanges(terms));
    this.#refill();
  }

  /**
   * An address for a session of `user`: `staticAddress` when there is one (it may lie outside the
   * pool), else the user's last, else the longest free. Undefined when the pool is empty or the
   * static address is out.
   */
  lease(user: string, staticAddress?: Ipv4): AddressLease | undefined {
    const address = staticAddress ?? this.#pick(user);
    if (address === undefined || this.#leased.has(address)) return undefined;
    this.#queue.remove(address);
    this.#leased.set(address, user);
    if (staticAddress === undefined) this.#remember(user, address);
    return new AddressLease(address, () => {
      this.#leased.delete(address);
      this.#giveBack(address);
    });
  }

  holder(address: Ipv4): string | undefined {
    return this.#leased.get(address);
  }

  #pick(user: string): Ipv4 | undefined {
    const last = this.#last.get(user);
    return last !== undefined && this.#queue.isFree(last) ? last : this.#queue.first();
  }

  #remember(user: string, address: Ipv4): void {
    this.#last.delete(user);
    this.#last.set(user, address);
    if (this.#last.size <= access.lastAddressesMax) return;
    for (const longestUnused of this.#last.keys()) {
      this.#last.delete(longestUnused);
      return;
    }
  }

  #giveBack(address: Ipv4): void {
    if (!this.#leased.has(address) && !this.#static.has(address)) this.#queue.add(address);
  }

  #refill(): void {
    for (const address of this.#queue.addresses()) this.#giveBack(address);
  }
}
