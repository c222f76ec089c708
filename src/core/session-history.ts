// What a session carried since its first traffic, by slots of time: a fixed number of them, each twice as
// long whenever they are full, so that all of a session is there, the longer ago it began the coarser.
import type { Instant } from "../base/instant.js";
import { session as limits } from "../limits.js";
import type { FlowCounters } from "../wire/worker-link.js";

/** In order of their place in a slot; sums, but for the last, which is the greatest. */
const names = [
  "receivedOctets",
  "sentOctets",
  "receivedPackets",
  "lost",
  "reordered",
  "roundTripMs",
] as const;
const WIDTH = names.length;
const ROUND_TRIP = WIDTH - 1;

/** Inner octets and packets, GRE packets lost and reordered; `roundTripMs` is 0 where none was measured. */
export type HistorySlot = Readonly<Record<(typeof names)[number], number>>;

export type SessionHistoryShown = {
  /** Of the first slot; all are of one length, ms. */
  readonly begin: Instant;
  readonly slotMs: number;
  /** Up to the moment it was asked for; one without traffic is all zeros. */
  readonly slots: readonly HistorySlot[];
};

export class SessionHistory {
  /** Seven digits each, which is more than a picture shows. */
  readonly #cells = new Float32Array(limits.historySlotsMax * WIDTH);
  #slotMs: number = limits.historySlotMs;

  private constructor(readonly begin: Instant) {}

  /** `history`, or a new one at the first traffic, with what came between the two counts. */
  static counted(
    history: SessionHistory | undefined,
    before: FlowCounters,
    after: FlowCounters,
    now: Instant,
  ): SessionHistory | undefined {
    const moved =
      after.receivedOctets !== before.receivedOctets || after.sentOctets !== before.sentOctets;
    if (history === undefined && !moved) return undefined;
    const kept = history ?? new SessionHistory(now);
    kept.#add(before, after, now);
    return kept;
  }

  shown(now: Instant): SessionHistoryShown {
    const last = this.#reach(now);
    const slots = Array.from({ length: last + 1 }, (_, at) => this.#slot(at));
    return { begin: this.begin, slotMs: this.#slotMs, slots };
  }

  #add(before: FlowCounters, after: FlowCounters, now: Instant): void {
    const first = this.#reach(now) * WIDTH;
    names.forEach((name, at) => {
      const cell = first + at;
      const was = this.#cells[cell] ?? 0;
      this.#cells[cell] =
        at === ROUND_TRIP
          ? Math.max(was, after.roundTripMs)
          : was + Math.max(0, after[name] - before[name]);
    });
  }

  /** The place of `now`, for which room is made. */
  #reach(now: Instant): number {
    const since = Math.max(0, now - this.begin);
    while (since >= this.#slotMs * limits.historySlotsMax) this.#halve();
    return Math.floor(since / this.#slotMs);
  }

  /** Two slots become one, and half of the room is free. */
  #halve(): void {
    const cells = this.#cells;
    const half = limits.historySlotsMax / 2;
    for (let at = 0; at < half; at++) {
      for (let of = 0; of < WIDTH; of++) {
        const [a = 0, b = 0] = [cells[2 * at * WIDTH + of], cells[(2 * at + 1) * WIDTH + of]];
        cells[at * WIDTH + of] = of === ROUND_TRIP ? Math.max(a, b) : a + b;
      }
    }
    cells.fill(0, half * WIDTH);
    this.#slotMs *= 2;
  }

  #slot(at: number): HistorySlot {
    const values = names.map((name, of) => [name, this.#cells[at * WIDTH + of] ?? 0] as const);
    return Object.fromEntries(values) as HistorySlot;
  }
}
