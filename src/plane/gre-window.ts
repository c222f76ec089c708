// RFC 2637 §4.1, §4.3: the receiving side's sequence numbers and delayed acknowledgments. A forward
// window and resynchronisation (DEVIATION 23) keep one forged or one burst-lost number from silencing
// a call.
import { after, type Instant, instant } from "../base/instant.js";
import { plane as limits } from "../limits.js";

/**
 * `next` is due; `ahead` may wait for the missing ones; `far` counts only if it decrypts plausibly;
 * `late` came before; `out` is outside of everything and moves nothing.
 */
export type Place = "next" | "ahead" | "far" | "late" | "out";

const NEVER = instant(Number.NEGATIVE_INFINITY);

export class GreWindow {
  #expected: number | undefined;
  #lastInWindow: Instant;
  #ackDueAt: Instant | undefined;
  readonly #outOfWindow: Instant[] = new Array<Instant>(limits.resyncPackets).fill(NEVER);
  #outOfWindowAt = 0;
  #lastResync: Instant = NEVER;

  constructor(now: Instant) {
    this.#lastInWindow = now;
  }

  /** The number due next, or undefined before the first packet. */
  get expected(): number | undefined {
    return this.#expected;
  }

  /** Where `sequence` lies, by serial arithmetic modulo 2^32. Changes nothing. */
  place(sequence: number): Place {
    if (this.#expected === undefined) {
      // DEVIATION 22: whose first packets were lost, or who starts at 1, begins later than 0.
      return sequence <= limits.firstSequenceMax ? "next" : "out";
    }
    const ahead = (sequence - this.#expected) >>> 0;
    if (ahead === 0) return "next";
    if (ahead <= limits.forwardWindow) return "ahead";
    if (ahead <= limits.forwardWindowMppe) return "far";
    return (this.#expected - sequence) >>> 0 <= limits.forwardWindowMppe ? "late" : "out";
  }

  /**
   * Takes `sequence` as delivered: everything before it is late from now on. Returns how many
   * numbers were skipped; none before the very first packet, nor when a resynchronisation goes back.
   */
  advance(sequence: number, now: Instant): number {
    const skipped = this.#expected === undefined ? 0 : (sequence - this.#expected) | 0;
    this.#expected = (sequence + 1) >>> 0;
    this.touch(now);
    if (this.#ackDueAt === undefined) this.#ackDueAt = after(now, limits.ackDelayMs);
    return Math.max(0, skipped);
  }

  /** Something in window came: no reason to doubt our place. */
  touch(now: Instant): void {
    this.#lastInWindow = now;
  }

  /** The number to acknowledge with the packet being sent, or undefined when nothing new came. */
  takeAcknowledgment(): number | undefined {
    if (this.#ackDueAt === undefined || this.#expected === undefined) return undefined;
    this.#ackDueAt = undefined;
    return (this.#expected - 1) >>> 0;
  }

  /** When a lone acknowledgment is due unless data carries it before. */
  get ackDueAt(): Instant | undefined {
    return this.#ackDueAt;
  }

  /** Counts a packet that was out of window; true when it is time to ask the peer where it is. */
  noteOutOfWindow(now: Instant): boolean {
    this.#outOfWindow[this.#outOfWindowAt] = now;
    this.#outOfWindowAt = (this.#outOfWindowAt + 1) % limits.resyncPackets;
    const oldest = this.#outOfWindow[this.#outOfWindowAt]!;
    if (now - oldest > limits.resyncWindowMs) return false;
    if (now - this.#lastInWindow < limits.resyncSilenceMs) return false;
    if (now - this.#lastResync < limits.resyncEveryMs) return false;
    this.#lastResync = now;
    return true;
  }
}
