// RFC 791: the IPv4 header as a checked view, a writer, and fragmentation (§3.2).
import type { Ipv4 } from "../base/ip.js";
import { finishChecksum, read16, read32, sum16, write16, write32 } from "./ip-octets.js";

export const IPV4_HEADER_OCTETS = 20;
export const ICMP = 1;
export const TCP = 6;
export const UDP = 17;

const DONT_FRAGMENT = 0x4000;
const MORE_FRAGMENTS = 0x2000;
const OFFSET = 0x1fff;
const OPTION_COPIED = 0x80;

export type Ipv4Fault = "ip-truncated" | "ip-version" | "ip-header" | "ip-length" | "ip-checksum";

/** One header, reused for every packet: valid until the next read into it. */
export class Ipv4Header {
  start = 0;
  /** Start of the payload. */
  payloadStart = 0;
  /** Octet after the packet by its Total Length; what follows is padding. */
  end = 0;
  protocol = 0;
  source: Ipv4 = 0;
  destination: Ipv4 = 0;
  dontFragment = false;
  moreFragments = false;
  /** Octets, a multiple of 8. */
  fragmentOffset = 0;
}

/** Reads and checks the header at [start, end), its checksum included unless told otherwise. */
export function readIpv4(
  octets: Uint8Array,
  start: number,
  end: number,
  into: Ipv4Header,
  verifyChecksum = true,
): Ipv4Fault | undefined {
  if (end - start < IPV4_HEADER_OCTETS) return "ip-truncated";
  const first = octets[start]!;
  if (first >>> 4 !== 4) return "ip-version";
  const header = (first & 15) * 4;
  if (header < IPV4_HEADER_OCTETS) return "ip-header";
  const total = read16(octets, start + 2);
  if (total < header || total > end - start) return "ip-length";
  if (verifyChecksum && finishChecksum(sum16(octets, start, start + header)) !== 0) {
    return "ip-checksum";
  }
  const fragment = read16(octets, start + 6);
  into.start = start;
  into.payloadStart = start + header;
  into.end = start + total;
  into.protocol = octets[start + 9]!;
  into.source = read32(octets, start + 12);
  into.destination = read32(octets, start + 16);
  into.dontFragment = (fragment & DONT_FRAGMENT) !== 0;
  into.moreFragments = (fragment & MORE_FRAGMENTS) !== 0;
  into.fragmentOffset = (fragment & OFFSET) * 8;
  return undefined;
}

/** Writes a 20-octet header of a packet of `total` octets at `at`, checksum included. */
export function writeIpv4(
  octets: Uint8Array,
  at: number,
  total: number,
  protocol: number,
  source: Ipv4,
  destination: Ipv4,
): void {
  octets[at] = 0x45;
  octets[at + 1] = 0;
  write16(octets, at + 2, total);
  write16(octets, at + 4, 0);
  write16(octets, at + 6, DONT_FRAGMENT);
  octets[at + 8] = 64;
  octets[at + 9] = protocol;
  write32(octets, at + 12, source);
  write32(octets, at + 16, destination);
  writeIpv4Checksum(octets, at);
}

export function writeIpv4Checksum(octets: Uint8Array, at: number): void {
  write16(octets, at + 10, 0);
  const header = (octets[at]! & 15) * 4;
  write16(octets, at + 10, finishChecksum(sum16(octets, at, at + header)));
}

/**
 * RFC 9293 §3.1, RFC 768: checksum of [payloadStart, end) with the pseudo-header of the packet at `at`; 0
 * when it covered a right checksum.
 */
export function upperChecksum4(
  octets: Uint8Array,
  at: number,
  payloadStart: number,
  end: number,
  protocol: number,
): number {
  const pseudo = sum16(octets, at + 12, at + 20) + protocol + (end - payloadStart);
  return finishChecksum(sum16(octets, payloadStart, end, pseudo));
}

/**
 * Cuts the packet `header` was read from into fragments of at most `mtu` octets, each built at 0 of
 * `scratch` and handed to `each`. False when `mtu` leaves no room for 8 octets of payload.
 */
export function fragmentIpv4(
  octets: Uint8Array,
  header: Ipv4Header,
  mtu: number,
  scratch: Uint8Array,
  each: (length: number) => void,
): boolean {
  const { start, payloadStart, end, fragmentOffset, moreFragments } = header;
  if (payloadStart - start + 8 > mtu) return false;
  let at = payloadStart;
  while (at < end) {
    const headerOctets = copyHeader(octets, start, payloadStart, scratch, at === payloadStart);
    const room = (mtu - headerOctets) & ~7;
    const last = end - at <= mtu - headerOctets;
    const length = last ? end - at : room;
    scratch.set(octets.subarray(at, at + length), headerOctets);
    const offset = (fragmentOffset + at - payloadStart) >>> 3;
    write16(scratch, 2, headerOctets + length);
    write16(scratch, 6, offset | (!last || moreFragments ? MORE_FRAGMENTS : 0));
    writeIpv4Checksum(scratch, 0);
    each(headerOctets + length);
    at += length;
  }
  return true;
}

/** The first fragment keeps all options; later ones only those with the copied flag (§3.1). */
function copyHeader(
  octets: Uint8Array,
  start: number,
  payloadStart: number,
  scratch: Uint8Array,
  first: boolean,
): number {
  if (first || payloadStart - start === IPV4_HEADER_OCTETS) {
    scratch.set(octets.subarray(start, payloadStart), 0);
    return payloadStart - start;
  }
  scratch.set(octets.subarray(start, start + IPV4_HEADER_OCTETS), 0);
  let into = IPV4_HEADER_OCTETS;
  let at = start + IPV4_HEADER_OCTETS;
  while (at < payloadStart && octets[at] !== 0) {
    const length = octets[at] === 1 ? 1 : at + 1 < payloadStart ? octets[at + 1]! : 0;
    if (length === 0 || at + length > payloadStart || (length < 2 && octets[at] !== 1)) break;
    if ((octets[at]! & OPTION_COPIED) !== 0) {
      scratch.set(octets.subarray(at, at + length), into);
      into += length;
    }
    at += length;
  }
  while (into % 4 !== 0) scratch[into++] = 0;
  scratch[0] = 0x40 | (into / 4);
  return into;
}
