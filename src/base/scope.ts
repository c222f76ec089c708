import { InvariantBroken } from "./invariant.js";
import type { Held, Ledger, Owner } from "./ledger.js";

/**
 * The one owner of whatever must be given back. Disposing gives all back, last in, first out; one
 * failing release never keeps the others. `move()` is the only way a lease outlives its block. Leases
 * and children are chains through themselves: each session has several scopes.
 */
export class Scope implements Disposable, Owner {
  readonly #kind: string;
  readonly #number: number | undefined;
  #open = true;
  #lastHeld: Held | undefined;
  #parent: Scope | undefined;
  #lastChild: Scope | undefined;
  /** Beside it in the same parent. */
  #older: Scope | undefined;
  #younger: Scope | undefined;

  /** The owner is named `kind`, or `kind number`. */
  constructor(
    kind: string,
    readonly ledger: Ledger,
    number?: number,
  ) {
    this.#kind = kind;
    this.#number = number;
  }

  get owner(): string {
    return this.#number === undefined ? this.#kind : `${this.#kind} ${this.#number}`;
  }

  get open(): boolean {
    return this.#open;
  }

  /** Throws `InvariantBroken` after the scope's end, having given the lease back at once. */
  hold<L extends Disposable>(what: string, lease: L, detail = ""): L {
    if (!this.#open) {
      lease[Symbol.dispose]();
      throw new InvariantBroken(`${this.owner}: hold(${what}) after its end`);
    }
    this.#lastHeld = this.ledger.enter(what, this, detail, lease, this.#lastHeld);
    return lease;
  }

  /** A scope inside this one: it ends with this one at the latest, and is forgotten when it ends. */
  child(kind: string, number?: number): Scope {
    const child = new Scope(kind, this.ledger, number);
    if (!this.#open) {
      throw new InvariantBroken(`${this.owner}: child(${child.owner}) after its end`);
    }
    this.#adopt(child);
    return child;
  }

  /** Gives one lease back before the scope's end. False when this scope does not hold it. */
  release(lease: Disposable): boolean {
    let newer: Held | undefined;
    for (let held = this.#lastHeld; held !== undefined; held = held.before) {
      if (held.lease !== lease) {
        newer = held;
        continue;
      }
      if (newer === undefined) this.#lastHeld = held.before;
      else newer.before = held.before;
      const failure = this.#giveBack(held, lease);
      if (failure !== undefined) throw failure.error;
      return true;
    }
    return false;
  }

  /** Shows all of this scope's leases as on their way back: the release waits for an answer. */
  returning(why: string): void {
    for (let held = this.#lastHeld; held !== undefined; held = held.before) {
      this.ledger.returning(held, why);
    }
  }

  /** Hands all leases, children and its place in the tree to a new scope, and ends this one. */
  move(): Scope {
    const moved = new Scope(this.#kind, this.ledger, this.#number);
    moved.#lastHeld = this.#lastHeld;
    this.#lastHeld = undefined;
    // Their lines name their owner by the scope itself.
    for (let held = moved.#lastHeld; held !== undefined; held = held.before) held.by = moved;
    for (const child of this.#children().reverse()) {
      child.#leave();
      moved.#adopt(child);
    }
    const parent = this.#parent;
    this.#end();
    if (parent !== undefined) parent.#adopt(moved);
    return moved;
  }

  [Symbol.dispose](): void {
    // Closed before the first release: one that re-enters fails at once and leaves nothing behind.
    this.#end();
    const failures: unknown[] = [];
    for (const child of this.#children()) {
      try {
        child[Symbol.dispose]();
      } catch (failure) {
        failures.push(failure);
      }
    }
    while (this.#lastHeld !== undefined) {
      const held = this.#lastHeld;
      this.#lastHeld = held.before;
      if (held.lease === undefined) continue;
      const failure = this.#giveBack(held, held.lease);
      if (failure !== undefined) failures.push(failure.error);
    }
    if (failures.length > 0) throw new AggregateError(failures, `${this.owner}: not given back`);
  }

  /** The youngest first. */
  #children(): Scope[] {
    const children: Scope[] = [];
    for (let child = this.#lastChild; child !== undefined; child = child.#older) {
      children.push(child);
    }
    return children;
  }

  #adopt(child: Scope): void {
    child.#parent = this;
    child.#older = this.#lastChild;
    if (this.#lastChild !== undefined) this.#lastChild.#younger = child;
    this.#lastChild = child;
  }

  #leave(): void {
    if (this.#parent === undefined) return;
    if (this.#younger === undefined) this.#parent.#lastChild = this.#older;
    else this.#younger.#older = this.#older;
    if (this.#older !== undefined) this.#older.#younger = this.#younger;
    this.#parent = undefined;
    this.#older = undefined;
    this.#younger = undefined;
  }

  #end(): void {
    this.#open = false;
    this.#leave();
  }

  #giveBack(held: Held, lease: Disposable): { error: unknown } | undefined {
    held.before = undefined;
    try {
      lease[Symbol.dispose]();
      this.ledger.leave(held);
      return undefined;
    } catch (error) {
      this.ledger.stick(held, lease, error);
      return { error };
    }
  }
}
