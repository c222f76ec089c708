// A run of one TCP stream's segments as one packet, with the virtio_net_hdr a TUN has before each
// (GSO_TCPV4): gathered here for the data worker, and cut again where each segment is wanted.
import {
  VNET_CHECKSUM_OFFSET,
  VNET_CHECKSUM_START,
  VNET_FLAGS,
  VNET_GSO_SIZE,
  VNET_GSO_TCPV4,
  VNET_GSO_TYPE,
  VNET_HEADER_OCTETS,
  VNET_NEEDS_CHECKSUM,
  VNET_OCTETS,
} from "../base/kernel-layout.js";
import { read16, read32, write16, write32 } from "./ip-octets.js";
import { IPV4_HEADER_OCTETS, TCP, upperChecksum4, writeIpv4Checksum } from "./ipv4.js";
import { ACK, FIN, PSH, TCP_HEADER_OCTETS } from "./tcp.js";

const PACKET_OCTETS_MAX = 65_535;
/** Within a packet whose IPv4 header has no options. */
const SEQUENCE = IPV4_HEADER_OCTETS + 4;
const ACKNOWLEDGMENT = IPV4_HEADER_OCTETS + 8;
const DATA_OFFSET = IPV4_HEADER_OCTETS + 12;
const FLAGS = IPV4_HEADER_OCTETS + 13;
const WINDOW = IPV4_HEADER_OCTETS + 14;
const CHECKSUM = IPV4_HEADER_OCTETS + 16;

/** Segments gathered into one packet, or a packet of any kind by itself. */
export class TcpRun {
  readonly #whole = new Uint8Array(VNET_OCTETS + PACKET_OCTETS_MAX);
  readonly #header = new DataView(this.#whole.buffer, 0, VNET_OCTETS);
  readonly #packet = this.#whole.subarray(VNET_OCTETS);
  #octets = 0;
  #headers = 0;
  #segmentOctets = 0;
  #segments = 0;
  /** Another one may follow. */
  #open = false;

  /** Without `joins` each packet goes by itself. */
  constructor(readonly joins: boolean) {}

  get empty(): boolean {
    return this.#octets === 0;
  }

  /** Copies it. False when it does not continue what is here: that goes first. */
  add(packet: Uint8Array): boolean {
    if (this.empty) return this.#begin(packet);
    if (!this.#open || !this.#isNext(packet)) return false;
    const payload = packet.subarray(this.#headers);
    this.#packet.set(payload, this.#octets);
    this.#octets += payload.length;
    this.#segments++;
    const pushed = packet[FLAGS]! & PSH;
    this.#packet[FLAGS]! |= pushed;
    // A short one, or one that is pushed, is a run's last.
    this.#open = pushed === 0 && payload.length === this.#segmentOctets;
    return true;
  }

  /** What was gathered, as the data worker reads it; good until the next call. */
  whole(): Uint8Array {
    const packet = this.#packet;
    this.#whole.fill(0, 0, VNET_OCTETS);
    if (this.#segments > 1) {
      write16(packet, 2, this.#octets);
      writeIpv4Checksum(packet, 0);
      // Each segment gets a checksum of its own when it is cut.
      const header = this.#header;
      header.setUint8(VNET_FLAGS, VNET_NEEDS_CHECKSUM);
      header.setUint8(VNET_GSO_TYPE, VNET_GSO_TCPV4);
      header.setUint16(VNET_HEADER_OCTETS, this.#headers, true);
      header.setUint16(VNET_GSO_SIZE, this.#segmentOctets, true);
      header.setUint16(VNET_CHECKSUM_START, IPV4_HEADER_OCTETS, true);
      header.setUint16(VNET_CHECKSUM_OFFSET, CHECKSUM - IPV4_HEADER_OCTETS, true);
    }
    return this.#whole.subarray(0, VNET_OCTETS + this.#octets);
  }

  clear(): void {
    this.#octets = 0;
  }

  #begin(packet: Uint8Array): boolean {
    this.#packet.set(packet);
    this.#octets = packet.length;
    this.#segments = 1;
    this.#headers = headersOf(packet);
    this.#segmentOctets = packet.length - this.#headers;
    this.#open = this.joins && this.#segmentOctets > 0 && packet[FLAGS] === ACK;
    return true;
  }

  /** The same stream's next octets, and alike in all else that a header says. */
  #isNext(packet: Uint8Array): boolean {
    const first = this.#packet;
    const headers = this.#headers;
    const payload = packet.length - headers;
    if (headersOf(packet) !== headers || payload <= 0 || payload > this.#segmentOctets)
      return false;
    if (this.#octets + payload > PACKET_OCTETS_MAX || (packet[FLAGS]! & ~PSH) !== ACK) return false;
    const sequence = (read32(first, SEQUENCE) + this.#octets - headers) >>> 0;
    return (
      read32(packet, SEQUENCE) === sequence &&
      // Addresses, ports.
      same(first, packet, 12, SEQUENCE) &&
      same(first, packet, ACKNOWLEDGMENT, DATA_OFFSET + 1) &&
      same(first, packet, WINDOW, CHECKSUM) &&
      same(first, packet, CHECKSUM + 2, headers)
    );
  }
}

/** Octets of both headers; those of the whole packet where it is no TCP segment of a plain IPv4 header. */
function headersOf(packet: Uint8Array): number {
  const plain = packet.length >= IPV4_HEADER_OCTETS + TCP_HEADER_OCTETS && packet[0] === 0x45;
  if (!plain || packet[9] !== TCP) return packet.length;
  return IPV4_HEADER_OCTETS + (packet[DATA_OFFSET]! >>> 4) * 4;
}

function same(one: Uint8Array, other: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (one[at] !== other[at]) return false;
  return true;
}

/** How long the run's segments are; 0 of a packet that is none. `whole` begins with the header. */
export function segmentOctetsOf(whole: Uint8Array): number {
  if (whole[VNET_GSO_TYPE] !== VNET_GSO_TCPV4) return 0;
  return whole[VNET_GSO_SIZE]! | (whole[VNET_GSO_SIZE + 1]! << 8);
}

/** The segments of a run, each complete, as if it had come alone. */
export function cutRun(packet: Uint8Array, segmentOctets: number): Uint8Array[] {
  const headers = headersOf(packet);
  const segments: Uint8Array[] = [];
  for (let at = headers; at < packet.length && segmentOctets > 0; at += segmentOctets) {
    const end = Math.min(at + segmentOctets, packet.length);
    const segment = new Uint8Array(headers + end - at);
    segment.set(packet.subarray(0, headers));
    segment.set(packet.subarray(at, end), headers);
    write16(segment, 2, segment.length);
    write16(segment, 4, read16(packet, 4) + segments.length);
    writeIpv4Checksum(segment, 0);
    write32(segment, SEQUENCE, (read32(packet, SEQUENCE) + at - headers) >>> 0);
    if (end < packet.length) segment[FLAGS]! &= ~(FIN | PSH);
    write16(segment, CHECKSUM, 0);
    const sum = upperChecksum4(segment, 0, IPV4_HEADER_OCTETS, segment.length, TCP);
    write16(segment, CHECKSUM, sum);
    segments.push(segment);
  }
  return segments;
}
