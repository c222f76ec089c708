// RFC 3078 §7, §8: decryption of what comes in. MPPE has no integrity, so a key is changed on a copy
// and kept only when what comes out is a plausible packet: a forged count never moves the key
// (DEVIATION 25).
import { type Instant, instant } from "../base/instant.js";
import { type KeyBits, MppeKey } from "../crypto/mppe-keys.js";
import { plane as limits } from "../limits.js";
import {
  COHERENCY_COUNTS,
  coherencyCountOf,
  coherencyDistance,
  ENCRYPTED,
  FLUSHED,
  MPPE_HEADER_OCTETS,
  readMppeHeader,
} from "../wire/mppe.js";
import type { EncryptionTerms } from "../wire/worker-link.js";
import type { DropReason } from "./drop-reason.js";
import { KeyBudget } from "./key-budget.js";
import {
  BITS_40,
  BITS_56,
  JUDGED_OCTETS,
  RECEIVE_BOX,
  RECEIVE_COUNT,
  RECEIVE_KEY,
  RECEIVE_START,
  RECEIVED_PACKETS,
  STATEFUL,
  STREAM_PLACES,
  UNACCOUNTED,
} from "./layout.js";
import { FlowCells } from "./memory.js";
import type { FlushDialect } from "./mppe-send.js";
import { cipher, keyOf, wipeWork } from "./mppe-work.js";

/** Says whether decrypted octets [0, end), only JUDGED_OCTETS of them yet, may be a packet of this flow. */
export interface Judge {
  isPlausible(plaintext: Uint8Array, end: number, jump: number): boolean;
}

/** Packets of a new key that may have come before the key did. */
const FRESH_JUMP_MAX = limits.forwardWindow;
/** Flushed packets that may have been lost, each with a key change the peer made. */
const LOST_FLUSHES_MAX = 4;
/** A Reset-Request is repeated while nothing helps, ever more slowly. */
const RESET_FIRST_MS = 1_000;
const RESET_LAST_MS = 16_000;

export class MppeReceive {
  readonly #cells: FlowCells;
  readonly #bits: KeyBits;
  readonly #stateful: boolean;
  readonly #dialect: FlushDialect;
  readonly #judge: Judge;
  /** Made when first asked. The second is for packets far ahead: a flood of them spends no other's. */
  #keySteps: KeyBudget | undefined;
  #farKeySteps: KeyBudget | undefined;
  /** Nothing was decrypted yet. */
  #fresh = true;
  /** The sequence was proven since the last decrypted packet: a larger jump is the peer's own. */
  #resynchronised = false;
  #discarding = false;
  #resetAt: Instant = instant(Number.NEGATIVE_INFINITY);
  #resetEveryMs = RESET_FIRST_MS;

  constructor(
    terms: EncryptionTerms,
    dialect: FlushDialect,
    judge: Judge,
    cells = FlowCells.alone(),
  ) {
    this.#cells = cells;
    this.#bits = terms.bits;
    this.#stateful = terms.stateful;
    this.#dialect = dialect;
    this.#judge = judge;
    const { octets } = cells.views;
    const key = new MppeKey(terms.receiveStart, terms.bits);
    key.keep(octets, cells.at + RECEIVE_KEY, cells.at + RECEIVE_START);
    cipher.schedule(key.octets, key.octets.length);
    if (terms.stateful) cipher.keep(octets, cells.boxes + RECEIVE_BOX, cells.at + STREAM_PLACES);
    cells.setUint32(RECEIVE_COUNT, COHERENCY_COUNTS - 1);
    cells.setUint32(UNACCOUNTED, 0);
    key.wipe();
  }

  /** Nothing is amiss: the next packet in sequence has the next count. */
  get steady(): boolean {
    return !this.#fresh && !this.#resynchronised && !this.#discarding && this.#unaccounted === 0;
  }

  /** What the lane must know of the terms, which are the same both ways. */
  get flags(): number {
    const bits = this.#bits === 128 ? 0 : this.#bits === 56 ? BITS_56 : BITS_40;
    return bits | (this.#stateful ? STATEFUL : 0);
  }

  /** `packets` numbers of the GRE sequence were skipped: any of them may have been MPPE's. */
  skipped(packets: number): void {
    this.#unaccounted += packets;
  }

  /**
   * A number carried something else. Where that was forged, a packet of MPPE's had the number and is
   * late now: without this no later count would be believed. Of itself it never costs the keys.
   */
  stoodIn(): void {
    if (this.#unaccounted < limits.forwardWindowMppe) this.#unaccounted++;
  }

  /** The peer proved its place in the sequence. */
  resynchronised(): void {
    this.#resynchronised = true;
  }

  /** The coherency count has wrapped unseen, perhaps: only new keys help. */
  get keysLost(): boolean {
    return this.#unaccounted >= COHERENCY_COUNTS;
  }

  /** Stateful only: whether a CCP Reset-Request is due. Asking starts the wait for the next. */
  takeResetDue(now: Instant): boolean {
    if (!this.#discarding || now < this.#resetAt) return false;
    this.#resetAt = instant(now + this.#resetEveryMs);
    this.#resetEveryMs = Math.min(2 * this.#resetEveryMs, RESET_LAST_MS);
    return true;
  }

  /**
   * Decrypts the MPPE packet (header included) at [start, end) to 0 of `into`, `end - start - 2`
   * octets. A reason means that nothing was learned and the key stands where it stood.
   */
  decrypt(
    octets: Uint8Array,
    start: number,
    end: number,
    into: Uint8Array,
    now: Instant,
  ): DropReason | undefined {
    const reason = this.#attempt(octets, start, end, into, now, 0, true);
    if (reason === undefined) {
      this.#fresh = false;
      this.#resynchronised = false;
      this.#unaccounted = 0;
      this.#discarding = false;
      this.#resetEveryMs = RESET_FIRST_MS;
    } else {
      this.#unaccounted++;
    }
    return reason;
  }

  /** Whether a packet `skipped` numbers ahead, or behind if negative, would decrypt plausibly. Moves nothing. */
  wouldDecrypt(
    octets: Uint8Array,
    start: number,
    end: number,
    into: Uint8Array,
    now: Instant,
    skipped: number,
  ): boolean {
    return this.#attempt(octets, start, end, into, now, skipped, false) === undefined;
  }

  wipe(): void {
    this.#cells.wipe(RECEIVE_KEY, 32);
    if (this.#stateful) this.#cells.wipeBox(RECEIVE_BOX);
    this.#cells.wipe(STREAM_PLACES, 2);
    wipeWork();
  }

  /** Sequence numbers of which nobody knows whether they were MPPE's. */
  get #unaccounted(): number {
    return this.#cells.uint32(UNACCOUNTED);
  }

  set #unaccounted(packets: number) {
    this.#cells.setUint32(UNACCOUNTED, packets);
  }

  /** With `keeps` false nothing moves, whatever comes out. */
  #attempt(
    octets: Uint8Array,
    start: number,
    end: number,
    into: Uint8Array,
    now: Instant,
    skipped: number,
    keeps: boolean,
  ): DropReason | undefined {
    const header = readMppeHeader(octets, start, end);
    if (header === undefined) return "mppe-empty";
    if ((header & ENCRYPTED) === 0) return "mppe-not-encrypted";
    if (this.keysLost) return "mppe-keys-lost";
    const count = coherencyCountOf(header);
    const jump = coherencyDistance(this.#cells.uint32(RECEIVE_COUNT), count);
    if (jump === 0) return "mppe-late";
    if (jump > this.#jumpMax(skipped)) return "mppe-jump";
    const flushed = (header & FLUSHED) !== 0;
    if (!this.#stateful) {
      if (!flushed) return "mppe-not-flushed";
      if (jump > 1 && !this.#takeKeySteps(now, jump - 1, keeps)) return "mppe-key-budget";
    }
    into.set(octets.subarray(start + MPPE_HEADER_OCTETS, end), 0);
    const length = end - start - MPPE_HEADER_OCTETS;
    const trial = { into, length, count, jump, keeps };
    if (this.#stateful) return this.#decryptStateful(trial, flushed, now);
    return this.#tryKey(trial, jump) ? undefined : "mppe-implausible";
  }

  /** `keeps` false: of a packet far ahead, where time alone earns any. */
  #takeKeySteps(now: Instant, steps: number, keeps: boolean): boolean {
    if (keeps) {
      this.#keySteps ??= new KeyBudget();
      return this.#keySteps.take(now, steps, this.#cells.float64(RECEIVED_PACKETS));
    }
    this.#farKeySteps ??= new KeyBudget();
    return this.#farKeySteps.take(now, steps);
  }

  /** Every MPPE packet spends one GRE number, so no count jumps further than the sequence did. */
  #jumpMax(skipped: number): number {
    const most = this.#resynchronised ? COHERENCY_COUNTS - 1 : limits.forwardWindowMppe;
    const unaccounted = this.#unaccounted + skipped + 1;
    return Math.min(this.#fresh ? Math.max(unaccounted, FRESH_JUMP_MAX) : unaccounted, most);
  }

  /** Decrypts [0, length) with the key `steps` on; keeps key and stream if it is plausible. */
  #tryKey({ into, length, count, jump, keeps }: Trial, steps: number): boolean {
    const { views, at } = this.#cells;
    const key = keyOf(this.#bits);
    key.take(views.octets, at + RECEIVE_START, at + RECEIVE_KEY);
    for (let i = 0; i < steps; i++) key.step();
    cipher.schedule(key.octets, key.octets.length);
    if (!this.#apply(into, length, jump)) return false;
    if (!keeps) return true;
    key.keep(views.octets, at + RECEIVE_KEY);
    this.#keepPlace(count);
    return true;
  }

  /** Decrypts [0, length) if its beginning is plausible. */
  #apply(into: Uint8Array, length: number, jump: number): boolean {
    const head = Math.min(length, JUDGED_OCTETS);
    cipher.apply(into, 0, head);
    if (!this.#judge.isPlausible(into, length, jump)) return false;
    cipher.apply(into, head, length);
    return true;
  }

  /** The shared cipher stands where the stream goes on after packet `count`. */
  #keepPlace(count: number): void {
    const { views, at, boxes } = this.#cells;
    if (this.#stateful) cipher.keep(views.octets, boxes + RECEIVE_BOX, at + STREAM_PLACES);
    this.#cells.setUint32(RECEIVE_COUNT, count);
  }

  #decryptStateful(trial: Trial, flushed: boolean, now: Instant): DropReason | undefined {
    const { into, length, count, jump, keeps } = trial;
    if (flushed || (count & 0xff) === 0xff) return this.#tryFlushed(trial, now);
    if (jump !== 1) {
      if (keeps) this.#discarding = true;
      return "mppe-discarding";
    }
    // Tried even while discarding: if the loss was only a forged packet, the stream goes on.
    const { views, at, boxes } = this.#cells;
    cipher.take(views.octets, boxes + RECEIVE_BOX, at + STREAM_PLACES);
    if (!this.#apply(into, length, jump)) return "mppe-implausible";
    if (keeps) this.#keepPlace(count);
    return undefined;
  }

  /**
   * The tables were started anew with some key from here on: the flag packets' changes since the
   * last packet we read, and, with a peer that changes its key at every flush, one for each of
   * those, the lost ones too.
   */
  #tryFlushed(trial: Trial, now: Instant): DropReason | undefined {
    const { into, length, count, jump, keeps } = trial;
    const flags = flagsAmong(this.#cells.uint32(RECEIVE_COUNT), jump);
    const ciphertext = into.slice(0, length);
    for (let extra = 0; extra <= 1 + LOST_FLUSHES_MAX; extra++) {
      if (!this.#takeKeySteps(now, flags + extra, keeps)) return "mppe-key-budget";
      into.set(ciphertext, 0);
      if (!this.#tryKey(trial, flags + extra)) continue;
      const flagPacket = (count & 0xff) === 0xff;
      if (keeps && !flagPacket && extra <= 1) this.#dialect.rekeys = extra === 1;
      return undefined;
    }
    return "mppe-implausible";
  }
}

/** One packet's attempt: its octets are decrypted where they stand. */
type Trial = {
  readonly into: Uint8Array;
  readonly length: number;
  readonly count: number;
  /** Counts since the last packet read. */
  readonly jump: number;
  readonly keeps: boolean;
};

/** Flag packets, whose low octet is 0xFF, among the `jump` counts after `from`. */
function flagsAmong(from: number, jump: number): number {
  return ((from + jump + 1) >> 8) - ((from + 1) >> 8);
}
