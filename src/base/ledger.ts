import type { Instant } from "./instant.js";

export type HeldState = "held" | "returning" | "stuck";

/** Whose name is only made when somebody reads it: each session has several. */
export type Owner = { readonly owner: string };

/**
 * One thing that is out: a line of the ledger and, where a scope holds it, the link of its chain. `id` is
 * the lease's own number: names repeat, counts must not.
 */
export class Held {
  state: HeldState = "held";
  why = "";

  constructor(
    readonly id: number,
    /** Kind of lease: `socket`, `callId`, `flowSlot`, `address`, `key`, `route`, … */
    readonly what: string,
    public by: Owner | string,
    /** More of it for the reader, e.g. the address itself; never a secret. */
    readonly detail: string,
    readonly since: Instant,
    public lease: Disposable | undefined,
    /** What its scope took before it. */
    public before: Held | undefined,
  ) {}

  /** The scope that must give it back, e.g. `call 4711`. */
  get owner(): string {
    return typeof this.by === "string" ? this.by : this.by.owner;
  }
}

export type LedgerLine = Pick<Held, "id" | "what" | "owner" | "detail" | "since" | "state" | "why">;

/** What is held now, by whom, since when, and what could not be given back. */
export class Ledger {
  #nextId = 1;
  readonly #held = new Set<Held>();
  readonly #clock: () => Instant;

  /** `clock` only dates entries; no decision is taken by it. */
  constructor(clock: () => Instant) {
    this.#clock = clock;
  }

  enter(
    what: string,
    by: Owner | string,
    detail = "",
    lease: Disposable | undefined = undefined,
    before: Held | undefined = undefined,
  ): Held {
    const since = Math.floor(this.#clock()) as Instant;
    const entry = new Held(this.#nextId++, what, by, detail, since, lease, before);
    this.#held.add(entry);
    return entry;
  }

  leave(held: Held): void {
    this.#held.delete(held);
  }

  /** The release was asked for and waits for an answer (worker, kernel): stays visible until `leave`. */
  returning(held: Held, why: string): void {
    if (!this.#held.has(held)) return;
    held.state = "returning";
    held.why = why;
  }

  /** A release that failed stays visible with its failure until a retry succeeds. */
  stick(held: Held, lease: Disposable, failure: unknown): void {
    if (!this.#held.has(held)) return;
    held.state = "stuck";
    held.why = failure instanceof Error ? failure.message : String(failure);
    held.lease = lease;
  }

  /** Tries at most `most` stuck releases again; returns how many were given back. */
  retryStuck(most: number): number {
    let returned = 0;
    let tried = 0;
    for (const entry of this.#held) {
      if (entry.state !== "stuck" || entry.lease === undefined) continue;
      if (tried++ >= most) break;
      try {
        entry.lease[Symbol.dispose]();
        this.#held.delete(entry);
        returned++;
      } catch (failure) {
        entry.why = failure instanceof Error ? failure.message : String(failure);
      }
    }
    return returned;
  }

  get size(): number {
    return this.#held.size;
  }

  get stuck(): number {
    let stuck = 0;
    for (const entry of this.#held) if (entry.state === "stuck") stuck++;
    return stuck;
  }

  /** Counts by kind, sorted by name. */
  balance(): Record<string, number> {
    const counts = new Map<string, number>();
    for (const { what } of this.#held) counts.set(what, (counts.get(what) ?? 0) + 1);
    return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  *lines(): IterableIterator<LedgerLine> {
    for (const { id, what, owner, detail, since, state, why } of this.#held) {
      yield { id, what, owner, detail, since, state, why };
    }
  }
}
