// Which sources are blocked, until when, and how often they were: each time for longer. Addresses by what
// they did, networks by an operator alone. Times are one clock's ms. Bounded: the block that ends first,
// or has ended, makes room.
import { type Ipv4, inPrefix4, type Prefix4 } from "../../base/ip.js";
import { hostPrefix, overlap, rangeOf } from "../../base/range4.js";
import { type Bounds, guard as bounds } from "../../limits.js";

export type Block = {
  readonly source: Prefix4;
  readonly reason: string;
  readonly since: number;
  readonly until: number;
  /** Automatic ones so far, this one included; 0: an operator's. */
  readonly times: number;
};

/** The kernel's element of one that has ended may stay so much longer. */
const KERNEL_LATE_MS = 2_000;

export class Blocks {
  readonly #byAddress = new Map<Ipv4, Block>();
  readonly #networks = new Map<string, Block>();
  /** Told of one that made room for another; must only queue. */
  forgot: (block: Block) => void = () => {};

  constructor(readonly limits: Bounds<typeof bounds> = bounds) {}

  /** In force now. */
  find(address: Ipv4, now: number): Block | undefined {
    const block = this.#byAddress.get(address);
    if (block !== undefined && block.until > now) return block;
    for (const network of this.#networks.values()) {
      if (network.until > now && inPrefix4(address, network.source)) return network;
    }
    return undefined;
  }

  /** When the last one in force of those that it falls under ends; undefined: none is. */
  endsFor(address: Ipv4, now: number): number | undefined {
    const all = [this.#byAddress.get(address), ...this.#networks.values()];
    const its = all.filter((one) => one !== undefined && inPrefix4(address, one.source));
    const until = Math.max(...its.map((one) => one?.until ?? 0));
    return until > now ? until : undefined;
  }

  /** For longer each time, until it has behaved for blockForgetMs. */
  automatic(address: Ipv4, reason: string, now: number): Block {
    const { blockMinMs, blockMaxMs, blockForgetMs } = this.limits;
    const before = this.#byAddress.get(address);
    const remembered = before !== undefined && now - before.until < blockForgetMs;
    const times = (remembered ? before.times : 0) + 1;
    const forMs = Math.min(blockMaxMs, blockMinMs * 2 ** Math.min(times - 1, 30));
    const until = Math.max(now + forMs, before?.until ?? 0);
    return this.#put({ source: hostPrefix(address), reason, since: now, until, times });
  }

  byOperator(source: Prefix4, reason: string, now: number, forMs: number): Block {
    return this.#put({ source, reason, since: now, until: now + forMs, times: 0 });
  }

  /** Another network in force that has addresses of this one: the kernel's set takes none twice. */
  overlapping(source: Prefix4, now: number): Block | undefined {
    if (source.length === 32) return undefined;
    return [...this.#networks.values()].find(
      (other) =>
        other.until + KERNEL_LATE_MS > now &&
        keyOf(other.source) !== keyOf(source) &&
        overlap(rangeOf(other.source), rangeOf(source)),
    );
  }

  /** One of an earlier run. */
  restore(block: Block): void {
    this.#put(block);
  }

  /** Forgets it wholly: the next one is a first one. Whether it was in force. */
  unblock(source: Prefix4, now: number): boolean {
    const { address, length } = source;
    const block = length === 32 ? this.#byAddress.get(address) : this.#networks.get(keyOf(source));
    if (length === 32) this.#byAddress.delete(address);
    else this.#networks.delete(keyOf(source));
    return block !== undefined && block.until > now;
  }

  /** In force now, addresses first, the newest of each last. */
  live(now: number): Block[] {
    const all = [...this.#byAddress.values(), ...this.#networks.values()];
    return all.filter(({ until }) => until > now);
  }

  /** In force or remembered. */
  get size(): number {
    return this.#byAddress.size + this.#networks.size;
  }

  #put(block: Block): Block {
    const { source } = block;
    const { blocksMax, blockedNetworksMax } = this.limits;
    const forgotten =
      source.length === 32
        ? place(this.#byAddress, source.address, block, blocksMax)
        : place(this.#networks, keyOf(source), block, blockedNetworksMax);
    if (forgotten !== undefined) this.forgot(forgotten);
    return block;
  }
}

function keyOf({ address, length }: Prefix4): string {
  return `${address}/${length}`;
}

/** As the newest of at most so many: the one that ends first makes room, and is told. */
function place<K>(blocks: Map<K, Block>, key: K, block: Block, most: number): Block | undefined {
  blocks.delete(key);
  let first: [K, Block] | undefined;
  if (blocks.size >= most) {
    for (const entry of blocks) {
      if (first === undefined || entry[1].until < first[1].until) first = entry;
    }
    if (first !== undefined) blocks.delete(first[0]);
  }
  blocks.set(key, block);
  return first?.[1];
}
