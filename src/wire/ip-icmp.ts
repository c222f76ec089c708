// RFC 792, RFC 1191 §4, RFC 4443 §3.2: the errors and answers our gateway and the client's own host send,
// and the errors that host is sent.
import type { Ipv4, Ipv6 } from "../base/ip.js";
import { finishChecksum, read16, read32, sum16, write16, write32 } from "./ip-octets.js";
import { ICMP, IPV4_HEADER_OCTETS, type Ipv4Header, writeIpv4 } from "./ipv4.js";
import { ICMPV6, IPV6_HEADER_OCTETS, upperChecksum6, writeIpv6 } from "./ipv6.js";

const UNREACHABLE = 3;
const PORT_UNREACHABLE = 3;
export const FRAGMENTATION_NEEDED = 4;
const ECHO_REPLY = 0;
const ECHO = 8;
const PACKET_TOO_BIG = 2;
/** RFC 1812 §4.3.2.3: an error repeats as much of the packet as fits into 576 octets. */
const ERROR_OCTETS_MAX = 576;
/** RFC 4443 §3.2: and into the smallest IPv6 MTU. */
const ERROR6_OCTETS_MAX = 1280;
const ICMP_HEADER_OCTETS = 8;

/** RFC 1122 §3.2.2: no error about an error, nor about a fragment other than the first. */
export function mayAnswerWithError(octets: Uint8Array, header: Ipv4Header): boolean {
  if (header.fragmentOffset !== 0) return false;
  if (header.protocol !== ICMP) return true;
  if (header.end - header.payloadStart < ICMP_HEADER_OCTETS) return false;
  const type = octets[header.payloadStart]!;
  return type === ECHO || type === ECHO_REPLY || type >= 13;
}

/** Destination Unreachable, fragmentation needed, about `header`'s packet. Returns its octets. */
export function writeFragmentationNeeded(
  into: Uint8Array,
  octets: Uint8Array,
  header: Ipv4Header,
  source: Ipv4,
  mtu: number,
): number {
  return writeUnreachable(into, octets, header, source, FRAGMENTATION_NEEDED, mtu);
}

/** Destination Unreachable, nobody at this port. Returns its octets. */
export function writePortUnreachable(
  into: Uint8Array,
  octets: Uint8Array,
  header: Ipv4Header,
  source: Ipv4,
): number {
  return writeUnreachable(into, octets, header, source, PORT_UNREACHABLE, 0);
}

function writeUnreachable(
  into: Uint8Array,
  octets: Uint8Array,
  header: Ipv4Header,
  source: Ipv4,
  code: number,
  mtu: number,
): number {
  const at = IPV4_HEADER_OCTETS;
  const room = ERROR_OCTETS_MAX - at - ICMP_HEADER_OCTETS;
  const quoted = Math.min(header.end - header.start, room);
  const total = at + ICMP_HEADER_OCTETS + quoted;
  writeIpv4(into, 0, total, ICMP, source, header.source);
  into[at] = UNREACHABLE;
  into[at + 1] = code;
  write32(into, at + 2, 0);
  write16(into, at + 6, mtu);
  into.set(octets.subarray(header.start, header.start + quoted), at + ICMP_HEADER_OCTETS);
  write16(into, at + 2, finishChecksum(sum16(into, at, total)));
  return total;
}

/** Packet Too Big about the packet at [start, end). Returns its octets. */
export function writePacketTooBig(
  into: Uint8Array,
  octets: Uint8Array,
  start: number,
  end: number,
  source: Ipv6,
  mtu: number,
): number {
  const at = IPV6_HEADER_OCTETS;
  const quoted = Math.min(end - start, ERROR6_OCTETS_MAX - at - ICMP_HEADER_OCTETS);
  const total = at + ICMP_HEADER_OCTETS + quoted;
  writeIpv6(into, 0, total - at, ICMPV6, 64, source, octets.subarray(start + 8, start + 24));
  into[at] = PACKET_TOO_BIG;
  into[at + 1] = 0;
  write16(into, at + 2, 0);
  write32(into, at + 4, mtu);
  into.set(octets.subarray(start, start + quoted), at + ICMP_HEADER_OCTETS);
  write16(into, at + 2, upperChecksum6(into, 0, at, total, ICMPV6));
  return total;
}

/** RFC 4443 §2.4 (e): no error about an ICMPv6 error, nor about a multicast destination. */
export function mayAnswerWithError6(octets: Uint8Array, start: number, end: number): boolean {
  if (octets[start + 24] === 0xff || octets[start + 8] === 0xff) return false;
  if (octets[start + 6] !== ICMPV6) return true;
  return end - start > IPV6_HEADER_OCTETS && octets[start + IPV6_HEADER_OCTETS]! >= 128;
}

/** What a Destination Unreachable says, and about which of our packets. */
export type Unreachable = {
  readonly code: number;
  /** Next-hop MTU of code 4; 0 from a router older than RFC 1191. */
  readonly mtu: number;
  readonly protocol: number;
  readonly source: Ipv4;
  readonly destination: Ipv4;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** TCP's sequence number; anything's fifth to eighth octet. */
  readonly sequence: number;
};

/** RFC 792: undefined for any other message, and for one that quotes too little or is damaged. */
export function readUnreachable(octets: Uint8Array, header: Ipv4Header): Unreachable | undefined {
  const { payloadStart: at, end } = header;
  const quoted = at + ICMP_HEADER_OCTETS;
  if (end - quoted < IPV4_HEADER_OCTETS || octets[at] !== UNREACHABLE) return undefined;
  if (finishChecksum(sum16(octets, at, end)) !== 0 || octets[quoted]! >>> 4 !== 4) return undefined;
  const upper = quoted + (octets[quoted]! & 15) * 4;
  if (upper - quoted < IPV4_HEADER_OCTETS || upper + 8 > end) return undefined;
  return {
    code: octets[at + 1]!,
    mtu: read16(octets, at + 6),
    protocol: octets[quoted + 9]!,
    source: read32(octets, quoted + 12),
    destination: read32(octets, quoted + 16),
    sourcePort: read16(octets, upper),
    destinationPort: read16(octets, upper + 2),
    sequence: read32(octets, upper + 4),
  };
}

/** Whether `header` is an unfragmented, whole Echo. */
export function isEcho(octets: Uint8Array, header: Ipv4Header): boolean {
  if (header.protocol !== ICMP || header.fragmentOffset !== 0 || header.moreFragments) return false;
  return (
    header.end - header.payloadStart >= ICMP_HEADER_OCTETS &&
    octets[header.payloadStart] === ECHO &&
    octets[header.payloadStart + 1] === 0
  );
}

/** The Echo Reply to `header`'s Echo, options left out. Returns its octets. */
export function writeEchoReply(into: Uint8Array, octets: Uint8Array, header: Ipv4Header): number {
  const at = IPV4_HEADER_OCTETS;
  const total = at + header.end - header.payloadStart;
  writeIpv4(into, 0, total, ICMP, header.destination, header.source);
  into.set(octets.subarray(header.payloadStart, header.end), at);
  into[at] = ECHO_REPLY;
  write16(into, at + 2, 0);
  write16(into, at + 2, finishChecksum(sum16(into, at, total)));
  return total;
}

/** ICMP that answers something: echo replies and errors, never a request. */
export function isIcmpAnswer(octets: Uint8Array, header: Ipv4Header): boolean {
  if (header.protocol !== ICMP || header.end - header.payloadStart < ICMP_HEADER_OCTETS) {
    return false;
  }
  const type = octets[header.payloadStart]!;
  return type === ECHO_REPLY || type === UNREACHABLE || type === 11 || type === 12;
}

/** The two ports at a UDP or TCP header, or -1 when it is cut. */
export function destinationPort(octets: Uint8Array, payloadStart: number, end: number): number {
  return end - payloadStart < 4 ? -1 : read16(octets, payloadStart + 2);
}
