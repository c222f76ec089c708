// RFC 9293 §3.3.1, §3.9, RFC 7323: one connection's control block: what its user calls, what it sends, and
// its timers. What arrives is taken up in arrival.ts.
import { after, type Instant } from "../../base/instant.js";
import type { Ipv4 } from "../../base/ip.js";
import type { Deadline } from "../../core/deadline.js";
import { stack } from "../../limits.js";
import { PerSecond } from "../../plane/per-second.js";
import { IPV4_HEADER_OCTETS } from "../../wire/ipv4.js";
import {
  ACK,
  FIN,
  PSH,
  RST,
  SYN,
  TCP_HEADER_OCTETS,
  type TcpSegment,
  TIMESTAMPS_OCTETS,
  tcpHeaderOctets,
  writeTcp,
} from "../../wire/tcp.js";
import type { ClosedWhy, TcpConnection, TcpEvent, TcpState } from "./contract.js";
import { Receiver } from "./receiver.js";
import { Sender } from "./sender.js";

export const HEADERS_OCTETS = IPV4_HEADER_OCTETS + TCP_HEADER_OCTETS;
/** RFC 9293 §3.7.1: of a peer that names none. */
const MSS_DEFAULT = 536;
const WINDOW_FIELD_MAX = 65_535;
/** The least shift with which the whole receive buffer can be told. */
const WINDOW_SHIFT = Math.max(0, Math.ceil(Math.log2(stack.receiveOctetsMax / WINDOW_FIELD_MAX)));

/** What the stack does for its connections. */
export type ConnectionHost = {
  readonly address: Ipv4;
  readonly mtu: number;
  /** It has something to send or to tell, or another deadline. */
  touched(connection: Connection): void;
  /** Its lease ends. */
  closed(connection: Connection): void;
  /** In TIME-WAIT, and all is read: it no longer counts. */
  rests(connection: Connection): void;
  count(reason: string): void;
};

export class Connection implements TcpConnection {
  state: TcpState = "SYN-SENT";
  onEvent: ((event: TcpEvent) => void) | undefined;
  readonly sender = new Sender();
  readonly receiver = new Receiver();
  readonly challenges = new PerSecond(stack.challengeAcksPerSecond);
  /** In the stack's queue of those that have something to send. */
  queued = false;
  /** RFC 7323 §2.2: both ends scale, or none. */
  sendShift = 0;
  receiveShift = 0;
  timestamps = true;
  /** TS.Recent, and when it was taken. */
  recent = 0;
  recentAt: Instant | undefined;
  /** TIME-WAIT's end, or FIN-WAIT-2's. */
  restsUntil: Instant | undefined;
  mss: number;
  #resetDue = false;
  #readable = false;
  #writable = false;
  #blocked = false;
  #connected = false;
  #ended = false;
  #closed: ClosedWhy | undefined;

  constructor(
    readonly host: ConnectionHost,
    readonly localPort: number,
    readonly remote: Ipv4,
    readonly remotePort: number,
    readonly initial: number,
    readonly timestampOffset: number,
  ) {
    this.mss = host.mtu - HEADERS_OCTETS;
  }

  get noDelay(): boolean {
    return this.sender.noDelay;
  }

  set noDelay(value: boolean) {
    this.sender.noDelay = value;
    this.host.touched(this);
  }

  get readable(): number {
    return this.receiver.readable;
  }

  get writable(): number {
    return this.#maySend ? this.sender.writable : 0;
  }

  get memoryOctets(): number {
    return this.sender.memoryOctets + this.receiver.memoryOctets;
  }

  get #maySend(): boolean {
    const { state } = this;
    return (
      state === "ESTABLISHED" ||
      state === "CLOSE-WAIT" ||
      state === "SYN-SENT" ||
      state === "SYN-RECEIVED"
    );
  }

  write(octets: Uint8Array): number {
    const taken = this.#maySend ? this.sender.write(octets) : 0;
    if (taken < octets.length) this.#blocked = true;
    if (taken > 0) this.host.touched(this);
    return taken;
  }

  read(max: number): Uint8Array | undefined {
    const octets = this.receiver.read(max);
    if (octets !== undefined && this.#tellsWindow && this.receiver.opensWindow(this.mss)) {
      this.receiver.ackNow = true;
      this.host.touched(this);
    }
    if (this.state === "TIME-WAIT") this.#rests();
    return octets;
  }

  get #tellsWindow(): boolean {
    return (
      this.state === "ESTABLISHED" || this.state === "FIN-WAIT-1" || this.state === "FIN-WAIT-2"
    );
  }

  end(): void {
    if (!this.#maySend) return;
    this.sender.finish();
    // DEVIATION 73: before the SYN is answered the FIN waits with the octets.
    if (this.state === "ESTABLISHED") this.state = "FIN-WAIT-1";
    else if (this.state === "CLOSE-WAIT") this.state = "LAST-ACK";
    this.host.touched(this);
  }

  abort(): void {
    this.close("aborted");
  }

  /** Over at once; the peer is told where it knows of the connection. */
  close(why: ClosedWhy): void {
    if (this.state === "CLOSED") return;
    const known = this.state !== "SYN-SENT" && this.state !== "TIME-WAIT";
    const rested = this.state === "TIME-WAIT";
    this.#resetDue = known && (why === "aborted" || why === "stopped" || why === "timed-out");
    this.state = "CLOSED";
    this.restsUntil = undefined;
    this.sender.clear();
    // What came in order before an orderly end stays to be read.
    if (why !== "finished" && !rested) this.receiver.clear();
    if (!rested) this.#closed ??= why;
    this.host.closed(this);
    this.host.touched(this);
  }

  /** RFC 9293 §3.6: the old segments of this connection must be gone before its ports serve again. */
  enterTimeWait(now: Instant): void {
    if (this.state !== "TIME-WAIT") {
      this.state = "TIME-WAIT";
      this.sender.clear();
      this.#closed ??= "finished";
      this.#rests();
    }
    // DEVIATION 72
    this.restsUntil = after(now, stack.timeWaitMs);
  }

  /** With nothing left to be read it holds no memory, and no place of one that does. */
  #rests(): void {
    if (this.readable > 0) return;
    this.receiver.release();
    this.host.rests(this);
  }

  /** SYN or SYN,ACK came: what both ends can, and the path's segments. */
  agree(segment: TcpSegment): void {
    this.timestamps = segment.hasTimestamps;
    this.sender.sackPermitted = segment.sackPermitted;
    if (segment.windowShift >= 0) {
      this.sendShift = segment.windowShift;
      this.receiveShift = WINDOW_SHIFT;
    }
    const theirs = segment.mss >= 0 ? segment.mss : MSS_DEFAULT;
    this.mss = Math.min(this.mss, Math.max(theirs, stack.mssMin));
  }

  established(now: Instant): void {
    const { sender } = this;
    this.state = sender.finishing ? "FIN-WAIT-1" : "ESTABLISHED";
    sender.established(this.#smss, now);
    this.#connected = true;
  }

  get #smss(): number {
    return this.mss - (this.timestamps ? TIMESTAMPS_OCTETS : 0);
  }

  /** RFC 1191 §6.2: a router cannot pass our segments. */
  narrow(mtu: number): void {
    const mss = Math.max(mtu, stack.mtuMin) - HEADERS_OCTETS;
    if (mss >= this.mss) return;
    this.mss = mss;
    this.sender.narrowed(this.#smss);
    this.host.touched(this);
  }

  /** Whether a packet of ours that is not acknowledged yet began there. */
  hasInFlight(sequence: number): boolean {
    const { sender } = this;
    const offset = sender.una + ((sequence - (this.initial + sender.una)) | 0);
    return offset >= sender.una && offset < sender.highest;
  }

  /** Something to tell the user since the last time. */
  tell(kind: "readable" | "ended"): void {
    if (kind === "readable") this.#readable = true;
    else this.#ended = true;
  }

  acknowledged(): void {
    if (this.#blocked && this.writable > 0) this.#writable = true;
  }

  /** RFC 5961 §7: an answer that a blind attacker cannot have many of. */
  challenge(now: Instant): void {
    if (this.challenges.take(now)) this.receiver.ackNow = true;
    else this.host.count("tcp-challenge-rate");
  }

  deliver(): void {
    const tell = (event: TcpEvent) => this.onEvent?.(event);
    if (this.#connected) {
      this.#connected = false;
      tell({ kind: "connected" });
    }
    if (this.#readable) {
      this.#readable = false;
      if (this.readable > 0) tell({ kind: "readable" });
    }
    if (this.#ended) {
      this.#ended = false;
      tell({ kind: "ended" });
    }
    if (this.#writable) {
      this.#writable = false;
      this.#blocked = false;
      tell({ kind: "writable" });
    }
    const why = this.#closed;
    if (why === undefined) return;
    this.#closed = undefined;
    tell({ kind: "closed", why });
  }

  handleTimeout(now: Instant): void {
    const { sender, receiver } = this;
    if (this.restsUntil !== undefined && this.restsUntil <= now) return this.close("timed-out");
    if (receiver.ackAt !== undefined && receiver.ackAt <= now) receiver.ackNow = true;
    if (sender.timeoutAt === undefined || sender.timeoutAt > now) return;
    if (sender.una < sender.nxt) this.host.count("time-out");
    if (!sender.handleTimeout(now)) this.close("timed-out");
  }

  deadline(): Deadline | undefined {
    if (this.state === "CLOSED") return undefined;
    let next: Deadline | undefined;
    const earlier = (at: Instant | undefined, why: string) => {
      if (at !== undefined && (next === undefined || at < next.at)) next = { at, why };
    };
    earlier(this.sender.timeoutAt, "retransmission");
    earlier(this.receiver.ackAt, "delayed ACK");
    earlier(this.restsUntil, this.state);
    return next;
  }

  /** Builds the next packet at 0 of `into`; 0 when there is none now. */
  transmit(into: Uint8Array, out: TcpSegment, now: Instant): number {
    const { sender, receiver } = this;
    if (this.state === "CLOSED") return this.#transmitReset(into, out, now);
    const sack = receiver.ackNow && receiver.hasPieces && sender.sackPermitted;
    if (!sack && this.state !== "TIME-WAIT" && sender.next(now)) {
      return this.#transmitText(into, out, now);
    }
    if (!receiver.ackNow) return 0;
    this.#address(out, sender.nxt, ACK, now);
    if (sack) receiver.fillSack(out);
    return this.#finish(into, out, 0);
  }

  #transmitText(into: Uint8Array, out: TcpSegment, now: Instant): number {
    const { sender } = this;
    if (sender.syn) return this.#transmitSyn(into, out, now);
    if (sender.again) this.host.count("sent again");
    const flags = ACK | (sender.fin ? FIN : 0) | (sender.pushes ? PSH : 0);
    this.#address(out, sender.at, flags, now);
    sender.copy(into, IPV4_HEADER_OCTETS + tcpHeaderOctets(out));
    return this.#finish(into, out, sender.length);
  }

  #transmitSyn(into: Uint8Array, out: TcpSegment, now: Instant): number {
    const answer = this.state === "SYN-RECEIVED";
    this.#address(out, 0, answer ? SYN | ACK : SYN, now);
    // The window of a SYN is not scaled.
    out.window = Math.min(this.receiver.window(this.mss), WINDOW_FIELD_MAX);
    out.mss = this.host.mtu - HEADERS_OCTETS;
    out.sackPermitted = !answer || this.sender.sackPermitted;
    if (!answer || this.receiveShift > 0) out.windowShift = WINDOW_SHIFT;
    if (!answer) out.acknowledgment = 0;
    return this.#finish(into, out, 0);
  }

  #transmitReset(into: Uint8Array, out: TcpSegment, now: Instant): number {
    if (!this.#resetDue) return 0;
    this.#resetDue = false;
    this.#address(out, this.sender.nxt, RST | ACK, now);
    return this.#finish(into, out, 0);
  }

  #address(out: TcpSegment, offset: number, flags: number, now: Instant): void {
    const { receiver } = this;
    out.clearOptions();
    out.sourcePort = this.localPort;
    out.destinationPort = this.remotePort;
    out.flags = flags;
    out.sequence = (this.initial + offset) >>> 0;
    out.acknowledgment = (receiver.initial + receiver.nxt) >>> 0;
    const window = Math.floor(receiver.window(this.mss) / 2 ** this.receiveShift);
    out.window = Math.min(window, WINDOW_FIELD_MAX);
    if (!this.timestamps) return;
    out.hasTimestamps = true;
    out.timestamp = this.timestamp(now);
    out.timestampEcho = this.recent;
  }

  /** TSval's clock: milliseconds, from a place of its own (RFC 7323 §5.4, §7.1). */
  timestamp(now: Instant): number {
    return (Math.floor(now) + this.timestampOffset) >>> 0;
  }

  #finish(into: Uint8Array, out: TcpSegment, payloadOctets: number): number {
    this.receiver.acknowledge();
    return writeTcp(into, out, this.host.address, this.remote, payloadOctets);
  }
}
