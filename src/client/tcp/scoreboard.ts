// RFC 6675 §3, §4: what the peer's SACK told of the octets in flight, and what follows from it.
import { stack } from "../../limits.js";
import { Pieces } from "./pieces.js";

/** RFC 6675 §2: so many segments SACKed above an octet, and it counts as lost. */
export const DUP_THRESH = 3;

export class Scoreboard {
  readonly #sacked = new Pieces(stack.piecesMax);

  /** SACKed octets above SND.UNA. */
  get octets(): number {
    return this.#sacked.octets;
  }

  /** HighSACK, or `none` without any. */
  highest(none: number): number {
    return this.#sacked.highest(none);
  }

  add(start: number, end: number): void {
    this.#sacked.add(start, end);
  }

  advance(una: number): void {
    this.#sacked.dropBelow(una);
  }

  clear(): void {
    this.#sacked.clear();
  }

  /**
   * IsLost of all octets at once: whatever is below and not SACKed is lost. DupThresh pieces above it,
   * or more than DupThresh - 1 segments' octets.
   */
  lostBelow(una: number, smss: number): number {
    const sacked = this.#sacked;
    let octets = 0;
    for (let above = 1; above <= sacked.count; above++) {
      const at = sacked.count - above;
      octets += sacked.end(at) - sacked.start(at);
      if (above >= DUP_THRESH || octets > (DUP_THRESH - 1) * smss) return sacked.start(at);
    }
    return una;
  }

  uncovered(from: number, to: number): number {
    return this.#sacked.uncovered(from, to);
  }

  /** The first octet at or above `from` that is not SACKed. */
  holeFrom(from: number): number {
    const at = this.#sacked.find(from);
    return at < 0 ? from : this.#sacked.end(at);
  }

  /** Where the hole that begins at `from` ends, at `to` at the latest. */
  holeEnd(from: number, to: number): number {
    for (let at = 0; at < this.#sacked.count; at++) {
      if (this.#sacked.start(at) > from) return Math.min(to, this.#sacked.start(at));
    }
    return to;
  }
}
