// RFC 2637 §4: towards the peer. TUN packet or PPP frame -> MPPE -> PPP header -> GRE.
import type { Instant } from "../base/instant.js";
import { SEND_BASE, SEND_LENGTH, SEND_RECORD_OCTETS } from "../base/kernel-layout.js";
import { plane as limits } from "../limits.js";
import { greHeaderOctets, writeGre } from "../wire/gre.js";
import { clampMss } from "../wire/ip-tcp-mss.js";
import { fragmentIpv4, Ipv4Header, readIpv4, TCP } from "../wire/ipv4.js";
import {
  IPV6_HEADER_OCTETS,
  Ipv6Header,
  isLinkLocal6,
  isMulticast6,
  readIpv6,
} from "../wire/ipv6.js";
import { MPPE_HEADER_OCTETS } from "../wire/mppe.js";
import type { PlaneContext } from "./context.js";
import type { DropReason } from "./drop-reason.js";
import type { Flow } from "./flow.js";
import type { GatewayAnswers } from "./gateway-answers.js";
import { IPV4, IPV6 } from "./judge.js";
import {
  BASE_ADDRESS,
  HOST_FLOW,
  OVER_RATE_DOWN,
  SEND_INNER,
  SEND_RECORDS,
  SENT_OCTETS,
  SENT_PACKETS,
} from "./layout.js";
import type { PlaneMemory } from "./memory.js";
import { DOWN } from "./token-bucket.js";

const COMPRESSED_DATAGRAM = 0x00fd;
/** Room for the GRE header before the payload. */
const PAYLOAD_AT = 16;
const TCP_HEADER_OCTETS = 20;

const EAGAIN = 11;
const EMSGSIZE = 90;
const ENOBUFS = 105;

export class Outbound {
  readonly #frame = new Uint8Array(2_048);
  readonly #fragment = new Uint8Array(2_048);
  readonly #header4 = new Ipv4Header();
  readonly #header6 = new Ipv6Header();
  #hostFlow: Flow | undefined;

  constructor(
    readonly context: PlaneContext,
    readonly answers: GatewayAnswers,
  ) {}

  /** The one session of a client's TUN. */
  get hostFlow(): Flow | undefined {
    return this.#hostFlow;
  }

  set hostFlow(flow: Flow | undefined) {
    this.#hostFlow = flow;
    this.context.memory.setCell(HOST_FLOW, flow === undefined ? 0 : flow.ref.slot + 1);
  }

  /** An IP packet the kernel routed into the TUN, at [start, end). */
  handleTun(octets: Uint8Array, start: number, end: number, now: Instant): void {
    const version = start < end ? octets[start]! >>> 4 : 0;
    if (version === 4) this.#handle4(octets, start, end, now);
    else if (version === 6) this.#handle6(octets, start, end, now);
    else this.context.drop(undefined, "ip-version");
  }

  #handle4(octets: Uint8Array, start: number, end: number, now: Instant): void {
    const header = this.#header4;
    const fault = readIpv4(octets, start, end, header, false);
    if (fault !== undefined) return this.context.drop(undefined, fault);
    const flow = this.hostFlow ?? this.context.table.toward4(header.destination);
    if (flow === undefined) return this.context.noFlow(octets, start, header.end);
    if (flow.network4 === undefined) return this.context.drop(flow, "network-closed");
    if (flow.end === "gateway" && header.destination >>> 28 === 14) {
      return this.context.drop(flow, "broadcast");
    }
    if (header.protocol === TCP && header.fragmentOffset === 0) this.#clamp4(flow, octets, header);
    if (header.end - start <= flow.innerMtu) {
      return this.#count(flow, this.sendInner(flow, IPV4, octets, start, header.end, now));
    }
    if (header.dontFragment) {
      this.context.drop(flow, "over-mru");
      return this.answers.fragmentationNeeded(flow, octets, header, now);
    }
    const fragment = this.#fragment;
    const cut = fragmentIpv4(octets, header, flow.innerMtu, fragment, (length) => {
      this.#count(flow, this.sendInner(flow, IPV4, fragment, 0, length, now));
    });
    if (!cut) this.context.drop(flow, "over-mru");
  }

  #handle6(octets: Uint8Array, start: number, end: number, now: Instant): void {
    const header = this.#header6;
    const fault = readIpv6(octets, start, end, header);
    if (fault !== undefined) return this.context.drop(undefined, fault);
    const { destinationAt } = header;
    const flow = this.hostFlow ?? this.#toward6(octets, destinationAt);
    if (flow === undefined) {
      if (isMulticast6(octets, destinationAt)) return this.context.drop(undefined, "broadcast");
      return this.context.noFlow(octets, start, header.end);
    }
    if (flow.network6 === undefined) return this.context.drop(flow, "network-closed");
    if (header.end - start > flow.innerMtu) {
      this.context.drop(flow, "over-mru");
      return this.answers.packetTooBig(flow, octets, header, now);
    }
    if (header.nextHeader === TCP && this.context.terms.clampMss) {
      const mss = flow.clampMtu - IPV6_HEADER_OCTETS - TCP_HEADER_OCTETS;
      clampMss(octets, header.payloadStart, header.end, mss);
    }
    this.#count(flow, this.sendInner(flow, IPV6, octets, start, header.end, now));
  }

  #toward6(octets: Uint8Array, at: number): Flow | undefined {
    const { table } = this.context;
    return isLinkLocal6(octets, at)
      ? table.towardLinkLocal6(octets, at)
      : table.toward6(octets, at);
  }

  #clamp4(flow: Flow, octets: Uint8Array, header: Ipv4Header): void {
    if (!this.context.terms.clampMss) return;
    clampMss(octets, header.payloadStart, header.end, flow.clampMtu - 20 - TCP_HEADER_OCTETS);
  }

  #count(flow: Flow, reason: DropReason | undefined): void {
    if (reason !== undefined) this.context.drop(flow, reason);
  }

  /** Sends an inner packet, [start, end), encrypted when the flow is; never in the clear if it must be. */
  sendInner(
    flow: Flow,
    protocol: number,
    octets: Uint8Array,
    start: number,
    end: number,
    now: Instant,
  ): DropReason | undefined {
    if (flow.send === undefined && flow.encryptionRequired) return "not-encrypted";
    if (!this.#hasRoom(flow)) return "send-queue-full";
    const frame = this.#frame;
    if (end - start + PAYLOAD_AT + 8 > frame.length) return "over-mru";
    let at = PAYLOAD_AT;
    if (!flow.acfc) {
      frame[at] = 0xff;
      frame[at + 1] = 0x03;
      at += 2;
    }
    let encrypted = -1;
    if (flow.send !== undefined) {
      at = writeProtocol(frame, at, COMPRESSED_DATAGRAM, flow.pfc);
      encrypted = at;
      at += MPPE_HEADER_OCTETS;
    }
    at = writeProtocol(frame, at, protocol, flow.pfc);
    const total = at + end - start;
    if (total - PAYLOAD_AT > limits.payloadOctetsMax) return "over-mru";
    if (!this.context.rates.take(flow.bucket, DOWN, end - start, now)) {
      flow.count(OVER_RATE_DOWN);
      return "rate-down";
    }
    frame.set(octets.subarray(start, end), at);
    flow.send?.encrypt(frame, encrypted, total);
    const reason = this.#dispatch(flow, total, now);
    if (reason !== undefined) return reason;
    flow.count(SENT_PACKETS);
    flow.count(SENT_OCTETS, end - start);
    flow.lastData = now;
    this.context.touch(flow);
    return undefined;
  }

  /** Sends a PPP frame as it stands. */
  sendFrame(flow: Flow, frame: Uint8Array, now: Instant): void {
    if (frame.length === 0 || frame.length > limits.payloadOctetsMax) {
      return this.context.drop(flow, "frame-large");
    }
    if (!this.#hasRoom(flow)) return this.context.drop(flow, "send-queue-full");
    this.#frame.set(frame, PAYLOAD_AT);
    this.#count(flow, this.#dispatch(flow, PAYLOAD_AT + frame.length, now));
  }

  /** Sends what the send window held back, as far as it is open now. */
  drain(flow: Flow, now: Instant): void {
    while (flow.queue.length > 0 && flow.sending.open) {
      const payload = flow.queue.shift()!;
      this.#frame.set(payload, PAYLOAD_AT);
      this.#count(flow, this.#transmit(flow, PAYLOAD_AT + payload.length, now));
    }
    this.context.arm(flow);
  }

  /** A lone acknowledgment; nothing when data carried it. */
  sendAcknowledgment(flow: Flow, now: Instant): void {
    const due = flow.window.ackDueAt;
    if (due === undefined || due > now) return;
    const acknowledgment = flow.window.takeAcknowledgment();
    if (acknowledgment === undefined) return;
    writeGre(this.#frame, 0, flow.peersCallId, 0, undefined, acknowledgment);
    this.#count(flow, this.#give(flow, 0, greHeaderOctets(false, true)));
  }

  /** A datagram of the lane's, in send slot `queued`, did not go: as if #give had been told. */
  handleRefused(flow: Flow, queued: number, errno: number): void {
    const { memory } = this.context;
    const { start, end } = queuedAt(memory, queued);
    if (errno === EMSGSIZE) {
      const again = this.#giveOctets(flow, memory.octets, start, end);
      if (again === undefined) return;
      this.context.drop(flow, again);
    } else
      this.context.drop(flow, errno === EAGAIN || errno === ENOBUFS ? "send-full" : "send-failed");
    flow.count(SENT_PACKETS, -1);
    flow.count(SENT_OCTETS, -memory.cell(SEND_INNER + 4 * queued));
  }

  #hasRoom(flow: Flow): boolean {
    return flow.sending.open || flow.queue.length < limits.sendQueuePacketsMax;
  }

  #dispatch(flow: Flow, end: number, now: Instant): DropReason | undefined {
    if (flow.queue.length === 0 && flow.sending.open) return this.#transmit(flow, end, now);
    flow.queue.push(this.#frame.slice(PAYLOAD_AT, end));
    this.context.arm(flow);
    return undefined;
  }

  /** Numbers the payload [PAYLOAD_AT, end) of the frame buffer and puts its GRE header before it. */
  #transmit(flow: Flow, end: number, now: Instant): DropReason | undefined {
    const acknowledgment = flow.window.takeAcknowledgment();
    const sequence = flow.sending.take(now);
    const start = PAYLOAD_AT - greHeaderOctets(true, acknowledgment !== undefined);
    const length = end - PAYLOAD_AT;
    writeGre(this.#frame, start, flow.peersCallId, length, sequence, acknowledgment);
    const reason = this.#give(flow, start, end);
    if (flow.sending.mode === "rfc") this.context.arm(flow);
    return reason;
  }

  #give(flow: Flow, start: number, end: number): DropReason | undefined {
    return this.#giveOctets(flow, this.#frame, start, end);
  }

  #giveOctets(flow: Flow, octets: Uint8Array, start: number, end: number): DropReason | undefined {
    const { sinks } = this.context;
    const { localAddress, peerAddress } = flow;
    let sent = sinks.sendGre(localAddress, peerAddress, octets, start, end, flow.dontFragment);
    if (sent === -EMSGSIZE && flow.dontFragment) {
      // G-20: this path is narrower than we assumed. From now on the outer packets may be cut.
      flow.dontFragment = false;
      flow.settle();
      this.context.emit({ kind: "Trouble", call: "send", errno: "EMSGSIZE" });
      sent = sinks.sendGre(localAddress, peerAddress, octets, start, end, false);
    }
    if (sent >= 0) return undefined;
    return sent === -EAGAIN || sent === -ENOBUFS ? "send-full" : "send-failed";
  }
}

/** Where the datagram in send slot `queued` lies: its pointer is this memory's address and an offset. */
function queuedAt(memory: PlaneMemory, queued: number): { start: number; end: number } {
  const record = SEND_RECORDS + queued * SEND_RECORD_OCTETS;
  // Less than 2^31 apart: the difference of the low halves is the offset.
  const start = (memory.cell(record + SEND_BASE) - memory.cell(BASE_ADDRESS)) >>> 0;
  return { start, end: start + memory.cell(record + SEND_LENGTH) };
}

/** Writes a protocol field and returns where it ends. */
function writeProtocol(
  octets: Uint8Array,
  at: number,
  protocol: number,
  compress: boolean,
): number {
  if (compress && protocol < 0x100) {
    octets[at] = protocol;
    return at + 1;
  }
  octets[at] = protocol >>> 8;
  octets[at + 1] = protocol;
  return at + 2;
}
