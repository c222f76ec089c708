// The store's port over a thread of its own: a bounded queue here, one batch under way, answers only
// after the commit. A thread that dies is started again; what comes from an earlier one is dropped.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { store as limits } from "../limits.js";
import type { Answer, OpenFailure, Store, StoreStats, StoreTerms, StoreTrouble } from "./port.js";
import { type Batch, type Kind, RequestQueue, type Turn, type Waiting } from "./request-queue.js";
import type { AskOf, FromThread, Operation, ThreadData, ToThread, ValueOf } from "./sqlite-link.js";
import { portOver } from "./sqlite-port.js";
import { troubleWith } from "./store-trouble.js";

/** As node:worker_threads has it. */
export type StoreThread = Pick<Worker, "on" | "once" | "postMessage" | "terminate">;

export type SqliteStoreTerms = {
  readonly databasePath: string;
  /** Outside the database's directory. Made when there is neither it nor a database. */
  readonly keyPath: string;
  /** User id the key file must belong to; the process's own when absent. */
  readonly owner?: number;
  /** The thread's compiled module, where it is not beside this one. */
  readonly thread?: URL;
  /** Where something else stands for the thread. */
  readonly startThread?: (data: ThreadData) => StoreThread;
  /** How long accounting gathers, where it is not limits.gatherMs. */
  readonly gatherMs?: number;
  /** Told when the store comes into a trouble, into another one, and (undefined) out of it. */
  readonly onTrouble?: (trouble: StoreTrouble | undefined) => void;
};

/** The thread runs compiled code: run from its sources (tests), the store takes the last build's. */
function threadModule(): URL {
  const beside = new URL("./sqlite-thread.js", import.meta.url);
  return existsSync(fileURLToPath(beside))
    ? beside
    : new URL("../../dist/store/sqlite-thread.js", import.meta.url);
}

export type Ask = <K extends Operation>(
  kind: Kind,
  operation: K,
  ask: AskOf<K>,
) => Promise<Answer<ValueOf<K>>>;

type Thread = { readonly worker: StoreThread; readonly generation: number };

export class SqliteStore {
  readonly #terms: SqliteStoreTerms;
  readonly #queue = new RequestQueue();
  #thread: Thread | undefined;
  #generation = 0;
  #opened = false;
  #tid = 0;
  #closing = false;
  #closed = false;
  #flying: Batch | undefined;
  /** The reads of the batch under way are answered. */
  #readsDone = false;
  /** The newest terms, for a thread that is started again. */
  #configured: StoreTerms | undefined;
  #trouble: StoreTrouble | undefined;
  #retryMs: number = limits.retryMinMs;
  #accountingAfter = 0;
  #retryTimer: NodeJS.Timeout | undefined;
  #restartTimer: NodeJS.Timeout | undefined;
  #restarts: number[] = [];
  #drained: (() => void) | undefined;
  #commits = 0;
  #failures = 0;
  #threadRestarts = 0;
  #lateAnswers = 0;

  constructor(terms: SqliteStoreTerms) {
    this.#terms = terms;
  }

  /** Starts the thread; the instance id, or why the database can't be opened. */
  open(): Promise<{ readonly ok: true; readonly instanceId: string } | OpenFailure> {
    const generation = ++this.#generation;
    this.#opened = false;
    const { databasePath, keyPath, owner, thread } = this.#terms;
    const terms = { databasePath, keyPath, owner: owner ?? process.geteuid?.() ?? 0 };
    const start =
      this.#terms.startThread ??
      ((workerData) => new Worker(thread ?? threadModule(), { workerData }));
    return new Promise((resolve) => {
      const worker = start({ terms });
      this.#thread = { worker, generation };
      const failed = (message: string) => {
        resolve({ ...troubleWith("failed", message), ok: false, reason: "trouble" });
        this.#threadEnded(generation, message);
      };
      worker.on("message", (message: FromThread) => {
        if (generation !== this.#generation) this.#lateAnswers++;
        else if (message.kind === "opened") {
          resolve({ ok: true, instanceId: message.instanceId });
          this.#opened = true;
          this.#tid = message.tid;
          this.#reconfigure();
          this.#pump();
        } else if (message.kind === "not-opened") {
          resolve(message.failure);
        } else this.#answered(message);
      });
      worker.on("error", (error) => failed(`the store's thread failed: ${error.message}`));
      worker.on("exit", (code) => failed(`the store's thread ended (${code})`));
    });
  }

  ask: Ask = <K extends Operation>(kind: Kind, operation: K, ask: AskOf<K>) =>
    new Promise<Answer<ValueOf<K>>>((resolve) => {
      const settle = (answer: Answer<unknown>) => resolve(answer as Answer<ValueOf<K>>);
      if (this.#closing) {
        settle(troubleWith("closed", "the store is closed"));
        return;
      }
      if (!this.#opened && kind !== "accounting") {
        settle(troubleWith("failed", "the store's thread is being started again"));
        return;
      }
      if (operation === "configure") this.#configured = ask as StoreTerms;
      this.#queue.put({ kind, operation, ask, since: performance.now(), settle });
      this.#pump();
    });

  stats(): StoreStats {
    const oldest = this.#queue.oldestSince;
    const flying = this.#flying;
    const reads = this.#readsDone ? 0 : (flying?.reads.length ?? 0);
    const count = reads + (flying?.writes.length ?? 0) + (flying?.alone === undefined ? 0 : 1);
    const accounting = flying?.writes.filter(({ kind }) => kind === "accounting").length ?? 0;
    return {
      queueLength: this.#queue.length + count,
      oldestMs: oldest === undefined ? 0 : Math.round(performance.now() - oldest),
      accountingLength: this.#queue.accountingLength + accounting,
      inTrouble: this.#trouble?.what,
      commits: this.#commits,
      failures: this.#failures,
      interimsDropped: this.#queue.interimsDropped,
      recordsRefused: this.#queue.recordsRefused,
      threadRestarts: this.#threadRestarts,
      lateAnswers: this.#lateAnswers,
      tid: this.#opened ? this.#tid : 0,
    };
  }

  async close(): Promise<{ readonly recordsLost: number }> {
    if (this.#closing) return { recordsLost: 0 };
    this.#closing = true;
    this.#accountingAfter = 0;
    await this.#drain();
    this.#closed = true;
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#restartTimer);
    const flying = this.#flying;
    this.#flying = undefined;
    this.#generation++;
    if (flying !== undefined) this.#putBack(flying);
    const recordsLost = this.#queue.drop("closed", "the store was closed before this was written");
    await this.#endThread();
    return { recordsLost };
  }

  /** Until everything is written, or for closeMs. */
  #drain(): Promise<void> {
    if (this.#queue.length === 0 && this.#flying === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, limits.closeMs);
      this.#drained = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#pump();
    });
  }

  async #endThread(): Promise<void> {
    const worker = this.#thread?.worker;
    this.#thread = undefined;
    if (worker === undefined || !this.#opened) {
      await worker?.terminate();
      return;
    }
    const ended = new Promise<void>((resolve) => worker.once("exit", () => resolve()));
    worker.postMessage({ kind: "close" } satisfies ToThread);
    const timer = setTimeout(() => void worker.terminate(), limits.closeMs);
    await ended;
    clearTimeout(timer);
  }

  #pump(): void {
    if (this.#flying !== undefined || this.#closed || !this.#opened) return;
    const batch = this.#queue.take(this.#accountingTurn());
    if (batch === undefined) {
      if (this.#queue.length === 0) this.#drained?.();
      else this.#arm();
      return;
    }
    this.#flying = batch;
    this.#readsDone = batch.reads.length === 0;
    const request = ({ operation, ask }: Waiting) => ({ operation, ask });
    this.#thread?.worker.postMessage({
      kind: "batch",
      reads: batch.reads.map(request),
      writes: batch.writes.map(request),
      alone: batch.alone && request(batch.alone),
    } satisfies ToThread);
  }

  /** When the accounting that waits has gathered for long enough, and any trouble is waited out. */
  get #accountingDueAt(): number {
    const { accountingLength, accountingSince = 0 } = this.#queue;
    const full = this.#closing || accountingLength >= limits.batchMax;
    const gatherMs = full ? 0 : (this.#terms.gatherMs ?? limits.gatherMs);
    return Math.max(this.#accountingAfter, accountingSince + gatherMs);
  }

  #accountingTurn(): Turn {
    const now = performance.now();
    if (now >= this.#accountingDueAt) return "now";
    return now >= this.#accountingAfter ? "along" : "not";
  }

  /** Accounting is looked at again when it is due. */
  #arm(): void {
    clearTimeout(this.#retryTimer);
    const ms = Math.max(1, this.#accountingDueAt - performance.now());
    this.#retryTimer = setTimeout(() => this.#pump(), ms);
    this.#retryTimer.unref();
  }

  #answered(message: Extract<FromThread, { kind: "read" | "written" }>): void {
    const batch = this.#flying;
    if (batch === undefined) return;
    if (message.kind === "read") {
      this.#readsDone = true;
      if (message.last) this.#flying = undefined;
      this.#settleAll(batch.reads, message.answers);
      if (message.last) this.#pump();
      return;
    }
    this.#flying = undefined;
    if (Array.isArray(message.answers)) {
      this.#settleAll(batch.writes, message.answers);
      if (batch.writes.length > 0) this.#wentWell();
    } else if ("reason" in message.answers) {
      this.#wentWrong(batch.writes, message.answers);
    }
    if (batch.alone !== undefined && message.alone !== undefined) {
      this.#settleAll([batch.alone], [message.alone]);
    }
    this.#pump();
  }

  #wentWell(): void {
    this.#commits++;
    // A damaged file stays damaged, though parts of it can still be written.
    if (this.#trouble?.what !== "corrupt") this.#inTrouble(undefined);
    this.#retryMs = limits.retryMinMs;
    this.#accountingAfter = 0;
  }

  /** Each by its own answer; one that met a lock is tried again while it is young. */
  #settleAll(waiting: readonly Waiting[], answers: readonly Answer<unknown>[]): void {
    const again: Waiting[] = [];
    for (const [i, one] of waiting.entries()) {
      const answer = answers[i] ?? troubleWith("failed", "no answer of the store's thread");
      const locked = !answer.ok && answer.reason === "trouble" && answer.what === "locked";
      if (!answer.ok && answer.reason === "trouble") this.#failed(answer);
      if (locked && this.#isYoung(one)) again.push(one);
      else one.settle(answer);
    }
    this.#queue.putBack(again);
  }

  #failed(trouble: StoreTrouble): void {
    this.#failures++;
    const ofTheDisk = trouble.what === "corrupt" || trouble.message.includes("SQLITE_IOERR");
    if (ofTheDisk) this.#inTrouble(trouble);
  }

  #inTrouble(trouble: StoreTrouble | undefined): void {
    const before = this.#trouble?.what;
    if (before === "corrupt" && trouble !== undefined) return;
    this.#trouble = trouble;
    if (before !== trouble?.what) this.#terms.onTrouble?.(trouble);
  }

  #isYoung({ since }: Waiting): boolean {
    return !this.#closed && performance.now() - since < limits.busyMs;
  }

  /** Nothing of the batch was written: changes are told so, accounting waits and is tried again. */
  #wentWrong(waiting: readonly Waiting[], failure: Answer<unknown>): void {
    if (failure.ok || failure.reason !== "trouble") return;
    this.#failures++;
    const again: Waiting[] = [];
    for (const one of waiting) {
      const kept = one.kind === "accounting";
      if (kept || (failure.what === "locked" && this.#isYoung(one))) again.push(one);
      else one.settle(failure);
    }
    this.#queue.putBack(again);
    this.#inTrouble(failure);
    // A lock is waited out in the thread: changes try again at once, accounting alone has time.
    if (again.some(({ kind }) => kind !== "accounting")) return;
    this.#accountingAfter = performance.now() + this.#retryMs;
    this.#retryMs = Math.min(limits.retryMaxMs, 2 * this.#retryMs);
  }

  /** Reads and accounting can be asked again; whether a change was made nobody knows. */
  #putBack({ reads, writes, alone }: Batch): void {
    const unsure = "the store's thread ended meanwhile: look whether the change was made";
    const changes = writes.filter(({ kind }) => kind !== "accounting");
    for (const one of alone === undefined ? changes : [...changes, alone]) {
      one.settle(troubleWith("failed", unsure));
    }
    const accounting = writes.filter(({ kind }) => kind === "accounting");
    this.#queue.putBack([...(this.#readsDone ? [] : reads), ...accounting]);
  }

  #threadEnded(generation: number, message: string): void {
    if (generation !== this.#generation || this.#closed) return;
    const wasOpen = this.#opened;
    this.#generation++;
    this.#opened = false;
    this.#thread = undefined;
    const flying = this.#flying;
    this.#flying = undefined;
    if (flying !== undefined) this.#putBack(flying);
    if (!wasOpen && this.#threadRestarts === 0) return; // It never opened: `open` said why.
    this.#failures++;
    this.#inTrouble(troubleWith("failed", message));
    this.#queue.failAll("failed", message);
    this.#restart();
  }

  #restart(): void {
    const now = performance.now();
    this.#restarts = this.#restarts.filter((at) => now - at < 60_000);
    const first = this.#restarts[0];
    const full = this.#restarts.length >= limits.restartsPerMinuteMax && first !== undefined;
    const ms = full ? first + 60_000 - now : this.#restarts.length * limits.retryMinMs;
    clearTimeout(this.#restartTimer);
    this.#restartTimer = setTimeout(() => {
      this.#restarts.push(performance.now());
      this.#threadRestarts++;
      void this.open();
    }, ms);
  }

  #reconfigure(): void {
    const ask = this.#configured;
    if (ask === undefined || this.#threadRestarts === 0) return;
    const settle = () => {};
    this.#queue.putBack([
      { kind: "write", operation: "configure", ask, since: performance.now(), settle },
    ]);
  }
}

export type OpenedStore = { readonly ok: true; readonly store: Store } | OpenFailure;

/** Opens, or makes, the database and its key; a failure says what to do and changed nothing. */
export async function openStore(terms: SqliteStoreTerms): Promise<OpenedStore> {
  const store = new SqliteStore(terms);
  const opened = await store.open();
  if (!opened.ok) {
    await store.close();
    return opened;
  }
  return { ok: true, store: portOver(store, opened.instanceId) };
}
