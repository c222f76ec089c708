import type { Instant } from "./instant.js";

type Entry<K> = { key: K; at: Instant; why: string; index: number };

/** A binary heap of one deadline a key: the composer of many machines arms one timer for all. */
export class Deadlines<K> {
  readonly #heap: Entry<K>[] = [];
  readonly #byKey = new Map<K, Entry<K>>();

  get size(): number {
    return this.#heap.length;
  }

  /** Sets, moves or (with `undefined`) removes the deadline of `key`. O(log n). */
  set(key: K, deadline: { at: Instant; why: string } | undefined): void {
    const old = this.#byKey.get(key);
    if (deadline === undefined) {
      if (old !== undefined) this.#remove(old);
      return;
    }
    if (old === undefined) {
      const entry = { key, at: deadline.at, why: deadline.why, index: this.#heap.length };
      this.#byKey.set(key, entry);
      this.#heap.push(entry);
      this.#up(entry);
      return;
    }
    const before = old.at;
    old.at = deadline.at;
    old.why = deadline.why;
    if (old.at < before) this.#up(old);
    else this.#down(old);
  }

  next(): { key: K; at: Instant; why: string } | undefined {
    return this.#heap[0];
  }

  /** Takes out and returns the next key that is due at `now`, or undefined. */
  due(now: Instant): K | undefined {
    const first = this.#heap[0];
    if (first === undefined || first.at > now) return undefined;
    this.#remove(first);
    return first.key;
  }

  #remove(entry: Entry<K>): void {
    this.#byKey.delete(entry.key);
    const last = this.#heap.pop()!;
    if (last === entry) return;
    last.index = entry.index;
    this.#heap[last.index] = last;
    this.#up(last);
    this.#down(last);
  }

  #up(entry: Entry<K>): void {
    while (entry.index > 0) {
      const parent = this.#heap[(entry.index - 1) >> 1]!;
      if (parent.at <= entry.at) return;
      this.#swap(parent, entry);
    }
  }

  #down(entry: Entry<K>): void {
    for (;;) {
      const left = this.#heap[2 * entry.index + 1];
      if (left === undefined) return;
      const right = this.#heap[2 * entry.index + 2];
      const child = right !== undefined && right.at < left.at ? right : left;
      if (child.at >= entry.at) return;
      this.#swap(entry, child);
    }
  }

  #swap(parent: Entry<K>, child: Entry<K>): void {
    const at = parent.index;
    parent.index = child.index;
    child.index = at;
    this.#heap[parent.index] = parent;
    this.#heap[child.index] = child;
  }
}
