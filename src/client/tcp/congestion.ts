// RFC 5681, RFC 6928, RFC 3465: the congestion window. DEVIATION 71: a loss is congestion where packets
// stand in a queue, or where many are lost; what the window falls to follows what the path delivers.
import type { Instant } from "../../base/instant.js";

/** RFC 6928 §2. */
const INITIAL_SEGMENTS = 10;
/** Rounds whose best delivery rate counts. */
const ROUNDS = 8;
/** More lost than this share of late is congestion, however fast the path delivers. */
const LOSS_SHARE = 0.02;
/** A round whose shortest round trip is so much longer than the shortest of late stood in a queue. */
const QUEUE_SHARE = 0.25;
/** The clock's grain, twice. */
const QUEUE_MS_MIN = 2;
/** Where none does, the window grows by this share a round in congestion avoidance: before any was seen, and after. */
const GROWTH_UNTRIED = 1 / 4;
const GROWTH_SHARE = 1 / 16;
/** So many lost in one round were not lost by chance. */
const BURST_SEGMENTS = 3;

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
  #roundLeastMs = Number.POSITIVE_INFINITY;
  /** The last round's packets stood in a queue, or nobody knows. */
  #queues = false;
  /** In this round. */
  #reduced = false;
  /** After congestion the window grows as the RFC has it for a while. */
  #carefulRounds = 0;
  /** The window has met congestion. */
  #tried = false;

  get inSlowStart(): boolean {
    return this.window < this.#threshold;
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
      // DEVIATION 71: one acknowledgment may be a whole round's, where a kernel joins what comes.
      this.window += octets;
      return;
    }
    if (flight + smss < this.window) return;
    this.#acknowledged += octets;
    if (this.#acknowledged < this.window) return;
    this.#acknowledged -= this.window;
    const careful = this.#queues || this.#carefulRounds > 0;
    const share = this.#tried ? GROWTH_SHARE : GROWTH_UNTRIED;
    this.window += careful ? smss : Math.max(smss, this.window * share);
  }

  /** A packet's round trip. */
  measured(ms: number): void {
    this.#roundLeastMs = Math.min(this.#roundLeastMs, ms);
  }

  /**
   * What was delivered in all, told at every acknowledgment: a round ends with the octet it began at.
   * `leastMs`: the shortest round trip of late.
   */
  delivered(
    total: number,
    una: number,
    nxt: number,
    smss: number,
    leastMs: number,
    now: Instant,
  ): void {
    if (this.#roundAt === undefined) return this.#beginRound(total, nxt, now);
    const took = now - this.#roundAt;
    if (una < this.#roundEnd || took <= 0) return;
    const octets = total - this.#roundDelivered;
    this.#rates.push(octets / took);
    if (this.#rates.length > ROUNDS) this.#rates.shift();
    const share = octets <= 0 ? 0 : Math.min(1, this.#lostInRound / octets);
    this.#lossShare += (share - this.#lossShare) / ROUNDS;
    const longest = leastMs + Math.max(leastMs * QUEUE_SHARE, QUEUE_MS_MIN);
    this.#queues = !(this.#roundLeastMs <= longest);
    if (this.#carefulRounds > 0) this.#carefulRounds--;
    // RFC 9406: before the queue is full and loses many at once. After a time-out the threshold is known.
    if (this.#queues && this.#threshold === Number.POSITIVE_INFINITY) this.#threshold = this.window;
    const burst = this.#lostInRound >= BURST_SEGMENTS * smss && share > LOSS_SHARE;
    if (burst && !this.#reduced) this.fall(this.window, smss, leastMs);
    this.#beginRound(total, nxt, now);
  }

  lost(octets: number): void {
    this.#lostInRound += octets;
  }

  /**
   * Fast recovery begins. DEVIATION 71: where few packets are lost the window stays unless a queue
   * stands, and then falls to what the path delivered within its shortest round trip, not to half.
   */
  reduce(flight: number, smss: number, leastMs: number): void {
    if (this.#queues || this.#lossShare > LOSS_SHARE) this.fall(flight, smss, leastMs);
  }

  fall(flight: number, smss: number, leastMs: number): void {
    const few = this.#lossShare <= LOSS_SHARE;
    // What is SACKed stays in `flight` while a hole does: the window says what was out.
    const half = Math.min(flight, this.window) / 2;
    const delivers = Math.max(0, ...this.#rates) * leastMs;
    const target = few ? Math.min(Math.max(delivers, half), this.window) : half;
    this.#threshold = Math.max(target, 2 * smss);
    this.window = this.#threshold;
    this.#acknowledged = 0;
    this.#tried = true;
    this.#carefulRounds = ROUNDS;
    this.#reduced = true;
  }

  /** RFC 5681 §3.1: after a time-out it starts from one segment. */
  timedOut(flight: number, smss: number, first: boolean): void {
    if (first) this.#threshold = Math.max(Math.min(flight, this.window) / 2, 2 * smss);
    this.window = smss;
    this.#acknowledged = 0;
    this.#tried = true;
    this.#reduced = true;
  }

  #beginRound(total: number, nxt: number, now: Instant): void {
    this.#roundAt = now;
    this.#roundDelivered = total;
    this.#roundEnd = nxt;
    this.#lostInRound = 0;
    this.#roundLeastMs = Number.POSITIVE_INFINITY;
    this.#reduced = false;
  }
}
