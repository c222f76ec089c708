import { Deadlines } from "../base/deadlines.js";
import type { Instant } from "../base/instant.js";
import type { Ipv4 } from "../base/ip.js";
import { type Bounds, plane } from "../limits.js";
import type { GatewayTerms, PlaneEvent } from "../wire/worker-link.js";
import { DropCounts, type DropReason } from "./drop-reason.js";
import type { Flow } from "./flow.js";
import { FlowTable } from "./flow-table.js";
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
  /** False when there is no room: the event is lost, and the engine counts it. */
  emit(event: PlaneEvent): boolean;
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
  readonly table = new FlowTable();
  readonly drops = new DropCounts();
  readonly reorderBudget = new ReorderBudget();
  readonly deadlines = new Deadlines<Flow>();
  readonly rates = new RateBuckets();
  terms: GatewayTerms = CLOSED;
  /** Flows whose counters changed since they were last told. */
  dirty: Flow[] = [];
  dropsChanged = false;

  constructor(
    readonly sinks: Sinks,
    readonly limits: Bounds<typeof plane> = plane,
  ) {}

  drop(flow: Flow | undefined, reason: DropReason): void {
    this.drops.add(reason);
    this.dropsChanged = true;
    if (flow === undefined) return;
    flow.dropped++;
    this.touch(flow);
  }

  touch(flow: Flow): void {
    if (flow.dirty) return;
    flow.dirty = true;
    this.dirty.push(flow);
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
