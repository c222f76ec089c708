// RFC 768: a UDP datagram as a checked view, and its writer.
import type { Ipv4 } from "../base/ip.js";
import { read16, write16 } from "./ip-octets.js";
import { IPV4_HEADER_OCTETS, type Ipv4Header, UDP, upperChecksum4, writeIpv4 } from "./ipv4.js";

export const UDP_HEADER_OCTETS = 8;

export type UdpFault = "udp-truncated" | "udp-length" | "udp-checksum";

/** One datagram, reused for every packet: valid until the next read into it. */
export class UdpHeader {
  sourcePort = 0;
  destinationPort = 0;
  payloadStart = 0;
  payloadEnd = 0;
}

export function readUdp(
  octets: Uint8Array,
  header: Ipv4Header,
  into: UdpHeader,
): UdpFault | undefined {
  const { start, payloadStart: at, end } = header;
  if (end - at < UDP_HEADER_OCTETS) return "udp-truncated";
  const length = read16(octets, at + 4);
  if (length < UDP_HEADER_OCTETS || length > end - at) return "udp-length";
  // A sender may leave the checksum out: 0.
  const checksum = read16(octets, at + 6);
  if (checksum !== 0 && upperChecksum4(octets, start, at, at + length, UDP) !== 0) {
    return "udp-checksum";
  }
  into.sourcePort = read16(octets, at);
  into.destinationPort = read16(octets, at + 2);
  into.payloadStart = at + UDP_HEADER_OCTETS;
  into.payloadEnd = at + length;
  return undefined;
}

/** Writes a packet at 0 of `into`. Returns its octets. */
export function writeUdp(
  into: Uint8Array,
  source: Ipv4,
  sourcePort: number,
  destination: Ipv4,
  destinationPort: number,
  payload: Uint8Array,
): number {
  const at = IPV4_HEADER_OCTETS;
  const total = at + UDP_HEADER_OCTETS + payload.length;
  writeIpv4(into, 0, total, UDP, source, destination);
  write16(into, at, sourcePort);
  write16(into, at + 2, destinationPort);
  write16(into, at + 4, UDP_HEADER_OCTETS + payload.length);
  write16(into, at + 6, 0);
  into.set(payload, at + UDP_HEADER_OCTETS);
  write16(into, at + 6, upperChecksum4(into, 0, at, total, UDP) || 0xffff);
  return total;
}
