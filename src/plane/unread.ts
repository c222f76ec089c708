// RFC 3078 §8, RFC 2637 §4.3: what went by in the GRE sequence since the last MPPE packet that was read.
// Each packet takes a number there; so the numbers bound how far MPPE's count of 12 bits went, and, less
// those of packets in the clear, tell how often it went round. What is said of the peer, and not of one
// packet, counts only where the peer proved its place (G-10): numbers are easily forged.
import { after, type Instant, instant } from "../base/instant.js";
import { plane as limits } from "../limits.js";
import { COHERENCY_COUNTS } from "../wire/mppe.js";
import type { DropReason } from "./drop-reason.js";
import { FAR_MAX } from "./gre-window.js";
import { UNACCOUNTED } from "./layout.js";
import type { FlowCells } from "./memory.js";

const NEVER = instant(Number.NEGATIVE_INFINITY);

export class Unread {
  readonly #cells: FlowCells;
  /** Numbers that carried something else, as far as one can tell. */
  #clear = 0;
  /** The peer numbers anew: how far its count went is not known. */
  #restarted = false;
  #refused = 0;
  #refusedSince: Instant = NEVER;
  #doubtedAt: Instant = NEVER;
  /** Numbers missing by the first proof since, and those that were told to anybody. */
  #proof: { readonly at: Instant; readonly missing: number } | undefined;
  #told = 0;
  #keysLost = false;

  constructor(cells: FlowCells) {
    this.#cells = cells;
    this.#numbers = 0;
  }

  get none(): boolean {
    return this.#numbers === 0 && !this.#restarted;
  }

  get clear(): number {
    return this.#clear;
  }

  get keysLost(): boolean {
    return this.#keysLost;
  }

  /** The sequence went so many numbers on, or back. */
  skipped(numbers: number): void {
    this.#numbers += numbers;
  }

  /** A number carried something in the clear. */
  stoodIn(): void {
    this.#numbers++;
    this.#clear++;
  }

  /** A packet in its place could not be read. */
  refused(now: Instant, reason: DropReason): void {
    this.#numbers++;
    // Of what was not tried nothing is to be learned.
    if (reason === "mppe-key-budget") return;
    if (this.#refused++ === 0) this.#refusedSince = now;
  }

  read(): void {
    this.#numbers = 0;
    this.#clear = 0;
    this.#restarted = false;
    this.#refused = 0;
    this.#proof = undefined;
    this.#told = 0;
    this.#keysLost = false;
  }

  /** Numbers since the last packet read, to the one that is `skipped` beyond the number due, that included. */
  numbersTo(skipped: number): number {
    return this.#restarted ? COHERENCY_COUNTS - 1 : (this.#numbers + skipped + 1) | 0;
  }

  /** Whether it is time to ask the peer for its place; asking starts the wait. */
  takeDoubt(now: Instant): boolean {
    if (this.#refused < limits.keyDoubtPackets) return false;
    if (now < after(this.#refusedSince, limits.keyDoubtMs)) return false;
    if (now < after(this.#doubtedAt, limits.keyDoubtMs)) return false;
    this.#doubtedAt = now;
    return true;
  }

  /**
   * The number just taken is the peer's. Keys are lost when more is missing than can be walked, or when
   * the peer went on sending what could not be read. Returns how many more are missing than told before.
   */
  proven(now: Instant): number {
    if (this.#numbers < -limits.forwardWindowMppe) {
      this.read();
      this.#restarted = true;
      return 0;
    }
    const missing = this.#numbers - this.#clear;
    if (missing > FAR_MAX) this.#keysLost = true;
    const since = this.#proof;
    if (since === undefined) this.#proof = { at: now, missing };
    else if (
      this.#refused >= limits.keyDoubtPackets &&
      now >= after(since.at, limits.keyDoubtMs) &&
      missing - since.missing >= limits.keyDoubtPackets
    ) {
      this.#keysLost = true;
    }
    const more = Math.max(0, Math.min(missing, FAR_MAX) - this.#told);
    this.#told += more;
    return more;
  }

  /** Modulo 2^32, as the sequence is: less than none where that went back. */
  get #numbers(): number {
    return this.#cells.uint32(UNACCOUNTED) | 0;
  }

  set #numbers(numbers: number) {
    this.#cells.setUint32(UNACCOUNTED, numbers >>> 0);
  }
}
