// Early refusal of GRE: which filter is before the raw sockets, which calls it knows, what it refused.
// A filter that cannot be is a warning and a slower path: the data workers refuse the same themselves.
import type { Ipv4 } from "../base/ip.js";
import type { Held } from "../base/ledger.js";
import type { Scope } from "../base/scope.js";
import { describeOsError, errnoName, isOsError, type OsError } from "../os/errors.js";
import {
  attachClassicFilter,
  type Call,
  CallFilter,
  type FilterDescriptors,
  loadGreFilter,
  loadXdpFilter,
} from "../os/gre-filter.js";
import { RefusedCounter } from "../os/refused-counter.js";
import { FOREIGN } from "../plane/drop-reason.js";
import type { FlowRef, PlaneCommand } from "../wire/worker-link.js";
import type { FilterChoice } from "./filter-choice.js";
import type { WorkerPlace } from "./worker-keeper.js";
import { type XdpChoice, XdpKeeper, type XdpKeeperTerms, type XdpState } from "./xdp-keeper.js";

/** The kernel's table that counts by reason what a filter without reasons refuses (os/nft-refused). */
export interface RefusedTable {
  readonly name: string;
  /** An earlier run's is there. */
  left(): Promise<boolean>;
  begin(): Promise<OsError | undefined>;
  counts(): Readonly<Record<string, number>>;
  end(): Promise<OsError | undefined>;
}

export type EarlyRefusalTerms = {
  readonly choice: FilterChoice;
  /** What was loaded while that was still allowed. */
  readonly loaded: FilterDescriptors | undefined;
  readonly places: readonly WorkerPlace[];
  readonly scope: Scope;
  readonly log: XdpKeeperTerms["log"];
  /** Left out: what the classic form refuses is one number. */
  readonly table?: RefusedTable | undefined;
  /** What is wanted at interfaces, before the sockets; left out: nothing, ever. */
  readonly xdp?: { readonly choice: XdpChoice } & Omit<XdpKeeperTerms, "filter" | "scope" | "log">;
};

export type EarlyRefusalSnapshot = {
  readonly form: "eBPF" | "classic" | "off";
  /** Why it is not eBPF; empty where it is, or was not wanted. */
  readonly why: string;
  /** Calls whose packets pass; 0 where they are not told apart. */
  readonly calls: number;
  /** Null where nothing could count them. */
  readonly refused: number | null;
  /** Whether they are among the counters by reason: with the classic form nearly all of them. */
  readonly byReason: boolean;
  /** By interface, where it was wanted. */
  readonly xdp: XdpState[];
};

/** Other tunnels' GRE is not taken and not ours: it is counted by name, and never as refused. */
const foreign: readonly string[] = FOREIGN;

function ours(counts: Readonly<Record<string, number>>): number {
  const those = Object.entries(counts).filter(([reason]) => !foreign.includes(reason));
  return those.reduce((sum, [, count]) => sum + count, 0);
}

type KnownCall = Call & { readonly generation: number };

export class EarlyRefusal {
  readonly #terms: EarlyRefusalTerms;
  #filter: CallFilter | undefined;
  #counter: RefusedCounter | undefined;
  #begun = false;
  #table: RefusedTable | undefined;
  #tableHeld: Held | undefined;
  #withoutReason = 0;
  #form: EarlyRefusalSnapshot["form"] = "off";
  #why = "";
  #refusedBefore = 0;
  #xdp: XdpKeeper | undefined;
  #xdpScope: Scope | undefined;
  /** Why it can be at no interface. */
  #xdpWhy = "";
  /** Wanted without it. */
  #xdpWanted: readonly string[] = [];
  /** By slot: what stands in the kernel's map. */
  readonly #calls = new Map<number, KnownCall>();

  constructor(terms: EarlyRefusalTerms) {
    this.#terms = terms;
    const { choice } = terms;
    if (choice === "auto") this.#attach();
    else if (choice === "classic") this.#attachClassic();
    this.chooseXdp(terms.xdp?.choice ?? "off");
  }

  /** Counts by reason where the filter does not, and removes what an earlier run left of that. */
  async begin(): Promise<void> {
    const { table, log } = this.#terms;
    this.#begun = true;
    if (table === undefined) return;
    const left = await table.left();
    if (left) {
      log.info(
        { table: table.name },
        "replaces the refusals' nft table that an earlier run had left",
      );
    }
    if (this.#form === "classic") await this.#countByReason();
    else if (left) await table.end();
  }

  async end(): Promise<void> {
    const { scope, table, log } = this.#terms;
    const held = this.#tableHeld;
    this.#begun = false;
    this.#table = undefined;
    this.#tableHeld = undefined;
    if (held === undefined) return;
    const failure = await table?.end();
    if (failure !== undefined) {
      log.warn({ problem: describeOsError(failure) }, "our nftables table is left");
    }
    scope.ledger.leave(held);
  }

  async #countByReason(): Promise<void> {
    const { scope, table, log } = this.#terms;
    if (table === undefined || this.#tableHeld !== undefined) return;
    const held = scope.ledger.enter("nftTable", "early refusal", table.name);
    this.#tableHeld = held;
    const failure = await table.begin();
    if (failure === undefined) {
      this.#table = table;
      return;
    }
    log.warn({ why: describeOsError(failure) }, "what is refused early is not counted by reason");
    await table.end();
    this.#tableHeld = undefined;
    scope.ledger.leave(held);
  }

  /** At interfaces, from now on. */
  chooseXdp(choice: XdpChoice): void {
    this.#xdpWanted = choice === "off" ? [] : choice === "auto" ? ["auto"] : choice;
    if (this.#xdp !== undefined) return this.#xdp.choose(choice);
    if (choice === "off") return;
    if (this.#filter === undefined) this.#xdpWhy = "it takes filter: auto, and eBPF";
    const why = this.#xdpWhy;
    this.#terms.log.warn({ why }, "no XDP filter at any interface: GRE is refused at the socket");
  }

  get snapshot(): EarlyRefusalSnapshot {
    const byReason = ours(this.counts());
    const counted = this.#counter !== undefined || this.#table !== undefined;
    const uncounted = this.#form === "classic" && !counted;
    return {
      form: this.#form,
      why: this.#why,
      calls: this.#calls.size,
      refused: uncounted ? null : byReason + this.byForm(),
      byReason: this.#form === "eBPF" || this.#table !== undefined,
      xdp: this.#xdp?.states ?? this.#xdpWanted.map((name) => this.#without(name)),
    };
  }

  #without(name: string): XdpState {
    return { interface: name, mode: "none", why: this.#xdpWhy };
  }

  /** By the data workers' own reasons. */
  counts(): Readonly<Record<string, number>> {
    return this.#filter?.counts() ?? this.#table?.counts() ?? {};
  }

  /** What a filter that knows no reasons refused, beyond what is counted by reason. */
  byForm(): number {
    const rest = (this.#counter?.count() ?? 0) - (this.#table ? ours(this.#table.counts()) : 0);
    this.#withoutReason = Math.max(this.#withoutReason, rest);
    return this.#withoutReason;
  }

  /**
   * Where what was refused since the last call came from: a sample, each standing for so many. It may be
   * forged. Undefined where the filter cannot tell.
   */
  takeSources(): { readonly sources: readonly Ipv4[]; readonly each: number } | undefined {
    if (this.#filter === undefined) return undefined;
    const refused = ours(this.#filter.counts());
    const came = refused - this.#refusedBefore;
    this.#refusedBefore = refused;
    const sources = came > 0 ? this.#filter.takeSources() : [];
    return { sources, each: Math.max(1, came / Math.max(1, sources.length)) };
  }

  /** Before the data worker hears of it, and so before the peer does. */
  handle(command: PlaneCommand): void {
    if (command.kind === "Install") this.#admit(command.flow, command);
    else if (command.kind === "Remove") this.#forget(command.flow);
  }

  /** Its flows ended with it, and nobody removes them. */
  handleWorkerLost(wasIts: (flow: FlowRef) => boolean): void {
    for (const [slot, { generation }] of [...this.#calls]) {
      if (wasIts({ slot, generation })) this.#forget({ slot, generation });
    }
  }

  #admit({ slot, generation }: FlowRef, { localAddress, peerAddress, callId }: Call): void {
    if (this.#filter === undefined) return;
    const call = { localAddress, peerAddress, callId, generation };
    const result = this.#filter.add(call);
    this.#calls.set(slot, call);
    if (result < 0) this.#giveUp(`a call could not be made known to it: ${errnoName(result)}`);
  }

  #forget({ slot, generation }: FlowRef): void {
    const call = this.#calls.get(slot);
    if (call === undefined || call.generation !== generation) return;
    this.#calls.delete(slot);
    // At worst its packets go on to the data worker, which knows no such call.
    this.#filter?.remove(call);
  }

  #attach(): void {
    const { loaded, places, scope } = this.#terms;
    const descriptors = loaded ?? this.#load();
    if (isOsError(descriptors)) return this.#giveUp(describeOsError(descriptors));
    const filter = CallFilter.of(descriptors, places.length);
    if (isOsError(filter)) return this.#giveUp(describeOsError(filter));
    scope.hold("socket filter", filter, "GRE");
    for (const [index, { gre }] of places.entries()) {
      const result = filter.attach(gre.receive, index);
      if (result < 0) return this.#giveUp(`setsockopt SO_ATTACH_BPF: ${errnoName(result)}`);
    }
    this.#filter = filter;
    this.#form = "eBPF";
    if (!filter.hasXdp) {
      this.#xdpWhy ||= "the kernel did not take the program before privileges were dropped";
      return;
    }
    const { xdp, log } = this.#terms;
    if (xdp === undefined) return;
    this.#xdpScope = scope.child("XDP");
    this.#xdp = new XdpKeeper({ ...xdp, filter, scope: this.#xdpScope, log });
  }

  /** Both, or that of the sockets alone. */
  #load(): FilterDescriptors | OsError {
    const sockets = loadGreFilter(this.#terms.places.length);
    if (isOsError(sockets)) return sockets;
    const both = loadXdpFilter(sockets);
    if (!isOsError(both)) return both;
    this.#xdpWhy = describeOsError(both);
    return sockets;
  }

  /** Whatever was attached gives way to the classic form, on every socket. */
  #giveUp(why: string): void {
    // It would refuse calls that it does not know.
    this.#xdpScope?.[Symbol.dispose]();
    this.#xdp = undefined;
    this.#xdpWhy = why;
    this.#filter = undefined;
    this.#calls.clear();
    this.#why = why;
    this.#terms.log.warn(
      { why },
      "GRE is refused early by its form alone, not by live calls: a stream from strangers costs more",
    );
    this.#attachClassic();
  }

  #attachClassic(): void {
    const { places, scope, log } = this.#terms;
    const of = places.length;
    for (const [index, { gre }] of places.entries()) {
      const result = attachClassicFilter(gre.receive, { index, of });
      if (result >= 0) continue;
      const fault = `setsockopt SO_ATTACH_FILTER: ${errnoName(result)}`;
      this.#why = this.#why === "" ? fault : `${this.#why}; ${fault}`;
      return log.warn({ why: fault }, "GRE is not refused early");
    }
    this.#form = "classic";
    // Given up while it ran; else `begin` does it.
    if (this.#begun) void this.#countByReason();
    const counter = RefusedCounter.open();
    if (isOsError(counter)) {
      return log.warn({ why: describeOsError(counter) }, "what is refused early is not counted");
    }
    scope.hold("socket", counter, "GRE refused");
    this.#counter = counter;
  }
}
