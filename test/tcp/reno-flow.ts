// Somebody else's flow on the same link: RFC 5681's window, with what SACK tells taken as known at once. Its
// packets carry nothing, and what is lost is not sent again: only its share counts.
import { after } from "../../src/base/instant.js";
import type { Network } from "./network.js";

const PACKET_OCTETS = 1_400;
/** Nothing at all came for so long: all that was out is lost. */
const SILENT_MS = 1_000;

export class RenoFlow {
  /** In packets. */
  window = 10;
  delivered = 0;
  #threshold = Number.POSITIVE_INFINITY;
  #next = 0;
  /** All below is delivered or lost. */
  #settled = 0;
  /** A loss below it belongs to the last halving. */
  #recover = 0;
  #heardAt = 0;

  constructor(
    readonly network: Network,
    readonly delayMs: number,
  ) {
    this.#pump();
    this.#watch();
  }

  #pump(): void {
    while (this.#next - this.#settled < Math.floor(this.window)) {
      const number = this.#next++;
      this.network.carryOther(PACKET_OCTETS, () => this.#arrived(number));
    }
  }

  #arrived(number: number): void {
    const { schedule } = this.network;
    schedule.at(after(schedule.now, this.delayMs), () => this.#acknowledged(number));
  }

  /** The link keeps order: whatever was sent before and is not heard of is lost. */
  #acknowledged(number: number): void {
    if (number < this.#settled) return;
    if (number > this.#settled && this.#settled >= this.#recover) this.#halve();
    else if (this.window < this.#threshold) this.window++;
    else this.window += 1 / this.window;
    this.delivered += PACKET_OCTETS;
    this.#settled = number + 1;
    this.#heardAt = this.network.now;
    this.#pump();
  }

  #halve(): void {
    this.#threshold = Math.max(2, this.window / 2);
    this.window = this.#threshold;
    this.#recover = this.#next;
  }

  #watch(): void {
    const { schedule } = this.network;
    schedule.at(after(schedule.now, SILENT_MS), () => {
      if (schedule.now - this.#heardAt >= SILENT_MS) {
        this.#halve();
        this.window = 1;
        this.#settled = this.#next;
        this.#pump();
      }
      this.#watch();
    });
  }
}
