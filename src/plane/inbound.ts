// RFC 2637 §4: from the peer. Datagram -> GRE -> flow -> sequence -> PPP -> MPPE -> inner packet -> TUN,
// or up as an event. Each step that stops a packet names why.
import type { Instant } from "../base/instant.js";
import { plane as limits, ppp } from "../limits.js";
import { GRE_PROTOCOL, GreHeader, readGre } from "../wire/gre.js";
import { clampMss } from "../wire/ip-tcp-mss.js";
import { Ipv4Header, readIpv4, TCP } from "../wire/ipv4.js";
import { IPV6_HEADER_OCTETS, Ipv6Header, readIpv6 } from "../wire/ipv6.js";
import { MPPE_HEADER_OCTETS } from "../wire/mppe.js";
import type { PlaneContext } from "./context.js";
import type { DropReason } from "./drop-reason.js";
import type { Flow } from "./flow.js";
import type { Gateway, Verdict } from "./gateway.js";
import { FAR_MAX } from "./gre-window.js";
import { IPV4, IPV6, protocolOctets, readProtocol } from "./judge.js";
import { LOST, OVER_RATE_UP, RECEIVED_OCTETS, RECEIVED_PACKETS, REORDERED } from "./layout.js";
import type { Outbound } from "./outbound.js";
import { UP } from "./token-bucket.js";

const LCP = 0xc021;
const COMPRESSED_DATAGRAM = 0x00fd;
const TCP_HEADER_OCTETS = 20;

export class Inbound {
  readonly #outer = new Ipv4Header();
  readonly #gre = new GreHeader();
  readonly #header4 = new Ipv4Header();
  readonly #header6 = new Ipv6Header();
  readonly #plaintext = new Uint8Array(2_048);

  constructor(
    readonly context: PlaneContext,
    readonly gateway: Gateway,
    readonly outbound: Outbound,
  ) {}

  /** A datagram as a raw socket gives it, IPv4 header first, at [start, end). */
  handle(octets: Uint8Array, start: number, end: number, now: Instant): void {
    const outer = this.#outer;
    if (readIpv4(octets, start, end, outer, false) !== undefined) {
      return this.context.drop(undefined, "outer-ip");
    }
    if (outer.protocol !== GRE_PROTOCOL || outer.fragmentOffset !== 0 || outer.moreFragments) {
      return this.context.drop(undefined, "outer-ip");
    }
    const gre = this.#gre;
    const fault = readGre(octets, outer.payloadStart, outer.end, gre);
    if (fault !== undefined) return this.context.drop(undefined, fault);
    const flow = this.context.table.byCall(outer.destination, outer.source, gre.callId);
    if (flow === undefined) return this.context.drop(undefined, "unknown-call");
    if (!flow.networkOpen && !flow.login.take(now)) return this.context.drop(flow, "login-rate");
    if (gre.payloadEnd - gre.payloadStart > limits.payloadOctetsMax) {
      return this.context.drop(flow, "gre-payload-large");
    }
    if (gre.hasSequence) this.#sequence(flow, octets, gre, now);
    else if (gre.hasAcknowledgment) this.#acknowledge(flow, gre.acknowledgment, now);
    this.context.arm(flow);
    flow.settle();
  }

  /** The packet inside one that the lane sequenced and decrypted: `protocol`'s, at [start, end). */
  handleInner(
    flow: Flow,
    protocol: number,
    octets: Uint8Array,
    start: number,
    end: number,
    now: Instant,
  ): void {
    const reason = this.#inner(flow, protocol, octets, start, end, now);
    if (reason !== undefined) this.context.drop(flow, reason);
  }

  /** Frames that waited long enough for an earlier one go on without it. */
  handleReorderTimeout(flow: Flow, now: Instant): void {
    for (let due = flow.reorder.dueAt; due !== undefined && due <= now; due = flow.reorder.dueAt) {
      this.#releaseFirst(flow, now);
    }
  }

  #acknowledge(flow: Flow, acknowledgment: number, now: Instant): void {
    const result = flow.sending.acknowledge(acknowledgment, now);
    if (result === "ack-out-of-range") this.context.drop(flow, result);
    else if (result === "taken" && flow.queue.length > 0) this.outbound.drain(flow, now);
  }

  #sequence(flow: Flow, octets: Uint8Array, gre: GreHeader, now: Instant): void {
    const { sequence, payloadStart, payloadEnd, acknowledgment, hasAcknowledgment } = gre;
    const place = flow.window.place(sequence);
    const inWindow = place === "next" || place === "ahead";
    if (!inWindow && !this.#isProven(flow, octets, gre, now)) {
      return this.#outOfPlace(flow, octets, gre, place === "late" ? "late" : "out-of-window", now);
    }
    flow.window.touch(now);
    if (hasAcknowledgment) this.#acknowledge(flow, acknowledgment, now);
    if (place === "ahead") {
      return this.#keep(flow, sequence, octets, payloadStart, payloadEnd, now);
    }
    while (place === "far" && flow.reorder.size > 0) this.#releaseFirst(flow, now);
    if (place === "next" && flow.reorder.size > 0) flow.reorder.filled(now);
    this.#take(flow, sequence, octets, payloadStart, payloadEnd, now);
    this.#releaseDue(flow, now);
  }

  /** Keeps a frame that came early; when there is no room, the missing ones are given up. */
  #keep(
    flow: Flow,
    sequence: number,
    octets: Uint8Array,
    start: number,
    end: number,
    now: Instant,
  ): void {
    for (;;) {
      const place = flow.window.place(sequence);
      if (place === "late") return this.context.drop(flow, "late");
      const kept =
        place === "next" ? "due" : flow.reorder.insert(sequence, octets, start, end, now);
      if (kept === "kept") return;
      if (kept === "duplicate") return this.context.drop(flow, "duplicate");
      if (kept === "due" || flow.reorder.size === 0) {
        this.#take(flow, sequence, octets, start, end, now);
        return this.#releaseDue(flow, now);
      }
      this.#releaseFirst(flow, now);
    }
  }

  /** Delivers the lowest frame kept, past the gap before it, and all that follow without one. */
  #releaseFirst(flow: Flow, now: Instant): void {
    const first = flow.reorder.take();
    if (first === undefined) return;
    flow.reorder.gaveUp();
    flow.count(REORDERED);
    this.#take(flow, first.sequence, first.frame, 0, first.frame.length, now);
    this.#releaseDue(flow, now);
  }

  #releaseDue(flow: Flow, now: Instant): void {
    while (flow.reorder.size > 0 && flow.reorder.first === flow.window.expected) {
      const kept = flow.reorder.take()!;
      flow.count(REORDERED);
      this.#take(flow, kept.sequence, kept.frame, 0, kept.frame.length, now);
    }
  }

  /**
   * G-10: far ahead, or behind where a forged number has taken us, only a packet counts that could not
   * have been made without the key. What was decrypted before never does: its key is gone.
   */
  #isProven(flow: Flow, octets: Uint8Array, gre: GreHeader, now: Instant): boolean {
    const { payloadStart, payloadEnd, sequence } = gre;
    const { expected } = flow.window;
    if (flow.receive === undefined || expected === undefined) return false;
    const skipped = (sequence - expected) | 0;
    if (skipped > FAR_MAX) return false;
    const at = skipAddressAndControl(octets, payloadStart, payloadEnd);
    if (readProtocol(octets, at, payloadEnd) !== COMPRESSED_DATAGRAM) return false;
    const mppe = at + protocolOctets(octets, at);
    return flow.receive.wouldDecrypt(octets, mppe, payloadEnd, this.#plaintext, now, skipped);
  }

  #outOfPlace(
    flow: Flow,
    octets: Uint8Array,
    gre: GreHeader,
    reason: DropReason,
    now: Instant,
  ): void {
    const { payloadStart, payloadEnd, sequence } = gre;
    if (flow.resync !== undefined && carries(octets, payloadStart, payloadEnd, flow.resync)) {
      flow.reorder.clear();
      return this.#take(flow, sequence, octets, payloadStart, payloadEnd, now);
    }
    this.context.drop(flow, reason);
    if (reason === "late") flow.reorder.cameLate();
    if (!flow.window.noteOutOfWindow(now)) return;
    this.context.emit({ kind: "ResyncNeeded", flow: flow.ref });
  }

  /** The frame is next in line: everything before it that did not come is lost. */
  #take(
    flow: Flow,
    sequence: number,
    octets: Uint8Array,
    start: number,
    end: number,
    now: Instant,
  ): void {
    const skipped = flow.window.advance(sequence, now);
    if (skipped > 0) flow.count(LOST, skipped);
    flow.receive?.skipped(skipped);
    const reason = this.#deliver(flow, octets, start, end, now);
    if (reason !== undefined) this.context.drop(flow, reason);
    const { receive } = flow;
    if (receive === undefined) return;
    if (receive.keysLost && !flow.keysLostTold) {
      flow.keysLostTold = true;
      this.context.emit({ kind: "KeysLost", flow: flow.ref });
    }
    if (receive.takeResetDue(now)) this.context.emit({ kind: "ResetNeeded", flow: flow.ref });
    if (receive.takeDoubt(now)) this.context.emit({ kind: "ResyncNeeded", flow: flow.ref });
  }

  #deliver(
    flow: Flow,
    octets: Uint8Array,
    start: number,
    end: number,
    now: Instant,
  ): DropReason | undefined {
    const at = skipAddressAndControl(octets, start, end);
    const protocol = readProtocol(octets, at, end);
    const information = at + protocolOctets(octets, at);
    if (protocol === COMPRESSED_DATAGRAM) {
      return this.#decrypt(flow, octets, information, end, now);
    }
    flow.receive?.stoodIn();
    // DEVIATION 27: no payload, yet a number; it is spent, so that it never looks lost.
    if (start === end) return "empty-payload";
    if (protocol === 0) return "ppp-truncated";
    if (flow.resync !== undefined && carries(octets, start, end, flow.resync)) {
      flow.resync = undefined;
      flow.receive?.placeProven(now);
    }
    if (protocol !== IPV4 && protocol !== IPV6) {
      return this.#up(flow, protocol, octets, information, end);
    }
    // DEVIATION 28: once encryption is agreed on, data in the clear is nobody's we know.
    if (flow.encryptionRequired || flow.receive !== undefined) return "plaintext-refused";
    return this.#inner(flow, protocol, octets, information, end, now);
  }

  #up(
    flow: Flow,
    protocol: number,
    octets: Uint8Array,
    start: number,
    end: number,
  ): DropReason | undefined {
    if (end - start > ppp.informationOctetsMax) return "frame-large";
    const information = octets.slice(start, end);
    const event = { kind: "Frame", flow: flow.ref, protocol, information } as const;
    const by = flow.proven ? undefined : "stranger";
    if (this.context.sinks.emit(event, by)) return undefined;
    return by === undefined ? "frame-ring-full" : "strangers-ring-full";
  }

  #decrypt(
    flow: Flow,
    octets: Uint8Array,
    start: number,
    end: number,
    now: Instant,
  ): DropReason | undefined {
    if (flow.receive === undefined) return "mppe-not-open";
    const plaintext = this.#plaintext;
    const reason = flow.receive.decrypt(octets, start, end, plaintext, now);
    if (reason !== undefined) return reason;
    if (flow.proofAsked) this.context.emit({ kind: "DataProven", flow: flow.ref });
    flow.proofAsked = false;
    const length = end - start - MPPE_HEADER_OCTETS;
    const protocol = readProtocol(plaintext, 0, length);
    return this.#inner(flow, protocol, plaintext, protocolOctets(plaintext, 0), length, now);
  }

  #inner(
    flow: Flow,
    protocol: number,
    octets: Uint8Array,
    start: number,
    end: number,
    now: Instant,
  ): DropReason | undefined {
    let last: number;
    let verdict: Verdict;
    if (protocol === IPV4) {
      const header = this.#header4;
      const fault = readIpv4(octets, start, end, header);
      if (fault !== undefined) return fault;
      verdict = this.gateway.admit4(flow, octets, header, now);
      last = header.end;
      const first = header.fragmentOffset === 0;
      if (verdict === "pass" && first) this.#clamp(flow, octets, header.protocol, header, 20);
    } else {
      const header = this.#header6;
      const fault = readIpv6(octets, start, end, header);
      if (fault !== undefined) return fault;
      verdict = this.gateway.admit6(flow, octets, header, now);
      last = header.end;
      if (verdict === "pass") {
        this.#clamp(flow, octets, header.nextHeader, header, IPV6_HEADER_OCTETS);
      }
    }
    if (verdict !== "pass" && verdict !== "answered") return verdict;
    if (!this.context.rates.take(flow.bucket, UP, last - start, now)) {
      flow.count(OVER_RATE_UP);
      return "rate-up";
    }
    flow.count(RECEIVED_PACKETS);
    flow.count(RECEIVED_OCTETS, last - start);
    flow.lastData = now;
    this.context.touch(flow);
    if (verdict === "pass") this.context.writeTun(flow, octets, start, last);
    return undefined;
  }

  #clamp(
    flow: Flow,
    octets: Uint8Array,
    protocol: number,
    { payloadStart, end }: { payloadStart: number; end: number },
    headerOctets: number,
  ): void {
    if (protocol !== TCP || !this.context.terms.clampMss) return;
    clampMss(octets, payloadStart, end, flow.clampMtu - headerOctets - TCP_HEADER_OCTETS);
  }
}

/** RFC 1661 §6.6: FF 03 may be there or not, whatever was negotiated. */
function skipAddressAndControl(octets: Uint8Array, start: number, end: number): number {
  return end - start >= 2 && octets[start] === 0xff && octets[start + 1] === 0x03
    ? start + 2
    : start;
}

/** Whether [start, end) is an LCP frame, in any header form, whose packet is exactly `packet`. */
function carries(octets: Uint8Array, start: number, end: number, packet: Uint8Array): boolean {
  const at = skipAddressAndControl(octets, start, end);
  if (readProtocol(octets, at, end) !== LCP) return false;
  const information = at + protocolOctets(octets, at);
  if (end - information !== packet.length) return false;
  for (let i = 0; i < packet.length; i++) {
    if (octets[information + i] !== packet[i]) return false;
  }
  return true;
}
