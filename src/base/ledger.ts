import type { Instant } from "./instant.js";

export type HeldState = "held" | "returning" | "stuck";

/** One thing that is out. `id` is the lease's own number: names repeat, counts must not. */
export type Held = {
  readonly id: number;
  /** Kind of lease: `socket`, `callId`, `flowSlot`, `address`, `key`, `route`, … */
  readonly what: string;
  /** The scope that must give it back, e.g. `call 4711`. */
  readonly owner: string;
  /** More of it for the reader, e.g. the address itself; never a secret. */
  readonly detail: string;
  readonly since: Instant;
};

export type LedgerLine = Held & { readonly state: HeldState; readonly why: string };

type Entry = Held & { state: HeldState; why: string; lease: Disposable | undefined };

/** What is held now, by whom, since when, and what could not be given back. */
export class Ledger {
  #nextId = 1;
  readonly #held = new Map<number, Entry>();
  readonly #clock: () => Instant;

  /** `clock` only dates entries; no decision is taken by it. */
  constructor(clock: () => Instant) {
    this.#clock = clock;
  }

  enter(what: string, owner: string, detail = ""): Held {
    const entry: Entry = {
      id: this.#nextId++,
      what,
      owner,
      detail,
      since: this.#clock(),
      state: "held",
      why: "",
      lease: undefined,
    };
    this.#held.set(entry.id, entry);
    return entry;
  }

  leave({ id }: { id: number }): void {
    this.#held.delete(id);
  }

  /** The release was asked for and waits for an answer (worker, kernel): stays visible until `leave`. */
  returning({ id }: { id: number }, why: string): void {
    const entry = this.#held.get(id);
    if (entry === undefined) return;
    entry.state = "returning";
    entry.why = why;
  }

  /** A release that failed stays visible with its failure until a retry succeeds. */
  stick({ id }: { id: number }, lease: Disposable, failure: unknown): void {
    const entry = this.#held.get(id);
    if (entry === undefined) return;
    entry.state = "stuck";
    entry.why = failure instanceof Error ? failure.message : String(failure);
    entry.lease = lease;
  }

  /** Tries at most `most` stuck releases again; returns how many were given back. */
  retryStuck(most: number): number {
    let returned = 0;
    let tried = 0;
    for (const entry of this.#held.values()) {
      if (entry.state !== "stuck" || entry.lease === undefined) continue;
      if (tried++ >= most) break;
      try {
        entry.lease[Symbol.dispose]();
        this.#held.delete(entry.id);
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
    for (const entry of this.#held.values()) if (entry.state === "stuck") stuck++;
    return stuck;
  }

  /** Counts by kind, sorted by name. */
  balance(): Record<string, number> {
    const counts = new Map<string, number>();
    for (const { what } of this.#held.values()) counts.set(what, (counts.get(what) ?? 0) + 1);
    return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  *lines(): IterableIterator<LedgerLine> {
    for (const { id, what, owner, detail, since, state, why } of this.#held.values()) {
      yield { id, what, owner, detail, since, state, why };
    }
  }
}
