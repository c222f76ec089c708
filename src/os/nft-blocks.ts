// Blocked sources in the kernel: a table of our own with sets whose elements end by themselves. It
// drops new TCP to our port and enhanced GRE outside live calls, of blocked sources, and nothing else.
import { formatIpv4, type Ipv4, type Prefix4 } from "../base/ip.js";
import { formatSource } from "../base/range4.js";
import { type Bounds, guard } from "../limits.js";
import { isOsError, type OsError } from "./errors.js";
import { NftTable, type NftTableOptions } from "./nft.js";

export type BlockedSource = { readonly source: Prefix4; readonly forMs: number };
/** A call that goes on though its source is blocked; `callId` is ours. */
export type LiveCall = {
  readonly source: Ipv4;
  readonly localAddress: Ipv4;
  readonly callId: number;
  readonly forMs: number;
};

export type BlockChange =
  | { readonly kind: "block"; readonly blocked: BlockedSource; readonly live: readonly LiveCall[] }
  | { readonly kind: "unblock"; readonly source: Prefix4 };

/** How many elements its sets have room for. */
export type BlockTableBounds = Pick<
  Bounds<typeof guard>,
  "blocksMax" | "blockedNetworksMax" | "blockedLiveMax"
>;

/** What the table says; of sources a change has the old and the new ones in there for a moment. GRE: version 1 and protocol 0x880B, RFC 2637 §4.1; the Call ID is at octet 6. */
export function blockRules(port: number, limits: BlockTableBounds = guard): string {
  const { blocksMax, blockedNetworksMax, blockedLiveMax } = limits;
  return `set blocked { type ipv4_addr; flags timeout; size ${2 * blocksMax}; }
set networks { type ipv4_addr; flags interval, timeout; size ${4 * blockedNetworksMax}; }
set live { typeof ip saddr . ip daddr . @th,48,16; flags timeout; size ${blockedLiveMax}; }
chain refused {
tcp dport ${port} tcp flags & (syn | ack) == syn counter drop
ip protocol 47 @th,13,3 1 @th,16,16 0x880b ip saddr . ip daddr . @th,48,16 != @live counter drop
}
chain input {
type filter hook input priority -150; policy accept;
ip saddr @blocked jump refused
ip saddr @networks jump refused
}`;
}

export class NftBlocks {
  readonly #table: NftTable;

  constructor(
    options: NftTableOptions,
    readonly port: number,
    readonly limits: BlockTableBounds = guard,
  ) {
    this.#table = new NftTable({ ...options, instance: `${options.instance}-blocks` });
  }

  get name(): string {
    return this.#table.name;
  }

  /** An earlier run's is there. */
  left(): Promise<boolean> {
    return this.#table.left();
  }

  /** The table with nothing in it, whatever was there of ours. */
  begin(): Promise<OsError | undefined> {
    return this.#table.apply(blockRules(this.port, this.limits));
  }

  end(): Promise<OsError | undefined> {
    return this.#table.delete();
  }

  /** All of them or none; of one source the last one counts. What is there gets the new time. */
  change(changes: readonly BlockChange[]): Promise<OsError | undefined> {
    const last = new Map(changes.map((change) => [formatSource(sourceOf(change)), change]));
    const blocked = { blocked: [] as Element[], networks: [] as Element[] };
    const gone = { blocked: [] as Element[], networks: [] as Element[] };
    const live: Element[] = [];
    for (const [text, change] of last) {
      const set = sourceOf(change).length === 32 ? "blocked" : "networks";
      if (change.kind === "unblock") {
        gone[set].push({ text, forMs: 0 });
        continue;
      }
      blocked[set].push({ text, forMs: change.blocked.forMs });
      for (const call of change.live) {
        const ends = `${formatIpv4(call.source)} . ${formatIpv4(call.localAddress)}`;
        live.push({ text: `${ends} . ${call.callId}`, forMs: call.forMs });
      }
    }
    const lines = [
      ...this.#without("blocked", [...gone.blocked, ...blocked.blocked]),
      ...this.#without("networks", [...gone.networks, ...blocked.networks]),
      ...this.#without("live", live),
      ...this.#with("blocked", blocked.blocked),
      ...this.#with("networks", blocked.networks),
      ...this.#with("live", live),
    ];
    return this.#table.change(lines.join("\n"));
  }

  /** Packets dropped so far, connections first; undefined when the table cannot be read. */
  async dropped(): Promise<readonly [tcp: number, gre: number] | undefined> {
    const read = await this.#table.read();
    if (read === undefined || isOsError(read)) return undefined;
    const [tcp = 0, gre = 0] = [...read.text.matchAll(/counter packets (\d+)/g)].map(([, count]) =>
      Number(count),
    );
    return [tcp, gre];
  }

  /** Added first so that the deletion cannot fail. */
  #without(set: string, elements: readonly Element[]): string[] {
    if (elements.length === 0) return [];
    const at = `element inet ${this.#table.name} ${set}`;
    const texts = elements.map(({ text }) => text);
    const added = texts.map((text) => `${text} timeout 1s`);
    return [`add ${at} { ${added.join(", ")} }`, `delete ${at} { ${texts.join(", ")} }`];
  }

  #with(set: string, elements: readonly Element[]): string[] {
    if (elements.length === 0) return [];
    const texts = elements.map(({ text, forMs }) => {
      return `${text} timeout ${Math.max(1, Math.ceil(forMs / 1_000))}s`;
    });
    return [`add element inet ${this.#table.name} ${set} { ${texts.join(", ")} }`];
  }
}

type Element = { readonly text: string; readonly forMs: number };

function sourceOf(change: BlockChange): Prefix4 {
  return change.kind === "unblock" ? change.source : change.blocked.source;
}
