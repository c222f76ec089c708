// Blocked sources: the guard says which; the kernel drops them (os/nft-blocks), the store keeps them
// over a restart, the log tells of each. Where the kernel cannot, they are refused at the accept.
import { type Ipv4, inPrefix4, type Prefix4 } from "../base/ip.js";
import type { Held, Ledger } from "../base/ledger.js";
import { formatSource, overlap, rangeOf } from "../base/range4.js";
import type { Block, Blocks } from "../core/guard/blocks.js";
import type { SessionInfo } from "../core/server-ports.js";
import { monotonicNow, wallClockMs } from "../os/clock.js";
import { describeOsError, type OsError } from "../os/errors.js";
import type { BlockChange, LiveCall } from "../os/nft-blocks.js";
import type { BlockStore } from "../store/port.js";
import type { RunningServer } from "./running-server.js";

/** The kernel's table, as os/nft-blocks has it. */
export interface BlockTable {
  readonly name: string;
  /** An earlier run's is there. */
  left(): Promise<boolean>;
  begin(): Promise<OsError | undefined>;
  change(changes: readonly BlockChange[]): Promise<OsError | undefined>;
  end(): Promise<OsError | undefined>;
  dropped(): Promise<readonly [connections: number, gre: number] | undefined>;
}

export type BlockingTerms = {
  readonly blocks: Blocks;
  readonly table: BlockTable;
  readonly store: BlockStore;
  readonly ledger: Ledger;
  readonly clock: () => number;
  readonly wallClockMs: () => number;
  /** Sessions there are, for those whose source is blocked. */
  readonly sessions: () => Iterable<SessionInfo>;
  /** What is not logged in of a blocked source ends. */
  readonly endStrangers: (source: Prefix4) => void;
  /** Something of it is never blocked. */
  readonly allows: (source: Prefix4) => boolean;
  readonly noted: (reason: string) => void;
  readonly log: {
    warn(fields: Record<string, unknown>, line: string): void;
    info(fields: Record<string, unknown>, line: string): void;
  };
};

export type BlockAnswer =
  | { readonly kind: "blocked"; readonly block: Block }
  | { readonly kind: "allowed" }
  | { readonly kind: "overlaps"; readonly by: Block };

/** In one run of nft. */
const changesAtOnce = 1_024;

export class Blocking {
  readonly #terms: BlockingTerms;
  /** Not in the kernel yet. */
  #waiting: BlockChange[] = [];
  #flushing: Promise<void> | undefined;
  #held: Held | undefined;
  #problem: string | undefined;

  constructor(terms: BlockingTerms) {
    this.#terms = terms;
  }

  get limits(): Blocks["limits"] {
    return this.#terms.blocks.limits;
  }

  /** Why blocked sources are refused at the accept only; undefined: the kernel drops them. */
  get problem(): string | undefined {
    return this.#problem;
  }

  get live(): Block[] {
    return this.#terms.blocks.live(this.#terms.clock());
  }

  /** What an earlier run left in the kernel goes; what it left in the store counts again. */
  async begin(): Promise<void> {
    const { store, blocks, clock, wallClockMs, table, log } = this.#terms;
    const { blocksMax, blockedNetworksMax, blockForgetMs } = this.limits;
    const keptMax = blocksMax + blockedNetworksMax;
    const kept = await store.list(keptMax);
    const ahead = clock() - wallClockMs();
    for (const { source, reason, since, until, times } of kept.ok ? kept.value : []) {
      blocks.restore({ source, reason, since: since + ahead, until: until + ahead, times });
    }
    await store.prune(wallClockMs() - blockForgetMs, keptMax);
    blocks.forgot = (block) => this.#forgotten(block);
    const left = await table.left();
    if (left) {
      log.info(
        { table: table.name },
        "replaces the blocks' nft table that an earlier run had left",
      );
    }
    // The table is made when it is needed.
    if (this.live.length === 0 && left) await table.end();
    for (const block of this.live) this.#enqueue(block);
    await this.#flushing;
  }

  /** The guard blocked it, or an operator did. */
  blocked(block: Block): void {
    const { log, store, clock, wallClockMs, endStrangers } = this.#terms;
    const { source, reason, times } = block;
    const forS = Math.round((block.until - clock()) / 1_000);
    log.warn({ peer: formatSource(source), reason, forS, times }, "source blocked");
    const ahead = wallClockMs() - clock();
    this.#settle(
      store.put({ ...block, since: block.since + ahead, until: block.until + ahead }),
      source,
    );
    endStrangers(source);
    this.#enqueue(block);
  }

  /** `allowed`: of guard.allow; `overlaps`: with the network of a block in force. */
  block(source: Prefix4, reason: string, forMs: number): BlockAnswer {
    const { blocks, clock, allows } = this.#terms;
    if (allows(source)) return { kind: "allowed" };
    const by = blocks.overlapping(source, clock());
    if (by !== undefined) return { kind: "overlaps", by };
    const block = blocks.byOperator(source, reason, clock(), forMs);
    this.blocked(block);
    return { kind: "blocked", block };
  }

  /** Whether it was blocked. */
  unblock(source: Prefix4): boolean {
    const { blocks, clock, store, log } = this.#terms;
    const was = blocks.unblock(source, clock());
    this.#settle(store.remove(source), source);
    if (!was) return false;
    log.info({ peer: formatSource(source) }, "source unblocked");
    this.#put({ kind: "unblock", source });
    return true;
  }

  /** What the kernel dropped since its table was made: attempts to connect, GRE packets. */
  async dropped(): Promise<{ readonly connections: number; readonly gre: number }> {
    const read = this.#held === undefined ? undefined : await this.#terms.table.dropped();
    const [connections, gre] = read ?? [0, 0];
    return { connections, gre };
  }

  async end(): Promise<void> {
    this.#waiting = [];
    await this.#flushing;
    if (this.#held === undefined) return;
    const failure = await this.#terms.table.end();
    if (failure !== undefined) this.#complain(failure);
    this.#terms.ledger.leave(this.#held);
    this.#held = undefined;
  }

  /** It made room for another: nothing of it is left, in the kernel and the store neither. */
  #forgotten({ source, until }: Block): void {
    const { clock, store, noted } = this.#terms;
    if (until <= clock()) return;
    noted("forgotten block");
    this.#settle(store.remove(source), source);
    this.#put({ kind: "unblock", source });
  }

  #enqueue({ source, until }: Block): void {
    const { blocks, clock, sessions, noted } = this.#terms;
    const now = clock();
    const live: LiveCall[] = [];
    for (const info of sessions()) {
      const { peerAddress, localAddress, callId, account } = info;
      if (account === undefined || !inPrefix4(peerAddress, source)) continue;
      if (live.length >= this.limits.blockedLiveMax / 2) {
        noted("live call of a blocked source not let through");
        continue;
      }
      // Under two blocks it goes on until both have ended.
      const forMs = Math.max(until, blocks.endsFor(peerAddress, now) ?? 0) - now;
      live.push({ source: peerAddress, localAddress, callId, forMs });
    }
    this.#put({ kind: "block", blocked: { source, forMs: until - now }, live });
  }

  #put(change: BlockChange): void {
    // What the kernel cannot take in is refused at the accept.
    if (this.#waiting.length >= this.limits.blocksMax) this.#waiting.shift();
    this.#waiting.push(change);
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = undefined;
    });
  }

  /** One run of nft at a time, with all that waits by then. */
  async #flush(): Promise<void> {
    const { table, ledger } = this.#terms;
    while (this.#waiting.length > 0) {
      if (this.#held === undefined) {
        const failure = await table.begin();
        if (failure !== undefined) return this.#complain(failure);
        this.#held = ledger.enter("nftTable", "blocking", table.name);
      }
      const changes = this.#waiting.splice(0, changesAtOnce);
      const failure = await table.change(changes);
      if (failure !== undefined) return this.#complain(failure);
      this.#problem = undefined;
    }
  }

  #complain(failure: OsError): void {
    this.#waiting = [];
    const problem = describeOsError(failure);
    const line = "the kernel does not drop blocked sources: they are refused at the accept";
    if (this.#problem !== problem) this.#terms.log.warn({ problem }, line);
    this.#problem = problem;
  }

  #settle(answer: Promise<{ readonly ok: boolean }>, source: Prefix4): void {
    const lost = () =>
      this.#terms.log.warn({ peer: formatSource(source) }, "a block is not kept over a restart");
    answer.then(({ ok }) => ok || lost(), lost);
  }
}

/** That of a server; its guard tells it of every block. */
export function blockingOf(running: RunningServer): Blocking {
  const { guard, ledger, config, terms, outside } = running;
  const { store, log } = terms;
  const blocking = new Blocking({
    ...{ ledger, log, wallClockMs, clock: monotonicNow },
    blocks: guard.blocks,
    table: outside.blockTable(running.tableOwner, config.listen.port, config.limits.guard),
    store: store.blocks,
    sessions: () => running.server.sessions(),
    noted: (reason) => running.server.noted(reason),
    // Later: whoever says so is in the middle of an input.
    endStrangers: (source) =>
      setImmediate(() =>
        running.loop.input((server, now) =>
          server.endStrangers((peer: Ipv4) => inPrefix4(peer, source), now),
        ),
      ),
    allows: (source) =>
      running.config.guard.allow.some((allowed) => overlap(rangeOf(allowed), rangeOf(source))),
  });
  guard.blocked = (block) => {
    running.incidents.blocked(block);
    blocking.blocked(block);
  };
  return blocking;
}
