// A machine's named timers: one place to look through, one call to clear them all. A chain, since of a
// session's ten no more than two or three run at once.
import type { Instant } from "../base/instant.js";
import type { Deadline } from "./deadline.js";

type Running<Name> = { readonly why: Name; at: Instant; next: Running<Name> | undefined };

export class Timers<Name extends string> {
  #first: Running<Name> | undefined;

  set(name: Name, at: Instant): void {
    const running = this.#find(name);
    if (running === undefined) this.#first = { why: name, at, next: this.#first };
    else running.at = at;
  }

  clear(name: Name): void {
    let before: Running<Name> | undefined;
    for (let running = this.#first; running !== undefined; running = running.next) {
      if (running.why !== name) {
        before = running;
        continue;
      }
      if (before === undefined) this.#first = running.next;
      else before.next = running.next;
      return;
    }
  }

  clearAll(): void {
    this.#first = undefined;
  }

  at(name: Name): Instant | undefined {
    return this.#find(name)?.at;
  }

  /** The earliest. */
  next(): (Deadline & { readonly why: Name }) | undefined {
    let next = this.#first;
    for (let running = next?.next; running !== undefined; running = running.next) {
      if (running.at < next!.at) next = running;
    }
    return next;
  }

  /** Takes out and returns the earliest timer that is due. */
  due(now: Instant): Name | undefined {
    const next = this.next();
    if (next === undefined || next.at > now) return undefined;
    this.clear(next.why);
    return next.why;
  }

  #find(name: Name): Running<Name> | undefined {
    let running = this.#first;
    while (running !== undefined && running.why !== name) running = running.next;
    return running;
  }
}
