// What happens later in simulated time, in the order of time and then of having been asked for.
import { type Instant, instant } from "../../src/base/instant.js";

type Entry = { readonly at: number; readonly order: number; readonly run: () => void };

export class Schedule {
  now: Instant = instant(0);
  readonly #heap: Entry[] = [];
  #order = 0;

  in(ms: number, run: () => void): void {
    this.at(this.now + ms, run);
  }

  at(at: number, run: () => void): void {
    const entry = { at: Math.max(at, this.now), order: this.#order++, run };
    this.#heap.push(entry);
    this.#up(this.#heap.length - 1);
  }

  get next(): number | undefined {
    return this.#heap[0]?.at;
  }

  get size(): number {
    return this.#heap.length;
  }

  /** Runs the first entry. */
  step(): void {
    const first = this.#heap[0]!;
    const last = this.#heap.pop()!;
    if (last !== first) {
      this.#heap[0] = last;
      this.#down(0);
    }
    this.now = instant(Math.max(this.now, first.at));
    first.run();
  }

  #before(a: number, b: number): boolean {
    const [x, y] = [this.#heap[a]!, this.#heap[b]!];
    return x.at < y.at || (x.at === y.at && x.order < y.order);
  }

  #up(from: number): void {
    for (let at = from; at > 0 && this.#before(at, (at - 1) >> 1); at = (at - 1) >> 1) {
      this.#swap(at, (at - 1) >> 1);
    }
  }

  #down(from: number): void {
    for (let at = from; ; ) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < this.#heap.length && this.#before(child, least)) least = child;
      }
      if (least === at) return;
      this.#swap(at, least);
      at = least;
    }
  }

  #swap(a: number, b: number): void {
    [this.#heap[a], this.#heap[b]] = [this.#heap[b]!, this.#heap[a]!];
  }
}

/** Hands things over in the order they were sent, however their delays were drawn. */
export class Pipe {
  #lastAt = 0;

  constructor(readonly schedule: Schedule) {}

  in(ms: number, run: () => void): void {
    this.#lastAt = Math.max(this.#lastAt, this.schedule.now + ms);
    this.schedule.at(this.#lastAt, run);
  }
}
