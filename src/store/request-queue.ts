// Requests that wait for the store's thread: three bounded queues. Accounting never delays a log-in,
// and of accounting the oldest interim record is the first to go (G-28).
import { store as limits } from "../limits.js";
import type { Answer, TroubleKind } from "./port.js";
import type { Operation, Request } from "./sqlite-link.js";
import { troubleWith } from "./store-trouble.js";

export type Kind = "read" | "write" | "alone" | "accounting";

export type Waiting = Request & {
  readonly kind: Kind;
  /** Monotonic ms. */
  readonly since: number;
  readonly settle: (answer: Answer<unknown>) => void;
};

export type Batch = {
  readonly reads: readonly Waiting[];
  /** Changes and accounting, in this order, one transaction. */
  readonly writes: readonly Waiting[];
  readonly alone: Waiting | undefined;
};

const INTERIM: Operation = "session-interim";

/** Whether accounting goes with a batch: on its own account, where something is written anyway, or not. */
export type Turn = "now" | "along" | "not";

export class RequestQueue {
  #reads: Waiting[] = [];
  #writes: Waiting[] = [];
  #accounting: Waiting[] = [];
  interimsDropped = 0;
  recordsRefused = 0;

  get length(): number {
    return this.#reads.length + this.#writes.length + this.#accounting.length;
  }
  get accountingLength(): number {
    return this.#accounting.length;
  }
  /** Since when the oldest accounting record waits: monotonic ms. */
  get accountingSince(): number | undefined {
    return this.#accounting[0]?.since;
  }
  /** Since when the oldest waits: monotonic ms. */
  get oldestSince(): number | undefined {
    const firsts = [this.#reads[0], this.#writes[0], this.#accounting[0]];
    return firsts.reduce<number | undefined>(
      (oldest, one) =>
        one === undefined || (oldest !== undefined && oldest <= one.since) ? oldest : one.since,
      undefined,
    );
  }

  put(waiting: Waiting): void {
    if (waiting.kind === "accounting") {
      this.#putAccounting(waiting);
      return;
    }
    const queue = waiting.kind === "read" ? this.#reads : this.#writes;
    if (queue.length >= limits.queueMax) {
      waiting.settle(troubleWith("queue-full", `${limits.queueMax} requests wait already`));
      return;
    }
    queue.push(waiting);
  }

  /** Undefined: nothing to do yet. */
  take(accounting: Turn): Batch | undefined {
    const reads = this.#reads.splice(0, limits.batchMax);
    if (this.#writes[0]?.kind === "alone") {
      return { reads, writes: [], alone: this.#writes.shift() };
    }
    const untilAlone = this.#writes.findIndex(({ kind }) => kind === "alone");
    const most = Math.min(limits.batchMax, untilAlone < 0 ? this.#writes.length : untilAlone);
    const writes = this.#writes.splice(0, most);
    if (accounting === "now" || (accounting === "along" && writes.length > 0)) {
      writes.push(...this.#accounting.splice(0, limits.batchMax - writes.length));
    }
    if (reads.length + writes.length === 0) return undefined;
    return { reads, writes, alone: undefined };
  }

  /** What could not be done goes back to the front, in its order: at most one batch over the bound. */
  putBack(waiting: readonly Waiting[]): void {
    const of = (...kinds: Kind[]) => waiting.filter(({ kind }) => kinds.includes(kind));
    this.#reads.unshift(...of("read"));
    this.#writes.unshift(...of("write", "alone"));
    this.#accounting.unshift(...of("accounting"));
  }

  /** Answers all reads and changes with a trouble; accounting stays. */
  failAll(what: TroubleKind, message: string): void {
    for (const one of [...this.#reads.splice(0), ...this.#writes.splice(0)]) {
      one.settle(troubleWith(what, message));
    }
  }

  /** At the end: answers accounting too, and says how many starts and stops were lost. */
  drop(what: TroubleKind, message: string): number {
    this.failAll(what, message);
    const left = this.#accounting.splice(0);
    for (const one of left) one.settle(troubleWith(what, message));
    return left.filter(({ operation }) => operation !== INTERIM).length;
  }

  #putAccounting(waiting: Waiting): void {
    if (this.#accounting.length >= limits.queueMax) {
      const at = this.#accounting.findIndex(({ operation }) => operation === INTERIM);
      if (at < 0) {
        this.#refuse(waiting);
        return;
      }
      const [oldest] = this.#accounting.splice(at, 1);
      if (oldest !== undefined) this.#refuse(oldest);
    }
    this.#accounting.push(waiting);
  }

  #refuse(waiting: Waiting): void {
    if (waiting.operation === INTERIM) this.interimsDropped++;
    else this.recordsRefused++;
    waiting.settle(troubleWith("queue-full", `${limits.queueMax} accounting records wait already`));
  }
}
