// RFC 2637 §2.7 and THREATS G-08: our Call IDs: random, non-zero, unique and rested per (local address,
// peer address), so that one peer's churn never uses up another's.
import { after, type Instant } from "../../base/instant.js";
import type { Ipv4 } from "../../base/ip.js";
import { Lease } from "../../base/lease.js";
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

/** Call IDs out or resting of one peer, each with the local address it is for. */
type Peer = Set<number>;

class CallIdOut extends Lease implements CallIdLease {
  constructor(
    readonly callId: number,
    giveBack: () => void,
  ) {
    super(giveBack);
  }
}

function at(local: Ipv4, callId: number): number {
  return local * 0x1_0000 + callId;
}

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

  /** Call IDs that are out: given back, they rest. */
  get out(): number {
    return this.#size - (this.#resting.length - this.#first);
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
    const callId = draw(local, held, rng);
    if (held === undefined) this.#peers.set(peer, new Set([at(local, callId)]));
    else held.add(at(local, callId));
    this.#size++;
    return new CallIdOut(callId, () => {
      this.#resting.push({ peer, local, callId, until: 0 as Instant });
    });
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

  /** The one that has rested longest, if any, is free again. */
  #freeFirst(): void {
    const rested = this.#resting[this.#first];
    if (rested === undefined) return;
    this.#resting[this.#first++] = undefined;
    this.#undated = Math.max(this.#undated, this.#first);
    if (this.#first * 2 > this.#resting.length && this.#first >= 1024) this.#compact();
    else if (this.#first === this.#resting.length) this.#compact();
    const held = this.#peers.get(rested.peer);
    if (held === undefined || !held.delete(at(rested.local, rested.callId))) return;
    this.#size--;
    if (held.size === 0) this.#peers.delete(rested.peer);
  }

  #compact(): void {
    this.#resting = this.#resting.slice(this.#first);
    this.#undated -= this.#first;
    this.#first = 0;
  }
}

function draw(local: Ipv4, taken: Peer | undefined, rng: Rng): number {
  const isFree = (callId: number) =>
    callId >= 1 && callId <= CALL_ID_MAX && !taken?.has(at(local, callId));
  let callId = 1;
  for (let i = 0; i < DRAWS; i++) {
    callId = rng.callId();
    if (isFree(callId)) return callId;
  }
  while (!isFree(callId)) callId = callId >= 1 && callId < CALL_ID_MAX ? callId + 1 : 1;
  return callId;
}
