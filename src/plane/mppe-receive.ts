// RFC 3078 §7, §8: decryption of what comes in. MPPE has no integrity, so a key is changed on a copy
// and kept only when what comes out is a plausible packet: a forged count never moves the key
// (DEVIATION 25). How often the count went round since the last packet read, GRE's numbers tell.
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
import { FAR_KEYS, KeyWalks } from "./key-walks.js";
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
} from "./layout.js";
import { FlowCells } from "./memory.js";
import type { FlushDialect } from "./mppe-send.js";
import { cipher, keyOf, wipeWork } from "./mppe-work.js";
import { Unread } from "./unread.js";

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
  #walkBudget: KeyBudget | undefined;
  readonly #walks: KeyWalks;
  readonly #unread: Unread;
  /** Nothing was decrypted yet. */
  #fresh = true;
  #discarding = false;
  #resetAt: Instant = instant(Number.NEGATIVE_INFINITY);
  #resetEveryMs = RESET_FIRST_MS;

  constructor(
    terms: EncryptionTerms,
    dialect: FlushDialect,
    judge: Judge,
    cells = FlowCells.alone(),
    walks = new KeyWalks(),
  ) {
    this.#cells = cells;
    this.#walks = walks;
    this.#unread = new Unread(cells);
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
    key.wipe();
  }

  /** Nothing is amiss: the next packet in sequence has the next count. */
  get steady(): boolean {
    return !this.#fresh && !this.#discarding && this.#unread.none;
  }

  /** What the lane must know of the terms, which are the same both ways. */
  get flags(): number {
    const bits = this.#bits === 128 ? 0 : this.#bits === 56 ? BITS_56 : BITS_40;
    return bits | (this.#stateful ? STATEFUL : 0);
  }

  /** The GRE sequence went so many numbers on, or back. */
  skipped(numbers: number): void {
    this.#unread.skipped(numbers);
  }

  /** A number carried something else; where that was forged, a packet of MPPE's had it and is late now. */
  stoodIn(): void {
    this.#unread.stoodIn();
  }

  /** Only the peer can have sent the number just taken (G-10): so much was really lost. */
  placeProven(now: Instant): void {
    const missing = this.#unread.proven(now);
    if (missing === 0 || this.#stateful) return;
    this.#walkBudget ??= new KeyBudget(FAR_KEYS);
    this.#walkBudget.grant(missing);
  }

  /** The peer's packets cannot be read any more, by what nobody else can make us believe: only new keys help. */
  get keysLost(): boolean {
    return this.#unread.keysLost;
  }

  /** Whether the peer is to be asked for its place, since nothing is read any more. Asking starts the wait. */
  takeDoubt(now: Instant): boolean {
    return this.#unread.takeDoubt(now);
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
      this.#unread.read();
      this.#discarding = false;
      this.#resetEveryMs = RESET_FIRST_MS;
    } else {
      this.#unread.refused(now, reason);
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
    this.#walks.drop(this);
    wipeWork();
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
    const count = coherencyCountOf(header);
    const distance = coherencyDistance(this.#cells.uint32(RECEIVE_COUNT), count);
    // The last packet's count again: that packet, or the count has gone round.
    const jump = distance === 0 ? COHERENCY_COUNTS : distance;
    const since = this.#unread.numbersTo(skipped);
    const numbers = this.#fresh ? Math.max(since, FRESH_JUMP_MAX) : since;
    if (jump > numbers) return distance === 0 ? "mppe-late" : "mppe-jump";
    const flushed = (header & FLUSHED) !== 0;
    if (!this.#stateful && !flushed) return "mppe-not-flushed";
    const most = Math.floor((numbers - jump) / COHERENCY_COUNTS);
    const clear = Math.min(this.#unread.clear, numbers - jump);
    const likely = Math.floor((numbers - jump - clear) / COHERENCY_COUNTS);
    if (likely > limits.keyWrapsMax) return "mppe-keys-lost";
    const from = start + MPPE_HEADER_OCTETS;
    const trial = { octets, from, length: end - from, into, count, flushed, keeps };
    const reason = this.#try(trial, jump + likely * COHERENCY_COUNTS, now);
    if (reason === undefined || most === likely || most > limits.keyWrapsMax) return reason;
    // What was taken for packets in the clear may have been forged.
    return this.#try(trial, jump + most * COHERENCY_COUNTS, now);
  }

  /** As the packet that is `jump` counts after the last one read, rounds included. */
  #try(trial: Trial, jump: number, now: Instant): DropReason | undefined {
    if (this.#stateful) return this.#decryptStateful(trial, jump, now);
    if (!this.#stepTo(jump, jump - 1, now, trial.keeps)) return "mppe-key-budget";
    return this.#tryKey(trial, jump, jump) ? undefined : "mppe-implausible";
  }

  /** Puts the shared key `steps` on, out of a budget: of it, `price` counts beyond what each packet may cost. */
  #stepTo(steps: number, price: number, now: Instant, keeps: boolean): boolean {
    const { views, at } = this.#cells;
    const key = keyOf(this.#bits);
    key.take(views.octets, at + RECEIVE_START, at + RECEIVE_KEY);
    if (steps > limits.forwardWindowMppe) return this.#walk(key, steps, now);
    if (price > 0 && !this.#takeKeySteps(now, price, keeps)) return false;
    for (let i = 0; i < steps; i++) key.step();
    return true;
  }

  #walk(key: MppeKey, steps: number, now: Instant): boolean {
    this.#walkBudget ??= new KeyBudget(FAR_KEYS);
    const budget = this.#walkBudget;
    const packets = this.#cells.float64(RECEIVED_PACKETS);
    const walk = this.#walks.of(this, this.#cells.views.octets, this.#cells.at + RECEIVE_KEY);
    return walk.go(key, steps, (wanted, whole) =>
      this.#walks.take(budget, packets, now, wanted, whole),
    );
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

  /** Decrypts with the shared key, which is `steps` on; keeps key and stream if it is plausible. */
  #tryKey(trial: Trial, jump: number, steps: number): boolean {
    const { views, at } = this.#cells;
    const key = keyOf(this.#bits);
    cipher.schedule(key.octets, key.octets.length);
    if (!this.#apply(trial, jump)) return false;
    if (!trial.keeps) return true;
    const walk = this.#walks.known(this, views.octets, at + RECEIVE_KEY);
    key.keep(views.octets, at + RECEIVE_KEY);
    if (walk?.moved(views.octets, at + RECEIVE_KEY, steps) === false) this.#walks.drop(this);
    this.#keepPlace(trial.count);
    return true;
  }

  /** Decrypts [0, length) if its beginning is plausible. */
  #apply({ octets, from, length, into }: Trial, jump: number): boolean {
    into.set(octets.subarray(from, from + length), 0);
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

  #decryptStateful(trial: Trial, jump: number, now: Instant): DropReason | undefined {
    const { flushed, count, keeps } = trial;
    if (flushed || (count & 0xff) === 0xff) return this.#tryFlushed(trial, jump, now);
    if (jump !== 1) {
      if (keeps) this.#discarding = true;
      return "mppe-discarding";
    }
    // Tried even while discarding: if the loss was only a forged packet, the stream goes on.
    const { views, at, boxes } = this.#cells;
    cipher.take(views.octets, boxes + RECEIVE_BOX, at + STREAM_PLACES);
    if (!this.#apply(trial, jump)) return "mppe-implausible";
    if (keeps) this.#keepPlace(count);
    return undefined;
  }

  /**
   * The tables were started anew with some key from here on: the flag packets' changes since the
   * last packet we read, and, with a peer that changes its key at every flush, one for each of
   * those, the lost ones too.
   */
  #tryFlushed(trial: Trial, jump: number, now: Instant): DropReason | undefined {
    const { count, keeps } = trial;
    const flags = flagsAmong(this.#cells.uint32(RECEIVE_COUNT), jump);
    for (let extra = 0; extra <= 1 + LOST_FLUSHES_MAX; extra++) {
      const steps = flags + extra;
      if (!this.#stepTo(steps, steps, now, keeps)) return "mppe-key-budget";
      if (!this.#tryKey(trial, jump, steps)) continue;
      const flagPacket = (count & 0xff) === 0xff;
      if (keeps && !flagPacket && extra <= 1) this.#dialect.rekeys = extra === 1;
      return undefined;
    }
    return "mppe-implausible";
  }
}

/** One packet's attempt. */
type Trial = {
  /** The ciphertext: `length` octets at `from`. */
  readonly octets: Uint8Array;
  readonly from: number;
  readonly length: number;
  readonly into: Uint8Array;
  readonly count: number;
  readonly flushed: boolean;
  readonly keeps: boolean;
};

/** Flag packets, whose low octet is 0xFF, among the `jump` counts after `from`. */
function flagsAmong(from: number, jump: number): number {
  return ((from + jump + 1) >> 8) - ((from + 1) >> 8);
}
