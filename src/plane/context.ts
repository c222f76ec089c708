import { Deadlines } from "../base/deadlines.js";
import type { Instant } from "../base/instant.js";
import type { Ipv4 } from "../base/ip.js";
import { type Bounds, plane } from "../limits.js";
import type { GatewayTerms, PlaneEvent } from "../wire/worker-link.js";
import { DropCounts, type DropReason } from "./drop-reason.js";
import type { Flow } from "./flow.js";
import { FlowTable } from "./flow-table.js";
import { KeyWalks } from "./key-walks.js";
import { DIRTY, DIRTY_COUNT, DIRTY_LIST, DROPPED, FLAGS } from "./layout.js";
import type { PlaneMemory } from "./memory.js";
import { ReorderBudget } from "./reorder-buffer.js";
import { RateBuckets } from "./token-bucket.js";

/** Where the engine's packets and events go. Octets are read during the call and reused after it. */
export interface Sinks {
  /** GRE header and payload, [start, end). Octets sent, or -errno. */
  sendGre(
    localAddress: Ipv4,
    peerAddress: Ipv4,
    octets: Uint8Array,
    start: number,
    end: number,
    dontFragment: boolean,
  ): number;
  /** A whole IP packet, [start, end). Octets written, or -errno. */
  writeTun(octets: Uint8Array, start: number, end: number): number;
  /** A TUN packet, [start, end), that no flow here is for: true when another worker takes it. */
  passOn?(octets: Uint8Array, start: number, end: number): boolean;
  /**
   * False when there is no room: the event is lost, and the engine counts it. `by`: a frame of a call
   * that has not logged in.
   */
  emit(event: PlaneEvent, by?: "stranger"): boolean;
}

/** Before the first Configure: nothing is reachable, nothing is handed out. */
export const CLOSED: GatewayTerms = {
  gatewayAddress: 0,
  dns: [],
  nbns: [],
  domain: "",
  routes: [],
  clientToClient: false,
  reachHost: false,
  hostAddresses: [],
  hostAddresses6: [],
  dns6: [],
  sendWindow: "off",
  clampMss: true,
};

/** What the parts of the engine share: the table, the counts, the timers, the way out. */
export class PlaneContext {
  readonly table: FlowTable;
  readonly drops: DropCounts;
  readonly reorderBudget = new ReorderBudget();
  readonly keyWalks = new KeyWalks();
  readonly deadlines = new Deadlines<Flow>();
  readonly rates: RateBuckets;
  terms: GatewayTerms = CLOSED;

  constructor(
    readonly sinks: Sinks,
    readonly memory: PlaneMemory,
    readonly limits: Bounds<typeof plane> = plane,
  ) {
    this.table = new FlowTable(memory);
    this.drops = new DropCounts(memory);
    this.rates = new RateBuckets(memory);
  }

  drop(flow: Flow | undefined, reason: DropReason): void {
    this.drops.add(reason);
    if (flow === undefined) return;
    flow.count(DROPPED);
    this.touch(flow);
  }

  /** Lists the flow for the next Counters, unless it is. */
  touch({ cells, ref }: Flow): void {
    const { memory } = this;
    const flags = cells.uint32(FLAGS);
    if ((flags & DIRTY) !== 0) return;
    cells.setUint32(FLAGS, flags | DIRTY);
    const count = memory.cell(DIRTY_COUNT);
    memory.setCell(memory.cell(DIRTY_LIST) + 4 * count, ref.slot);
    memory.setCell(DIRTY_COUNT, count + 1);
  }

  /** Whether any flow's counters changed since they were last taken. */
  get touched(): boolean {
    return this.memory.cell(DIRTY_COUNT) > 0;
  }

  /** The flows whose counters changed. */
  takeTouched(): Flow[] {
    const { memory, table } = this;
    const touched: Flow[] = [];
    for (let i = 0; i < memory.cell(DIRTY_COUNT); i++) {
      const slot = memory.cell(memory.cell(DIRTY_LIST) + 4 * i);
      const cells = memory.record(slot);
      cells.setUint32(FLAGS, cells.uint32(FLAGS) & ~DIRTY);
      const flow = table.inSlot(slot);
      if (flow !== undefined) touched.push(flow);
    }
    memory.setCell(DIRTY_COUNT, 0);
    return touched;
  }

  emit(event: PlaneEvent): void {
    if (!this.sinks.emit(event)) this.drop(undefined, "event-ring-full");
  }

  /** A TUN packet that no flow here is for. */
  noFlow(octets: Uint8Array, start: number, end: number): void {
    if (this.sinks.passOn?.(octets, start, end) !== true) this.drop(undefined, "no-flow");
  }

  /** Hands a whole inner packet to the kernel. */
  writeTun(flow: Flow, octets: Uint8Array, start: number, end: number): boolean {
    if (this.sinks.writeTun(octets, start, end) >= 0) return true;
    this.drop(flow, "tun-write-failed");
    return false;
  }

  /** Arms the flow's timer if it now has an earlier one. Later ones are found when it fires. */
  arm(flow: Flow): void {
    const at = flow.timeoutAt();
    if (at === undefined || (flow.armedAt !== undefined && flow.armedAt <= at)) return;
    this.#set(flow, at);
  }

  /** Arms the flow's timer for what is left after it fired. */
  rearm(flow: Flow): void {
    flow.armedAt = undefined;
    this.arm(flow);
  }

  disarm(flow: Flow): void {
    flow.armedAt = undefined;
    this.deadlines.set(flow, undefined);
  }

  #set(flow: Flow, at: Instant): void {
    flow.armedAt = at;
    this.deadlines.set(flow, { at, why: "flow" });
  }
}
