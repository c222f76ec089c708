import { InvariantBroken } from "./invariant.js";
import type { Held, Ledger } from "./ledger.js";

/**
 * The one owner of whatever must be given back. Disposing gives all back, last in, first out; one
 * failing release never keeps the others. `move()` is the only way a lease outlives its block.
 */
export class Scope implements Disposable {
  #leases: { held: Held; lease: Disposable }[] = [];
  #open = true;
  readonly #children = new Set<Scope>();
  #parent: Scope | undefined;

  constructor(
    readonly owner: string,
    readonly ledger: Ledger,
  ) {}

  get open(): boolean {
    return this.#open;
  }

  /** Throws `InvariantBroken` after the scope's end, having given the lease back at once. */
  hold<L extends Disposable>(what: string, lease: L, detail = ""): L {
    if (!this.#open) {
      lease[Symbol.dispose]();
      throw new InvariantBroken(`${this.owner}: hold(${what}) after its end`);
    }
    this.#leases.push({ held: this.ledger.enter(what, this.owner, detail), lease });
    return lease;
  }

  /** A scope inside this one: it ends with this one at the latest, and is forgotten when it ends. */
  child(owner: string): Scope {
    const child = new Scope(owner, this.ledger);
    if (!this.#open) throw new InvariantBroken(`${this.owner}: child(${owner}) after its end`);
    this.#adopt(child);
    return child;
  }

  /** Gives one lease back before the scope's end. False when this scope does not hold it. */
  release(lease: Disposable): boolean {
    const at = this.#leases.findIndex((entry) => entry.lease === lease);
    if (at < 0) return false;
    const [entry] = this.#leases.splice(at, 1);
    const failure = this.#giveBack(entry!);
    if (failure !== undefined) throw failure.error;
    return true;
  }

  /** Shows all of this scope's leases as on their way back: the release waits for an answer. */
  returning(why: string): void {
    for (const { held } of this.#leases) this.ledger.returning(held, why);
  }

  /** Hands all leases, children and its place in the tree to a new scope, and ends this one. */
  move(): Scope {
    const moved = new Scope(this.owner, this.ledger);
    moved.#leases = this.#leases.splice(0);
    for (const child of this.#children) moved.#adopt(child);
    this.#children.clear();
    const parent = this.#parent;
    this.#end();
    if (parent !== undefined) parent.#adopt(moved);
    return moved;
  }

  [Symbol.dispose](): void {
    // Closed before the first release: one that re-enters fails at once and leaves nothing behind.
    this.#end();
    const failures: unknown[] = [];
    for (const child of [...this.#children].reverse()) {
      try {
        child[Symbol.dispose]();
      } catch (failure) {
        failures.push(failure);
      }
    }
    for (const entry of this.#leases.splice(0).reverse()) {
      const failure = this.#giveBack(entry);
      if (failure !== undefined) failures.push(failure.error);
    }
    if (failures.length > 0) throw new AggregateError(failures, `${this.owner}: not given back`);
  }

  #adopt(child: Scope): void {
    this.#children.add(child);
    child.#parent = this;
  }

  #end(): void {
    this.#open = false;
    if (this.#parent !== undefined) this.#parent.#children.delete(this);
    this.#parent = undefined;
  }

  #giveBack({ held, lease }: { held: Held; lease: Disposable }): { error: unknown } | undefined {
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
