// RFC 5681, RFC 6928, RFC 3465: the congestion window; what it falls to at a loss follows what the path
// delivers.
import type { Instant } from "../../base/instant.js";

/** RFC 6928 §2. */
const INITIAL_SEGMENTS = 10;
/** RFC 3465 §2.1: an acknowledgment opens the window by no more segments in slow start. */
const SLOW_START_SEGMENTS = 2;
/** Rounds whose best delivery rate counts. */
const ROUNDS = 8;
/** More lost than this share of late is congestion, however fast the path delivers. */
const LOSS_SHARE = 0.02;

export class Congestion {
  window = 0;
  #threshold = Number.POSITIVE_INFINITY;
  /** Octets acknowledged since the window last grew in congestion avoidance. */
  #acknowledged = 0;
  /** Octets per ms of the last rounds. */
  readonly #rates: number[] = [];
  #lossShare = 0;
  #roundEnd = 0;
  #roundAt: Instant | undefined;
  #roundDelivered = 0;
  #lostInRound = 0;

  get inSlowStart(): boolean {
    return this.window < this.#threshold;
  }

  get threshold(): number {
    return this.#threshold;
  }

  start(smss: number, synWasLost: boolean): void {
    this.window = synWasLost ? smss : INITIAL_SEGMENTS * smss;
  }

  /** RFC 5681 §4.1: what was learnt of the path is stale after an idle time-out. */
  restart(smss: number): void {
    this.window = Math.min(this.window, INITIAL_SEGMENTS * smss);
  }

  /** New octets acknowledged outside of fast recovery, while `flight` were out. */
  acknowledged(octets: number, flight: number, smss: number): void {
    if (this.inSlowStart) {
      // A window that the user does not fill proves nothing about the path.
      if (2 * flight < this.window) return;
      this.window += Math.min(octets, SLOW_START_SEGMENTS * smss);
      return;
    }
    if (flight + smss < this.window) return;
    this.#acknowledged += octets;
    if (this.#acknowledged < this.window) return;
    this.#acknowledged -= this.window;
    this.window += smss;
  }

  /** What was delivered in all, told at every acknowledgment: a round ends with the octet it began at. */
  delivered(total: number, una: number, nxt: number, now: Instant): void {
    if (this.#roundAt === undefined) return this.#beginRound(total, nxt, now);
    const took = now - this.#roundAt;
    if (una < this.#roundEnd || took <= 0) return;
    const octets = total - this.#roundDelivered;
    this.#rates.push(octets / took);
    if (this.#rates.length > ROUNDS) this.#rates.shift();
    const share = octets <= 0 ? 0 : Math.min(1, this.#lostInRound / octets);
    this.#lossShare += (share - this.#lossShare) / ROUNDS;
    this.#beginRound(total, nxt, now);
  }

  lost(octets: number): void {
    this.#lostInRound += octets;
  }

  /**
   * Fast recovery begins. DEVIATION 71: where few packets are lost the window falls to what the path
   * delivered within its smallest round trip, not to half: what stood in its queue, and no more.
   */
  reduce(flight: number, smss: number, leastRoundTripMs: number | undefined): void {
    const half = flight / 2;
    // In slow start the last round's rate is of half of what is out now.
    const late = this.inSlowStart ? 2 : 1;
    const delivers = late * Math.max(0, ...this.#rates) * (leastRoundTripMs ?? 0);
    const few = this.#lossShare <= LOSS_SHARE;
    const target = few ? Math.min(Math.max(delivers, half), this.window) : half;
    this.#threshold = Math.max(target, 2 * smss);
    this.window = this.#threshold;
    this.#acknowledged = 0;
  }

  /** RFC 5681 §3.1: after a time-out it starts from one segment. */
  timedOut(flight: number, smss: number, first: boolean): void {
    if (first) this.#threshold = Math.max(flight / 2, 2 * smss);
    this.window = smss;
    this.#acknowledged = 0;
  }

  #beginRound(total: number, nxt: number, now: Instant): void {
    this.#roundAt = now;
    this.#roundDelivered = total;
    this.#roundEnd = nxt;
    this.#lostInRound = 0;
  }
}
