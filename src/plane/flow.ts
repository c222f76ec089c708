import { type Instant, instant } from "../base/instant.js";
import type { Ipv4, Ipv6, Prefix4 } from "../base/ip.js";
import { type Bounds, plane as limits, ppp } from "../limits.js";
import type { FlowCounters, FlowRef, PlaneCommand } from "../wire/worker-link.js";
import { GreWindow } from "./gre-window.js";
import type { MppeReceive } from "./mppe-receive.js";
import type { MppeSend } from "./mppe-send.js";
import { PerSecond } from "./per-second.js";
import { type ReorderBudget, ReorderBuffer } from "./reorder-buffer.js";
import { SendWindow } from "./send-window.js";
import { NO_BUCKET } from "./token-bucket.js";

export type Install = Extract<PlaneCommand, { kind: "Install" }>;
export type Network4 = { readonly address: Ipv4; readonly routes: readonly Prefix4[] };
export type Network6 = {
  readonly linkLocal: Ipv6;
  readonly ourLinkLocal: Ipv6;
  readonly prefix: Ipv6 | undefined;
};

/** IPv4 and outer GRE headers with sequence and acknowledgment, and the longest PPP and MPPE ones. */
const OUTER_OVERHEAD_OCTETS = 20 + 16 + 8;
/** What a packet grows by inside the PPP information field: MPPE header and inner protocol. */
const MPPE_OVERHEAD_OCTETS = 4;

/** All of one call's data path. Plain data and the machines it is made of; the engine drives it. */
export class Flow {
  readonly ref: FlowRef;
  readonly localAddress: Ipv4;
  readonly peerAddress: Ipv4;
  readonly callId: number;
  peersCallId: number;
  readonly end: "gateway" | "host";
  readonly encryptionRequired: boolean;
  /** The next flow with the same Call ID, of another address pair. */
  next: Flow | undefined;

  readonly window: GreWindow;
  readonly reorder: ReorderBuffer;
  sending: SendWindow;
  /** Payloads the send window holds back, oldest first. */
  readonly queue: Uint8Array[] = [];
  receive: MppeReceive | undefined;
  send: MppeSend | undefined;
  keysLostTold = false;
  /** The LCP Echo-Reply packet that sets the sequence anew. */
  resync: Uint8Array | undefined;

  network4: Network4 | undefined;
  network6: Network6 | undefined;
  advertiseAt: Instant | undefined;

  acfc = false;
  pfc = false;
  peersMru: number = ppp.mruMax;
  mru: number = ppp.mruMax;
  /** Cleared for good once the path refused a packet as too large. */
  dontFragment = true;

  readonly login = new PerSecond(limits.loginPacketsPerSecondMax);
  readonly answers = new PerSecond(limits.answersPerSecondMax);

  /** Of this flow's user; see token-bucket.ts. */
  bucket: number = NO_BUCKET;

  /** When this flow's earliest timer is armed for. */
  armedAt: Instant | undefined;
  /** Listed for the next Counters event. */
  dirty = false;
  receivedPackets = 0;
  receivedOctets = 0;
  sentPackets = 0;
  sentOctets = 0;
  dropped = 0;
  overRateUp = 0;
  overRateDown = 0;
  lost = 0;
  reordered = 0;
  lastData: Instant;

  constructor(
    install: Install,
    sendWindow: "off" | "rfc",
    reorderBudget: ReorderBudget,
    now: Instant,
    configured: Bounds<typeof limits> = limits,
  ) {
    this.ref = { slot: install.flow.slot, generation: install.flow.generation };
    this.localAddress = install.localAddress;
    this.peerAddress = install.peerAddress;
    this.callId = install.callId;
    this.peersCallId = install.peersCallId;
    this.end = install.end;
    this.encryptionRequired = install.encryptionRequired;
    this.window = new GreWindow(now);
    this.reorder = new ReorderBuffer(reorderBudget, configured);
    this.sending = new SendWindow(sendWindow, install.peersWindow, install.peersProcessingDelay);
    this.lastData = now;
  }

  /** Whether inner packets may pass at all. */
  get networkOpen(): boolean {
    return this.network4 !== undefined || this.network6 !== undefined;
  }

  /** Largest inner packet the peer takes. */
  get innerMtu(): number {
    return this.peersMru - (this.send === undefined ? 0 : MPPE_OVERHEAD_OCTETS);
  }

  /** What a segment's packet may be in either direction, for the MSS clamp. */
  get clampMtu(): number {
    const overhead = this.send === undefined ? 0 : MPPE_OVERHEAD_OCTETS;
    const inner = Math.min(this.peersMru, this.mru) - overhead;
    if (this.dontFragment) return inner;
    return Math.min(inner, limits.narrowPathMtu - OUTER_OVERHEAD_OCTETS);
  }

  /** The peer's terms, which a caller learns after its own are in place. */
  learn(install: Install, sendWindow: "off" | "rfc"): void {
    this.peersCallId = install.peersCallId;
    this.sending = new SendWindow(sendWindow, install.peersWindow, install.peersProcessingDelay);
  }

  counters(now: Instant): FlowCounters {
    return {
      receivedPackets: this.receivedPackets,
      receivedOctets: this.receivedOctets,
      sentPackets: this.sentPackets,
      sentOctets: this.sentOctets,
      dropped: this.dropped,
      overRateUp: this.overRateUp,
      overRateDown: this.overRateDown,
      lost: this.lost,
      reordered: this.reordered,
      roundTripMs: Math.round(this.sending.roundTripMs),
      idleMs: Math.max(0, Math.round(now - this.lastData)),
    };
  }

  /** The earliest of the flow's own timers. */
  timeoutAt(): Instant | undefined {
    let at = Number.POSITIVE_INFINITY;
    at = Math.min(at, this.window.ackDueAt ?? at);
    at = Math.min(at, this.reorder.dueAt ?? at);
    at = Math.min(at, this.sending.timeOutAt ?? at);
    at = Math.min(at, this.advertiseAt ?? at);
    return at === Number.POSITIVE_INFINITY ? undefined : instant(at);
  }

  /** Key octets are overwritten. */
  dropKeys(): void {
    this.receive?.wipe();
    this.send?.wipe();
    this.receive = undefined;
    this.send = undefined;
    this.keysLostTold = false;
  }
}
