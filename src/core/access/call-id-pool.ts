// RFC 2637 §2.7 and THREATS G-08: our Call IDs: random, non-zero, unique and rested per (local address,
// peer address), so that one peer's churn never uses up another's.
import { after, type Instant } from "../../base/instant.js";
import type { Ipv4 } from "../../base/ip.js";
import { lease } from "../../base/lease.js";
import type { Rng } from "../../base/rng.js";
import { control } from "../../limits.js";
import type { CallIdLease } from "../pptp/ports.js";

export type CallIdBounds = {
  readonly callIdsPerPeerMax: number;
  readonly callIdsMax: number;
  readonly callIdQuarantineMs: number;
};

const CALL_ID_MAX = 65_535;
/** Of 65,535 numbers at most callIdsPerPeerMax are taken: so many misses are a broken Rng. */
const DRAWS = 32;

type Peer = { readonly byLocal: Map<Ipv4, Set<number>>; size: number };
type Resting = {
  readonly peer: Ipv4;
  readonly local: Ipv4;
  readonly callId: number;
  until: Instant;
};

export class CallIdPool {
  readonly #bounds: CallIdBounds;
  readonly #peers = new Map<Ipv4, Peer>();
  /** In the order they came back, which is the order they are free again; from #first on. */
  #resting: (Resting | undefined)[] = [];
  #first = 0;
  /** From here on they came back since the pool was last told the time: not dated yet. */
  #undated = 0;
  #size = 0;
  #now: Instant | undefined;

  constructor(bounds: CallIdBounds = control) {
    this.#bounds = bounds;
  }

  /** Call IDs out or resting, of all peers. */
  get size(): number {
    return this.#size;
  }

  /** Undefined when this peer has as many out and resting as one peer may have. */
  lease(local: Ipv4, peer: Ipv4, now: Instant, rng: Rng): CallIdLease | undefined {
    this.advance(now);
    if (this.#size >= this.#bounds.callIdsMax) {
      this.#freeFirst();
      if (this.#size >= this.#bounds.callIdsMax) return undefined;
    }
    const held = this.#peers.get(peer);
    if (held !== undefined && held.size >= this.#bounds.callIdsPerPeerMax) return undefined;
    const callId = draw(held?.byLocal.get(local), rng);
    this.#take(local, peer, callId);
    const out = lease(() => {
      this.#resting.push({ peer, local, callId, until: 0 as Instant });
    });
    return { callId, [Symbol.dispose]: () => out[Symbol.dispose]() };
  }

  /**
   * Time passes: frees what has rested. A lease is given back without a clock, so its rest counts from
   * the first call of this (or of `lease`) after it: never shorter than it should be.
   */
  advance(now: Instant): void {
    // Two callers' clocks are one, yet a caller may hold an instant back.
    const time = this.#now !== undefined && this.#now > now ? this.#now : now;
    this.#now = time;
    for (; this.#undated < this.#resting.length; this.#undated++) {
      this.#resting[this.#undated]!.until = after(time, this.#bounds.callIdQuarantineMs);
    }
    while (this.#first < this.#resting.length && this.#resting[this.#first]!.until <= time) {
      this.#freeFirst();
    }
  }

  #take(local: Ipv4, peer: Ipv4, callId: number): void {
    const held = this.#peers.get(peer) ?? { byLocal: new Map<Ipv4, Set<number>>(), size: 0 };
    this.#peers.set(peer, held);
    const ids = held.byLocal.get(local) ?? new Set<number>();
    held.byLocal.set(local, ids);
    ids.add(callId);
    held.size++;
    this.#size++;
  }

  /** The one that has rested longest, if any, is free again. */
  #freeFirst(): void {
    const rested = this.#resting[this.#first];
    if (rested === undefined) return;
    this.#resting[this.#first++] = undefined;
    this.#undated = Math.max(this.#undated, this.#first);
    if (this.#first * 2 > this.#resting.length && this.#first >= 1024) this.#compact();
    else if (this.#first === this.#resting.length) this.#compact();
    const held = this.#peers.get(rested.peer);
    const ids = held?.byLocal.get(rested.local);
    if (held === undefined || ids === undefined || !ids.delete(rested.callId)) return;
    held.size--;
    this.#size--;
    if (ids.size === 0) held.byLocal.delete(rested.local);
    if (held.size === 0) this.#peers.delete(rested.peer);
  }

  #compact(): void {
    this.#resting = this.#resting.slice(this.#first);
    this.#undated -= this.#first;
    this.#first = 0;
  }
}

function draw(taken: ReadonlySet<number> | undefined, rng: Rng): number {
  let callId = 1;
  for (let i = 0; i < DRAWS; i++) {
    callId = rng.callId();
    if (callId >= 1 && callId <= CALL_ID_MAX && !taken?.has(callId)) return callId;
  }
  while (callId < 1 || callId > CALL_ID_MAX || taken?.has(callId)) {
    callId = callId >= 1 && callId < CALL_ID_MAX ? callId + 1 : 1;
  }
  return callId;
}
