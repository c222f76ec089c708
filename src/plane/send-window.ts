// RFC 2637 §4.2, §4.4: numbers of what we send, acknowledgments of it, the sliding window and the
// adaptive time-out. DEVIATION 20: obeyed only as `rfc`; `off`, the default, validates and measures.
import { after, type Instant } from "../base/instant.js";
import { plane as limits } from "../limits.js";

/** α, β, χ of RFC 2637 §4.4.2. */
const GAIN = 1 / 8;
const VARIATION_GAIN = 1 / 4;
const VARIATION_WEIGHT = 4;
const TIME_OUT_MIN_MS = 12;
const TIME_OUT_MAX_MS = 10_000;
/** DEVIATION 21: a round trip counts as at least so long: peers delay their acknowledgments. */
const ROUND_TRIP_FLOOR_MS = 100;
/** Send times kept, a power of two, and so the largest window. */
const SENT_KEPT = limits.sendQueuePacketsMax;

/** RFC 2637 §4.4.1, in ms. Exact to the RFC: bounds are the caller's. */
export class AdaptiveTimeOut {
  deviationMs = 0;

  constructor(public roundTripMs: number) {}

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
  #next = 0;
  /** All numbers up to and with this one are acknowledged or given up. */
  #acknowledged = 0xffffffff;
  readonly #sentAt = new Float64Array(SENT_KEPT);
  readonly #adaptive: AdaptiveTimeOut;
  #sampled = false;
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
  ) {
    this.#most = Math.max(1, Math.min(peersWindow, SENT_KEPT));
    this.#size = Math.max(1, this.#most >> 1);
    this.#adaptive = new AdaptiveTimeOut(peersProcessingDelay * 100);
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
    return this.#sampled ? this.#adaptive.roundTripMs : 0;
  }

  get timeOutAt(): Instant | undefined {
    return this.#timeOutAt;
  }

  /** The number of the packet that is sent now. */
  take(now: Instant): number {
    const sequence = this.#next;
    this.#next = (sequence + 1) >>> 0;
    this.#sentAt[sequence % SENT_KEPT] = now;
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
      this.#adaptive.sample(now - this.#sentAt[acknowledgment % SENT_KEPT]!);
      this.#sampled = true;
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
    this.#acknowledged = (this.#next - 1) >>> 0;
    this.#acknowledgedInWindow = 0;
    this.#size = Math.max(1, Math.ceil(this.#size / 2));
    this.#adaptive.timedOut();
    this.#timeOutAt = undefined;
  }

  #arm(now: Instant): void {
    this.#timeOutAt = after(now, this.#adaptive.timeOutMs);
  }
}
