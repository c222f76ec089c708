/** Ranges of a stream, [start, end), apart and in order, at most so many. */
export class Pieces {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  #octets = 0;

  constructor(readonly piecesMax: number) {}

  get count(): number {
    return this.#starts.length;
  }

  /** Of all of them together. */
  get octets(): number {
    return this.#octets;
  }

  start(index: number): number {
    return this.#starts[index]!;
  }

  end(index: number): number {
    return this.#ends[index]!;
  }

  /** The end of the last one, or `none`. */
  highest(none: number): number {
    return this.#ends.at(-1) ?? none;
  }

  /** Adds a range, joined with what it touches. False when it would be one piece too many. */
  add(start: number, end: number): boolean {
    let first = this.#starts.length;
    while (first > 0 && this.#ends[first - 1]! >= start) first--;
    let after = first;
    let from = start;
    let to = end;
    for (; after < this.#starts.length && this.#starts[after]! <= end; after++) {
      from = Math.min(from, this.#starts[after]!);
      to = Math.max(to, this.#ends[after]!);
      this.#octets -= this.#ends[after]! - this.#starts[after]!;
    }
    if (after === first && this.count >= this.piecesMax) return false;
    this.#starts.splice(first, after - first, from);
    this.#ends.splice(first, after - first, to);
    this.#octets += to - from;
    return true;
  }

  /** Forgets what is below `offset`. */
  dropBelow(offset: number): void {
    let whole = 0;
    while (whole < this.count && this.#ends[whole]! <= offset) {
      this.#octets -= this.#ends[whole]! - this.#starts[whole]!;
      whole++;
    }
    if (whole > 0) {
      this.#starts.splice(0, whole);
      this.#ends.splice(0, whole);
    }
    if (this.count > 0 && this.#starts[0]! < offset) {
      this.#octets -= offset - this.#starts[0]!;
      this.#starts[0] = offset;
    }
  }

  clear(): void {
    this.#starts.length = 0;
    this.#ends.length = 0;
    this.#octets = 0;
  }

  /** The piece that holds `offset`, or -1. */
  find(offset: number): number {
    for (let at = 0; at < this.count && this.#starts[at]! <= offset; at++) {
      if (offset < this.#ends[at]!) return at;
    }
    return -1;
  }

  /** Octets of [from, to) that no piece covers. */
  uncovered(from: number, to: number): number {
    let left = Math.max(0, to - from);
    for (let at = 0; at < this.count && this.#starts[at]! < to; at++) {
      left -= Math.max(0, Math.min(to, this.#ends[at]!) - Math.max(from, this.#starts[at]!));
    }
    return left;
  }
}
