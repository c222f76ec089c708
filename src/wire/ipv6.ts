// RFC 8200: the IPv6 header as a checked view and a writer; address kinds of RFC 4291.
import type { Ipv6 } from "../base/ip.js";
import { finishChecksum, read16, sum16, write16, write32 } from "./ip-octets.js";

export const IPV6_HEADER_OCTETS = 40;
export const ICMPV6 = 58;
export const ALL_NODES: Ipv6 = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);

export type Ipv6Fault = "ip-truncated" | "ip-version" | "ip-length";

/** One header, reused; addresses stay in the packet, at start + 8 and start + 24. */
export class Ipv6Header {
  start = 0;
  payloadStart = 0;
  end = 0;
  nextHeader = 0;
  hopLimit = 0;
  sourceAt = 0;
  destinationAt = 0;
}

export function readIpv6(
  octets: Uint8Array,
  start: number,
  end: number,
  into: Ipv6Header,
): Ipv6Fault | undefined {
  if (end - start < IPV6_HEADER_OCTETS) return "ip-truncated";
  if (octets[start]! >>> 4 !== 6) return "ip-version";
  const payload = read16(octets, start + 4);
  if (payload > end - start - IPV6_HEADER_OCTETS) return "ip-length";
  into.start = start;
  into.payloadStart = start + IPV6_HEADER_OCTETS;
  into.end = into.payloadStart + payload;
  into.nextHeader = octets[start + 6]!;
  into.hopLimit = octets[start + 7]!;
  into.sourceAt = start + 8;
  into.destinationAt = start + 24;
  return undefined;
}

/** Header of a packet with `payload` octets after it. */
export function writeIpv6(
  octets: Uint8Array,
  at: number,
  payload: number,
  nextHeader: number,
  hopLimit: number,
  source: Ipv6,
  destination: Ipv6,
): void {
  write32(octets, at, 0x60000000);
  write16(octets, at + 4, payload);
  octets[at + 6] = nextHeader;
  octets[at + 7] = hopLimit;
  octets.set(source, at + 8);
  octets.set(destination, at + 24);
}

/** RFC 8200 §8.1: the upper-layer checksum of [payloadStart, end) of the packet at `start`. */
export function upperChecksum6(
  octets: Uint8Array,
  start: number,
  payloadStart: number,
  end: number,
  nextHeader: number,
): number {
  const pseudo = sum16(octets, start + 8, start + 40) + (end - payloadStart) + nextHeader;
  return finishChecksum(sum16(octets, payloadStart, end, pseudo));
}

/** Whether the `octetsCompared` first octets at `at` are those of `address`. */
export function startsWith6(
  octets: Uint8Array,
  at: number,
  address: Ipv6,
  octetsCompared = 16,
): boolean {
  for (let i = 0; i < octetsCompared; i++) if (octets[at + i] !== address[i]) return false;
  return true;
}

export function isMulticast6(octets: Uint8Array, at: number): boolean {
  return octets[at] === 0xff;
}

/** fe80::/10. */
export function isLinkLocal6(octets: Uint8Array, at: number): boolean {
  return octets[at] === 0xfe && (octets[at + 1]! & 0xc0) === 0x80;
}

/** The unspecified address, loopback, and IPv4-mapped or -compatible ones: never on a wire of ours. */
export function isUnroutable6(octets: Uint8Array, at: number): boolean {
  for (let i = 0; i < 10; i++) if (octets[at + i] !== 0) return false;
  return true;
}
