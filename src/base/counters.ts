/** Counts by name with a bound on names: beyond it everything is counted as `other`. */
export class Counters {
  readonly #counts = new Map<string, number>();

  constructor(readonly namesMax: number) {}

  add(name: string, by = 1): void {
    const key = this.#counts.has(name) || this.#counts.size < this.namesMax ? name : "other";
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + by);
  }

  get(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  snapshot(): Record<string, number> {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
