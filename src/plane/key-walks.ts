// RFC 3078 §7.3, §8.1: the session keys of packets so far ahead that MPPE's count may have gone round.
// Keys follow from one another only, so thousands of lost packets are as many key changes: they are made
// in pieces (G-13), and what was made is kept, so that a forged packet's are not made again.
import type { Instant } from "../base/instant.js";
import type { MppeKey } from "../crypto/mppe-keys.js";
import { plane as limits } from "../limits.js";
import { COHERENCY_COUNTS } from "../wire/mppe.js";
import { KeyBudget, type KeyEarnings } from "./key-budget.js";

const KEY_OCTETS = 16;
/** Where a walk keeps the flow's own key, the furthest made, the last asked for, and one every 4,096. */
const BASE = 0;
const TIP = KEY_OCTETS;
const LAST = 2 * KEY_OCTETS;
const MARKS = 3 * KEY_OCTETS;

/** Of one flow; see limits.ts. */
export const FAR_KEYS: KeyEarnings = {
  burst: limits.keyWalkBurst,
  perSecond: limits.keyWalkPerSecond,
  perPacket: limits.keyStepsPerPacket,
};
const ALL_KEYS: KeyEarnings = {
  burst: limits.keyWalksBurst,
  perSecond: limits.keyWalksPerSecond,
  perPacket: 0,
};

/** Gives so many of `steps` key changes as may be made now; with `whole` all of them or none. */
export type Allowance = (steps: number, whole: boolean) => number;

/** From the key of one flow onwards. Places count from where the walk began. */
export class KeyWalk {
  readonly #octets = new Uint8Array(MARKS + limits.keyWrapsMax * KEY_OCTETS);
  #base = 0;
  #tip = 0;
  #last = 0;

  /** `octets`, at `session`: the flow's session key now. */
  constructor(octets: Uint8Array, session: number) {
    for (const slot of [BASE, TIP, LAST]) {
      for (let i = 0; i < KEY_OCTETS; i++) this.#octets[slot + i] = octets[session + i]!;
    }
  }

  /** Whether the key at `session` is the one it starts from: others decrypt for the flow too. */
  startsAt(octets: Uint8Array, session: number): boolean {
    for (let i = 0; i < KEY_OCTETS; i++) {
      if (this.#octets[BASE + i] !== octets[session + i]) return false;
    }
    return true;
  }

  /** The flow's key is now the one at `session`, `steps` further on. False: nothing made lies beyond it. */
  moved(octets: Uint8Array, session: number, steps: number): boolean {
    this.#base += steps;
    for (let i = 0; i < KEY_OCTETS; i++) this.#octets[BASE + i] = octets[session + i]!;
    return this.#tip > this.#base;
  }

  /**
   * Puts `key`, whose start key is the flow's, `steps` changes beyond the flow's own. False: it may not be
   * had yet, and what was made on the way is kept.
   */
  go(key: MppeKey, steps: number, allowance: Allowance): boolean {
    const to = this.#base + steps;
    const from = this.#startFor(key, to);
    if (to <= this.#tip) {
      if (allowance(to - from, true) < to - from) return false;
      for (let at = from; at < to; at++) key.step();
    } else if (!this.#advance(key, from, to, allowance)) return false;
    this.#last = to;
    key.keep(this.#octets, LAST);
    return true;
  }

  wipe(): void {
    this.#octets.fill(0);
  }

  /** Puts `key` to the nearest place kept that is not beyond `to`. */
  #startFor(key: MppeKey, to: number): number {
    let from = this.#base;
    let slot = BASE;
    const marks = Math.min(
      Math.floor(Math.min(to, this.#tip) / COHERENCY_COUNTS),
      limits.keyWrapsMax,
    );
    if (marks * COHERENCY_COUNTS > from) {
      from = marks * COHERENCY_COUNTS;
      slot = MARKS + (marks - 1) * KEY_OCTETS;
    }
    if (this.#last > from && this.#last <= to) {
      from = this.#last;
      slot = LAST;
    }
    if (this.#tip > from && this.#tip <= to) {
      from = this.#tip;
      slot = TIP;
    }
    key.takeSession(this.#octets, slot);
    return from;
  }

  #advance(key: MppeKey, from: number, to: number, allowance: Allowance): boolean {
    const until = from + allowance(to - from, false);
    for (let at = from; at < until; ) {
      key.step();
      at++;
      const marks = at / COHERENCY_COUNTS;
      if (Number.isInteger(marks) && marks <= limits.keyWrapsMax) {
        key.keep(this.#octets, MARKS + (marks - 1) * KEY_OCTETS);
      }
    }
    this.#tip = until;
    key.keep(this.#octets, TIP);
    return until === to;
  }
}

/** All flows' of one data worker. */
export class KeyWalks {
  readonly #budget = new KeyBudget(ALL_KEYS);
  readonly #walks = new Map<object, KeyWalk>();

  get size(): number {
    return this.#walks.size;
  }

  /** The owner's walk from the key at `session`; a new one takes the place of the one begun longest ago. */
  of(owner: object, octets: Uint8Array, session: number): KeyWalk {
    const known = this.known(owner, octets, session);
    if (known !== undefined) return known;
    for (const [oldest] of this.#walks) {
      if (this.#walks.size < limits.keyWalksMax) break;
      this.drop(oldest);
    }
    const walk = new KeyWalk(octets, session);
    this.#walks.set(owner, walk);
    return walk;
  }

  /** The owner's walk where there is one from the key at `session`; any other is over. */
  known(owner: object, octets: Uint8Array, session: number): KeyWalk | undefined {
    const walk = this.#walks.get(owner);
    if (walk === undefined || walk.startsAt(octets, session)) return walk;
    this.drop(owner);
    return undefined;
  }

  drop(owner: object): void {
    this.#walks.get(owner)?.wipe();
    this.#walks.delete(owner);
  }

  /** Spends so many of `steps` as this flow's own budget and the one of all have. */
  take(own: KeyBudget, packets: number, now: Instant, steps: number, whole: boolean): number {
    const there = Math.min(own.available(now, packets), this.#budget.available(now));
    if (whole && there < steps) return 0;
    const taken = Math.min(steps, there);
    own.take(now, taken, packets);
    this.#budget.take(now, taken);
    return taken;
  }
}
