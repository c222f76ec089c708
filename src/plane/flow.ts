import { type Instant, instant } from "../base/instant.js";
import type { Ipv4, Ipv6, Prefix4 } from "../base/ip.js";
import { type Bounds, plane as limits, ppp } from "../limits.js";
import { write32 } from "../wire/ip-octets.js";
import type { FlowCounters, FlowRef, PlaneCommand } from "../wire/worker-link.js";
import { GreWindow } from "./gre-window.js";
import * as layout from "./layout.js";
import type { FlowCells } from "./memory.js";
import type { MppeReceive } from "./mppe-receive.js";
import type { MppeSend } from "./mppe-send.js";
import { PerSecond } from "./per-second.js";
import { type ReorderBudget, ReorderBuffer } from "./reorder-buffer.js";
import { SendWindow } from "./send-window.js";

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

/** Of FLAGS: set where it happens, not derived from anything here. */
const KEPT_FLAGS = layout.HAS_EXPECTED | layout.DIRTY | layout.ROUND_TRIP_SAMPLED;

/** All of one call's data path. Plain data and the machines it is made of; the engine drives it. */
export class Flow {
  readonly ref: FlowRef;
  /** Its record in the plane's memory, which the lane works on too. */
  readonly cells: FlowCells;
  readonly localAddress: Ipv4;
  readonly peerAddress: Ipv4;
  readonly callId: number;
  readonly end: "gateway" | "host";
  readonly encryptionRequired: boolean;
  /** Its user has logged in; a call that we made ourselves is nobody else's from the first. */
  proven: boolean;
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
  /** The next packet that decrypts is told: it shows that the peer has its keys. */
  proofAsked = false;

  network4: Network4 | undefined;
  network6: Network6 | undefined;
  advertiseAt: Instant | undefined;

  acfc = false;
  pfc = false;
  peersMru: number = ppp.mruMax;
  mru: number = ppp.mruMax;
  /** Cleared for good once the path refused a packet as too large. */
  dontFragment = true;

  /** Made when first asked; the first one is over with the log-in. */
  #login: PerSecond | undefined;
  #answers: PerSecond | undefined;
  readonly #limits: Bounds<typeof limits>;

  /** When this flow's earliest timer is armed for. */
  armedAt: Instant | undefined;
  constructor(
    install: Install,
    sendWindow: "off" | "rfc",
    reorderBudget: ReorderBudget,
    cells: FlowCells,
    now: Instant,
    configured: Bounds<typeof limits> = limits,
  ) {
    this.ref = { slot: install.flow.slot, generation: install.flow.generation };
    this.cells = cells;
    this.#limits = configured;
    const listed = cells.uint32(layout.FLAGS) & layout.DIRTY;
    cells.wipe(0, layout.RECORD_OCTETS);
    cells.setUint32(layout.FLAGS, listed);
    const { octets } = cells.views;
    write32(octets, cells.at + layout.LOCAL_ADDRESS, install.localAddress);
    write32(octets, cells.at + layout.PEER_ADDRESS, install.peerAddress);
    cells.setUint32(layout.CALL_ID, install.callId);
    this.localAddress = install.localAddress;
    this.peerAddress = install.peerAddress;
    this.callId = install.callId;
    this.peersCallId = install.peersCallId;
    this.end = install.end;
    this.encryptionRequired = install.encryptionRequired;
    this.proven = install.end === "host";
    this.window = new GreWindow(now, cells);
    this.reorder = new ReorderBuffer(reorderBudget, configured);
    this.sending = this.#sendWindow(install, sendWindow);
    this.lastData = now;
  }

  get peersCallId(): number {
    return this.cells.uint32(layout.PEERS_CALL_ID);
  }

  set peersCallId(callId: number) {
    this.cells.setUint32(layout.PEERS_CALL_ID, callId);
  }

  /** Whether inner packets may pass at all. */
  get networkOpen(): boolean {
    return this.network4 !== undefined || this.network6 !== undefined;
  }

  /** Packets from the peer before the network is open. */
  get login(): PerSecond {
    this.#login ??= new PerSecond(this.#limits.loginPacketsPerSecondMax);
    return this.#login;
  }

  /** What the gateway itself says to this session. */
  get answers(): PerSecond {
    this.#answers ??= new PerSecond(this.#limits.answersPerSecondMax);
    return this.#answers;
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
    this.sending = this.#sendWindow(install, sendWindow);
  }

  #sendWindow({ peersWindow, peersProcessingDelay }: Install, mode: "off" | "rfc"): SendWindow {
    return new SendWindow(mode, peersWindow, peersProcessingDelay, this.cells);
  }

  /** Of this flow's user; see token-bucket.ts. */
  get bucket(): number {
    return this.cells.uint32(layout.BUCKET);
  }

  set bucket(bucket: number) {
    this.cells.setUint32(layout.BUCKET, bucket);
  }

  /** Adds to one of the counters of layout.ts. */
  count(counter: number, amount = 1): void {
    this.cells.setFloat64(counter, this.cells.float64(counter) + amount);
  }

  /** When inner data last went either way. */
  get lastData(): Instant {
    return instant(this.cells.float64(layout.LAST_DATA));
  }

  set lastData(now: Instant) {
    this.cells.setFloat64(layout.LAST_DATA, now);
  }

  counters(now: Instant): FlowCounters {
    const { cells } = this;
    return {
      receivedPackets: cells.float64(layout.RECEIVED_PACKETS),
      receivedOctets: cells.float64(layout.RECEIVED_OCTETS),
      sentPackets: cells.float64(layout.SENT_PACKETS),
      sentOctets: cells.float64(layout.SENT_OCTETS),
      dropped: cells.float64(layout.DROPPED),
      overRateUp: cells.float64(layout.OVER_RATE_UP),
      overRateDown: cells.float64(layout.OVER_RATE_DOWN),
      lost: cells.float64(layout.LOST),
      reordered: cells.float64(layout.REORDERED),
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

  /**
   * Tells the lane what this flow is now, and whether its packets may go without us. After whatever may
   * have changed that; what the lane itself keeps in FLAGS stays.
   */
  settle(): void {
    const { cells, network4, receive, send } = this;
    if (this.networkOpen) this.#login = undefined;
    let flags = cells.uint32(layout.FLAGS) & KEPT_FLAGS;
    if (this.end === "host") flags |= layout.HOST_END;
    if (network4 !== undefined) {
      flags |= layout.NETWORK4;
      write32(cells.views.octets, cells.at + layout.ADDRESS4, network4.address);
    }
    if (this.acfc) flags |= layout.ACFC;
    if (this.pfc) flags |= layout.PFC;
    if (receive !== undefined) flags |= layout.DECRYPTS | receive.flags;
    if (send !== undefined) flags |= layout.ENCRYPTS;
    if (this.#isOrdinary) {
      if (this.#receivesOrdinary(flags)) flags |= layout.RECEIVE_FAST;
      if (this.#sendsOrdinary) flags |= layout.SEND_FAST;
    }
    cells.setUint32(layout.INNER_MTU, Math.max(0, this.innerMtu));
    cells.setUint32(layout.FLAGS, flags);
  }

  get #isOrdinary(): boolean {
    if (this.network4 === undefined || this.sending.mode !== "off") return false;
    return !this.encryptionRequired || this.send !== undefined;
  }

  #receivesOrdinary(flags: number): boolean {
    if ((flags & layout.HAS_EXPECTED) === 0 || this.reorder.size > 0) return false;
    if (this.resync !== undefined || this.proofAsked) return false;
    return this.receive === undefined || this.receive.steady;
  }

  get #sendsOrdinary(): boolean {
    return this.dontFragment && this.localAddress !== 0 && this.send?.flushing !== true;
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
