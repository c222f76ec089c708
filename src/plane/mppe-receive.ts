// RFC 3078 §7, §8: decryption of what comes in. MPPE has no integrity, so a key is changed on a copy
// and kept only when what comes out is a plausible packet: a forged count never moves the key
// (DEVIATION 25).
import { type Instant, instant } from "../base/instant.js";
import { MppeKey } from "../crypto/mppe-keys.js";
import { Rc4 } from "../crypto/rc4.js";
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
import type { FlushDialect } from "./mppe-send.js";
import { PerSecond } from "./per-second.js";

/** Says whether decrypted octets [0, end) may be a packet of this flow. */
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
  #key: MppeKey;
  #trialKey: MppeKey;
  #cipher = new Rc4();
  #trialCipher = new Rc4();
  readonly #stateful: boolean;
  readonly #dialect: FlushDialect;
  readonly #judge: Judge;
  readonly #keySteps = new PerSecond(limits.keyStepsPerSecondMax);
  #count = COHERENCY_COUNTS - 1;
  /** Nothing was decrypted yet. */
  #fresh = true;
  /** The sequence was proven since the last decrypted packet: a larger jump is the peer's own. */
  #resynchronised = false;
  #unaccounted = 0;
  #discarding = false;
  #resetAt: Instant = instant(Number.NEGATIVE_INFINITY);
  #resetEveryMs = RESET_FIRST_MS;

  constructor(terms: EncryptionTerms, dialect: FlushDialect, judge: Judge) {
    this.#key = new MppeKey(terms.receiveStart, terms.bits);
    this.#trialKey = new MppeKey(terms.receiveStart, terms.bits);
    this.#stateful = terms.stateful;
    this.#dialect = dialect;
    this.#judge = judge;
    this.#cipher.schedule(this.#key.octets, this.#key.octets.length);
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
    const reason = this.#attempt(octets, start, end, into, now, 0);
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

  /** Whether a packet `skipped` numbers ahead would decrypt plausibly. Moves nothing. */
  wouldDecrypt(
    octets: Uint8Array,
    start: number,
    end: number,
    into: Uint8Array,
    now: Instant,
    skipped: number,
  ): boolean {
    const key = this.#key;
    const trialKey = this.#trialKey;
    const cipher = this.#cipher;
    const trialCipher = this.#trialCipher;
    const count = this.#count;
    const discarding = this.#discarding;
    const { rekeys } = this.#dialect;
    const plausible = this.#attempt(octets, start, end, into, now, skipped) === undefined;
    this.#key = key;
    this.#trialKey = trialKey;
    this.#cipher = cipher;
    this.#trialCipher = trialCipher;
    this.#count = count;
    this.#discarding = discarding;
    this.#dialect.rekeys = rekeys;
    return plausible;
  }

  wipe(): void {
    this.#key.wipe();
    this.#trialKey.wipe();
    this.#cipher.wipe();
    this.#trialCipher.wipe();
  }

  #attempt(
    octets: Uint8Array,
    start: number,
    end: number,
    into: Uint8Array,
    now: Instant,
    skipped: number,
  ): DropReason | undefined {
    const header = readMppeHeader(octets, start, end);
    if (header === undefined) return "mppe-empty";
    if ((header & ENCRYPTED) === 0) return "mppe-not-encrypted";
    if (this.keysLost) return "mppe-keys-lost";
    const count = coherencyCountOf(header);
    const jump = coherencyDistance(this.#count, count);
    if (jump === 0) return "mppe-late";
    if (jump > this.#jumpMax(skipped)) return "mppe-jump";
    into.set(octets.subarray(start + MPPE_HEADER_OCTETS, end), 0);
    const length = end - start - MPPE_HEADER_OCTETS;
    const flushed = (header & FLUSHED) !== 0;
    if (this.#stateful) return this.#decryptStateful(into, length, count, jump, flushed, now);
    if (!flushed) return "mppe-not-flushed";
    if (jump > 1 && !this.#keySteps.take(now, jump - 1)) return "mppe-key-budget";
    if (!this.#tryKey(into, length, jump, jump)) return "mppe-implausible";
    this.#count = count;
    return undefined;
  }

  /** Every MPPE packet spends one GRE number, so no count jumps further than the sequence did. */
  #jumpMax(skipped: number): number {
    const most = this.#resynchronised ? COHERENCY_COUNTS - 1 : limits.forwardWindowMppe;
    const unaccounted = this.#unaccounted + skipped + 1;
    return Math.min(this.#fresh ? Math.max(unaccounted, FRESH_JUMP_MAX) : unaccounted, most);
  }

  /** Decrypts [0, length) with the key `steps` on; keeps key and stream if it is plausible. */
  #tryKey(into: Uint8Array, length: number, steps: number, jump: number): boolean {
    const trial = this.#trialKey;
    trial.copyFrom(this.#key);
    for (let i = 0; i < steps; i++) trial.step();
    this.#trialCipher.schedule(trial.octets, trial.octets.length);
    this.#trialCipher.apply(into, 0, length);
    if (!this.#judge.isPlausible(into, length, jump)) return false;
    this.#trialKey = this.#key;
    this.#key = trial;
    this.#swapCiphers();
    return true;
  }

  #swapCiphers(): void {
    const cipher = this.#cipher;
    this.#cipher = this.#trialCipher;
    this.#trialCipher = cipher;
  }

  #decryptStateful(
    into: Uint8Array,
    length: number,
    count: number,
    jump: number,
    flushed: boolean,
    now: Instant,
  ): DropReason | undefined {
    if (flushed || (count & 0xff) === 0xff) {
      return this.#tryFlushed(into, length, count, jump, now);
    }
    if (jump !== 1) {
      this.#discarding = true;
      return "mppe-discarding";
    }
    // Tried even while discarding: if the loss was only a forged packet, the stream goes on.
    this.#trialCipher.copyFrom(this.#cipher);
    this.#trialCipher.apply(into, 0, length);
    if (!this.#judge.isPlausible(into, length, jump)) return "mppe-implausible";
    this.#swapCiphers();
    this.#count = count;
    return undefined;
  }

  /**
   * The tables were started anew with some key from here on: the flag packets' changes since the
   * last packet we read, and, with a peer that changes its key at every flush, one for each of
   * those, the lost ones too.
   */
  #tryFlushed(
    into: Uint8Array,
    length: number,
    count: number,
    jump: number,
    now: Instant,
  ): DropReason | undefined {
    const flags = flagsAmong(this.#count, jump);
    const ciphertext = into.slice(0, length);
    for (let extra = 0; extra <= 1 + LOST_FLUSHES_MAX; extra++) {
      if (!this.#keySteps.take(now, flags + extra)) return "mppe-key-budget";
      into.set(ciphertext, 0);
      if (!this.#tryKey(into, length, flags + extra, jump)) continue;
      this.#count = count;
      const flagPacket = (count & 0xff) === 0xff;
      if (!flagPacket && extra <= 1) this.#dialect.rekeys = extra === 1;
      return undefined;
    }
    return "mppe-implausible";
  }
}

/** Flag packets, whose low octet is 0xFF, among the `jump` counts after `from`. */
function flagsAmong(from: number, jump: number): number {
  return ((from + jump + 1) >> 8) - ((from + 1) >> 8);
}
