// Which source addresses are blocked, until when, and how often they were: each time for longer. Times
// are one clock's ms. Bounded: the block that ends first, or has ended, makes room.
import type { Ipv4 } from "../../base/ip.js";
import { type Bounds, guard as bounds } from "../../limits.js";

export type Block = {
  readonly source: Ipv4;
  readonly reason: string;
  readonly since: number;
  readonly until: number;
  /** Automatic ones so far, this one included; 0: an operator's. */
  readonly times: number;
};

export class Blocks {
  readonly #bySource = new Map<Ipv4, Block>();

  constructor(readonly limits: Bounds<typeof bounds> = bounds) {}

  /** In force now. */
  find(source: Ipv4, now: number): Block | undefined {
    const block = this.#bySource.get(source);
    return block !== undefined && block.until > now ? block : undefined;
  }

  /** For longer each time, until it has behaved for blockForgetMs. */
  automatic(source: Ipv4, reason: string, now: number): Block {
    const { blockMinMs, blockMaxMs, blockForgetMs } = this.limits;
    const before = this.#bySource.get(source);
    const remembered = before !== undefined && now - before.until < blockForgetMs;
    const times = (remembered ? before.times : 0) + 1;
    const forMs = Math.min(blockMaxMs, blockMinMs * 2 ** Math.min(times - 1, 30));
    const until = Math.max(now + forMs, before?.until ?? 0);
    return this.#put({ source, reason, since: now, until, times });
  }

  byOperator(source: Ipv4, reason: string, now: number, forMs: number): Block {
    return this.#put({ source, reason, since: now, until: now + forMs, times: 0 });
  }

  /** One of an earlier run. */
  restore(block: Block): void {
    this.#put(block);
  }

  /** Forgets it wholly: the next one is a first one. Whether it was in force. */
  unblock(source: Ipv4, now: number): boolean {
    const inForce = this.find(source, now) !== undefined;
    this.#bySource.delete(source);
    return inForce;
  }

  /** In force now, the newest last. */
  live(now: number): Block[] {
    return [...this.#bySource.values()].filter(({ until }) => until > now);
  }

  /** In force or remembered. */
  get size(): number {
    return this.#bySource.size;
  }

  #put(block: Block): Block {
    this.#bySource.delete(block.source);
    if (this.#bySource.size >= this.limits.blocksMax) this.#makeRoom();
    this.#bySource.set(block.source, block);
    return block;
  }

  #makeRoom(): void {
    let first: Block | undefined;
    for (const block of this.#bySource.values()) {
      if (first === undefined || block.until < first.until) first = block;
    }
    if (first !== undefined) this.#bySource.delete(first.source);
  }
}
