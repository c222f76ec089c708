// Who is behind most of a stream, in bounded memory (Misra and Gries, 1982): with k counters, whoever is
// more than one in k + 1 has one, and no count is short by more than that share.

export class HeavyHitters {
  readonly #counts = new Map<number, number>();
  #total = 0;
  #shortBy = 0;

  constructor(readonly countersMax: number) {}

  /** Everything that was added. */
  get total(): number {
    return this.#total;
  }

  /** No count is short by more: at most total / (countersMax + 1). */
  get shortBy(): number {
    return this.#shortBy;
  }

  get size(): number {
    return this.#counts.size;
  }

  /** One that has no counter, where none is free, costs every counter as much as itself. */
  add(key: number, count = 1): void {
    this.#total += count;
    const before = this.#counts.get(key);
    if (before !== undefined || this.#counts.size < this.countersMax) {
      this.#counts.set(key, (before ?? 0) + count);
      return;
    }
    const taken = Math.min(count, ...this.#counts.values());
    this.#shortBy += taken;
    for (const [one, has] of this.#counts) {
      if (has > taken) this.#counts.set(one, has - taken);
      else this.#counts.delete(one);
    }
    if (count > taken) this.#counts.set(key, count - taken);
  }

  /** Another one's counts too; what is promised of each holds of both together. */
  merge(other: HeavyHitters): void {
    const total = this.#total + other.#total;
    this.#shortBy += other.#shortBy;
    for (const [key, count] of other.#counts) this.add(key, count);
    this.#total = total;
  }

  /** The most first; each was added at least so often. */
  top(most: number): readonly (readonly [key: number, atLeast: number])[] {
    return [...this.#counts].sort(([, a], [, b]) => b - a).slice(0, most);
  }
}
