// RFC 2637 §4.2, §4.4: numbers of what we send, acknowledgments of it, the sliding window and the
// adaptive time-out. DEVIATION 20: obeyed only as `rfc`; `off`, the default, validates and measures.
import { after, type Instant } from "../base/instant.js";
import { plane as limits } from "../limits.js";
import {
  ACKNOWLEDGED,
  DEVIATION,
  FLAGS,
  NEXT_SEQUENCE,
  ROUND_TRIP,
  ROUND_TRIP_SAMPLED,
  SENT_AT,
  SENT_KEPT,
} from "./layout.js";
import { FlowCells } from "./memory.js";

/** α, β, χ of RFC 2637 §4.4.2. */
const GAIN = 1 / 8;
const VARIATION_GAIN = 1 / 4;
const VARIATION_WEIGHT = 4;
const TIME_OUT_MIN_MS = 12;
const TIME_OUT_MAX_MS = 10_000;
/** DEVIATION 21: a round trip counts as at least so long: peers delay their acknowledgments. */
const ROUND_TRIP_FLOOR_MS = 100;
/** Send times are kept of so many packets; a larger window could not be measured. */
const WINDOW_MAX = Math.min(SENT_KEPT, limits.sendQueuePacketsMax);

/** RFC 2637 §4.4.1, in ms. Exact to the RFC: bounds are the caller's. */
export class AdaptiveTimeOut {
  readonly #cells: FlowCells;

  constructor(roundTripMs: number, cells = FlowCells.alone()) {
    this.#cells = cells;
    this.roundTripMs = roundTripMs;
    this.deviationMs = 0;
  }

  get roundTripMs(): number {
    return this.#cells.float64(ROUND_TRIP);
  }

  set roundTripMs(ms: number) {
    this.#cells.setFloat64(ROUND_TRIP, ms);
  }

  get deviationMs(): number {
    return this.#cells.float64(DEVIATION);
  }

  set deviationMs(ms: number) {
    this.#cells.setFloat64(DEVIATION, ms);
  }

  sample(ms: number): void {
    const difference = ms - this.roundTripMs;
    this.deviationMs += VARIATION_GAIN * (Math.abs(difference) - this.deviationMs);
    this.roundTripMs += GAIN * difference;
  }

  timedOut(): void {
    this.roundTripMs *= 2;
  }

  get unclampedMs(): number {
    return this.roundTripMs + VARIATION_WEIGHT * this.deviationMs;
  }

  get timeOutMs(): number {
    const roundTrip = Math.max(this.roundTripMs, ROUND_TRIP_FLOOR_MS);
    const timeOut = roundTrip + VARIATION_WEIGHT * this.deviationMs;
    return Math.max(TIME_OUT_MIN_MS, Math.min(timeOut, TIME_OUT_MAX_MS));
  }
}

export class SendWindow {
  readonly #cells: FlowCells;
  readonly #adaptive: AdaptiveTimeOut;
  readonly #most: number;
  #size: number;
  #acknowledgedInWindow = 0;
  #timeOutAt: Instant | undefined;
  /** Packets whose acknowledgment did not come in time. */
  lost = 0;

  constructor(
    readonly mode: "off" | "rfc",
    peersWindow: number,
    /** 1/10 s. */
    peersProcessingDelay: number,
    cells = FlowCells.alone(),
  ) {
    this.#cells = cells;
    this.#most = Math.max(1, Math.min(peersWindow, WINDOW_MAX));
    this.#size = Math.max(1, this.#most >> 1);
    this.#next = 0;
    this.#acknowledged = 0xffffffff;
    cells.setUint32(FLAGS, cells.uint32(FLAGS) & ~ROUND_TRIP_SAMPLED);
    this.#adaptive = new AdaptiveTimeOut(peersProcessingDelay * 100, cells);
  }

  get #next(): number {
    return this.#cells.uint32(NEXT_SEQUENCE);
  }

  set #next(sequence: number) {
    this.#cells.setUint32(NEXT_SEQUENCE, sequence);
  }

  /** All numbers up to and with this one are acknowledged or given up. */
  get #acknowledged(): number {
    return this.#cells.uint32(ACKNOWLEDGED);
  }

  set #acknowledged(sequence: number) {
    this.#cells.setUint32(ACKNOWLEDGED, sequence);
  }

  get outstanding(): number {
    return (this.#next - 1 - this.#acknowledged) >>> 0;
  }

  get size(): number {
    return this.#size;
  }

  /** Whether the window lets a packet go now. */
  get open(): boolean {
    return this.mode === "off" || this.outstanding < this.#size;
  }

  /** 0 before the first sample. */
  get roundTripMs(): number {
    const sampled = (this.#cells.uint32(FLAGS) & ROUND_TRIP_SAMPLED) !== 0;
    return sampled ? this.#adaptive.roundTripMs : 0;
  }

  get timeOutAt(): Instant | undefined {
    return this.#timeOutAt;
  }

  /** The number of the packet that is sent now. */
  take(now: Instant): number {
    const sequence = this.#next;
    this.#next = sequence + 1;
    this.#cells.setFloat64(SENT_AT + 8 * (sequence % SENT_KEPT), now);
    if (this.mode === "rfc" && this.#timeOutAt === undefined) this.#arm(now);
    return sequence;
  }

  /**
   * `stale` repeats what is known and is usual; `ack-out-of-range` acknowledges what was never sent.
   * Neither changes anything.
   */
  acknowledge(acknowledgment: number, now: Instant): "taken" | "stale" | "ack-out-of-range" {
    const newly = (acknowledgment - this.#acknowledged) >>> 0;
    if (newly === 0 || newly >= 0x80000000) return "stale";
    if (newly > this.outstanding) return "ack-out-of-range";
    const age = (this.#next - acknowledgment) >>> 0;
    if (age <= SENT_KEPT) {
      const sentAt = this.#cells.float64(SENT_AT + 8 * (acknowledgment % SENT_KEPT));
      this.#adaptive.sample(now - sentAt);
      this.#cells.setUint32(FLAGS, this.#cells.uint32(FLAGS) | ROUND_TRIP_SAMPLED);
    }
    this.#acknowledged = acknowledgment;
    if (this.mode === "off") return "taken";
    this.#acknowledgedInWindow += newly;
    if (this.#acknowledgedInWindow >= this.#size) {
      this.#acknowledgedInWindow = 0;
      this.#size = Math.min(this.#size + 1, this.#most);
    }
    if (this.outstanding === 0) this.#timeOutAt = undefined;
    else this.#arm(now);
    return "taken";
  }

  /** The time-out came: what is outstanding counts as lost and the window opens, half as wide. */
  handleTimeout(now: Instant): void {
    if (this.#timeOutAt === undefined || now < this.#timeOutAt) return;
    this.lost += this.outstanding;
    this.#acknowledged = this.#next - 1;
    this.#acknowledgedInWindow = 0;
    this.#size = Math.max(1, Math.ceil(this.#size / 2));
    this.#adaptive.timedOut();
    this.#timeOutAt = undefined;
  }

  #arm(now: Instant): void {
    this.#timeOutAt = after(now, this.#adaptive.timeOutMs);
  }
}
