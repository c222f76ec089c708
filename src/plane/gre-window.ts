// RFC 2637 §4.1, §4.3: the receiving side's sequence numbers and delayed acknowledgments. A forward
// window and resynchronisation (DEVIATION 23) keep one forged or one burst-lost number from silencing
// a call.
import { after, type Instant, instant } from "../base/instant.js";
import { plane as limits } from "../limits.js";
import { COHERENCY_COUNTS } from "../wire/mppe.js";
import { ACK_DUE_AT, EXPECTED, FLAGS, HAS_EXPECTED, LAST_IN_WINDOW } from "./layout.js";
import { FlowCells } from "./memory.js";

/**
 * `next` is due; `ahead` may wait for the missing ones; `far` counts only if it decrypts plausibly, as
 * does `late`, which came before or was overtaken by a forged number; `out` is outside of everything.
 */
export type Place = "next" | "ahead" | "far" | "late" | "out";

/** What an MPPE packet may be ahead: as far as its key can be walked to. */
export const FAR_MAX = limits.keyWrapsMax * COHERENCY_COUNTS;

const NEVER = instant(Number.NEGATIVE_INFINITY);

export class GreWindow {
  readonly #cells: FlowCells;
  /** Made when a packet is out of window for the first time. */
  #outOfWindow: Instant[] | undefined;
  #outOfWindowAt = 0;
  #lastResync: Instant = NEVER;

  constructor(now: Instant, cells = FlowCells.alone()) {
    this.#cells = cells;
    cells.setFloat64(ACK_DUE_AT, Number.POSITIVE_INFINITY);
    this.touch(now);
  }

  /** The number due next, or undefined before the first packet. */
  get expected(): number | undefined {
    const known = (this.#cells.uint32(FLAGS) & HAS_EXPECTED) !== 0;
    return known ? this.#cells.uint32(EXPECTED) : undefined;
  }

  /** Where `sequence` lies, by serial arithmetic modulo 2^32. Changes nothing. */
  place(sequence: number): Place {
    const { expected } = this;
    if (expected === undefined) {
      // DEVIATION 22: whose first packets were lost, or who starts at 1, begins later than 0.
      return sequence <= limits.firstSequenceMax ? "next" : "out";
    }
    const ahead = (sequence - expected) >>> 0;
    if (ahead === 0) return "next";
    if (ahead <= limits.forwardWindow) return "ahead";
    if (ahead <= FAR_MAX) return "far";
    return (expected - sequence) >>> 0 <= limits.forwardWindowMppe ? "late" : "out";
  }

  /**
   * Takes `sequence` as delivered: everything before it is late from now on. Returns how many
   * numbers were skipped: none before the very first packet, less than none where it goes back.
   */
  advance(sequence: number, now: Instant): number {
    const { expected } = this;
    const skipped = expected === undefined ? 0 : (sequence - expected) | 0;
    this.#cells.setUint32(EXPECTED, sequence + 1);
    this.#cells.setUint32(FLAGS, this.#cells.uint32(FLAGS) | HAS_EXPECTED);
    this.touch(now);
    if (this.ackDueAt === undefined) {
      this.#cells.setFloat64(ACK_DUE_AT, after(now, limits.ackDelayMs));
    }
    return skipped;
  }

  /** Something in window came: no reason to doubt our place. */
  touch(now: Instant): void {
    this.#cells.setFloat64(LAST_IN_WINDOW, now);
  }

  /** The number to acknowledge with the packet being sent, or undefined when nothing new came. */
  takeAcknowledgment(): number | undefined {
    const { expected } = this;
    if (this.ackDueAt === undefined || expected === undefined) return undefined;
    this.#cells.setFloat64(ACK_DUE_AT, Number.POSITIVE_INFINITY);
    return (expected - 1) >>> 0;
  }

  /** When a lone acknowledgment is due unless data carries it before. */
  get ackDueAt(): Instant | undefined {
    const at = this.#cells.float64(ACK_DUE_AT);
    return at === Number.POSITIVE_INFINITY ? undefined : instant(at);
  }

  /** Counts a packet that was late or out of window; true when it is time to ask the peer where it is. */
  noteOutOfWindow(now: Instant): boolean {
    this.#outOfWindow ??= new Array<Instant>(limits.resyncPackets).fill(NEVER);
    this.#outOfWindow[this.#outOfWindowAt] = now;
    this.#outOfWindowAt = (this.#outOfWindowAt + 1) % limits.resyncPackets;
    const oldest = this.#outOfWindow[this.#outOfWindowAt]!;
    if (now - oldest > limits.resyncWindowMs) return false;
    if (now - this.#cells.float64(LAST_IN_WINDOW) < limits.resyncSilenceMs) return false;
    if (now - this.#lastResync < limits.resyncEveryMs) return false;
    this.#lastResync = now;
    return true;
  }
}
