// A machine's named timers as one fixed table: one array to look through, one call to clear them all.
import type { Instant } from "../../base/instant.js";
import type { Deadline } from "../deadline.js";

export class Timers<Name extends string> {
  readonly #at = new Map<Name, Instant>();

  set(name: Name, at: Instant): void {
    this.#at.set(name, at);
  }

  clear(name: Name): void {
    this.#at.delete(name);
  }

  clearAll(): void {
    this.#at.clear();
  }

  at(name: Name): Instant | undefined {
    return this.#at.get(name);
  }

  next(): Deadline | undefined {
    let next: Deadline | undefined;
    for (const [why, at] of this.#at) if (next === undefined || at < next.at) next = { at, why };
    return next;
  }

  /** Takes out and returns a timer that is due. */
  due(now: Instant): Name | undefined {
    for (const [name, at] of this.#at) {
      if (at > now) continue;
      this.#at.delete(name);
      return name;
    }
    return undefined;
  }
}
