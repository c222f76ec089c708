// RFC 2131 §3.4, RFC 2132, RFC 3442: DHCPINFORM in and the DHCPACK that answers it.
import type { Ipv4, Prefix4 } from "../base/ip.js";
import { read16, read32, write16, write32 } from "./ip-octets.js";
import { IPV4_HEADER_OCTETS, type Ipv4Header, UDP, upperChecksum4, writeIpv4 } from "./ipv4.js";

const SERVER_PORT = 67;
const CLIENT_PORT = 68;
const UDP_HEADER_OCTETS = 8;
const OPTIONS_AT = 240;
const COOKIE = 0x63825363;
const BOOTREQUEST = 1;
const BOOTREPLY = 2;
const MESSAGE_TYPE = 53;
const INFORM = 8;
const ACK = 5;
/** RFC 2131 §2: a client must take options of 312 octets. */
const MESSAGE_OCTETS_MAX = OPTIONS_AT + 312;

export type DhcpAnswer = {
  /** Our end: source, server identifier. */
  readonly server: Ipv4;
  readonly subnetMask: Ipv4;
  readonly dns: readonly Ipv4[];
  readonly nbns: readonly Ipv4[];
  readonly domain: string;
  readonly routes: readonly { readonly prefix: Prefix4; readonly via: Ipv4 }[];
};

/** Whether an unfragmented UDP datagram goes to a DHCP server. */
export function isDhcpRequest(octets: Uint8Array, header: Ipv4Header): boolean {
  if (header.protocol !== UDP || header.fragmentOffset !== 0 || header.moreFragments) return false;
  const at = header.payloadStart;
  return header.end - at >= UDP_HEADER_OCTETS && read16(octets, at + 2) === SERVER_PORT;
}

/** Where the BOOTP message of a DHCPINFORM starts, or undefined when it is none, or malformed. */
export function findDhcpInform(octets: Uint8Array, header: Ipv4Header): number | undefined {
  if (!isDhcpRequest(octets, header)) return undefined;
  const udp = header.payloadStart;
  const end = udp + read16(octets, udp + 4);
  const start = udp + UDP_HEADER_OCTETS;
  if (end > header.end || end - start < OPTIONS_AT) return undefined;
  if (octets[start] !== BOOTREQUEST || read32(octets, start + 236) !== COOKIE) return undefined;
  return messageType(octets, start + OPTIONS_AT, end) === INFORM ? start : undefined;
}

function messageType(octets: Uint8Array, start: number, end: number): number | undefined {
  let at = start;
  while (at < end && octets[at] !== 255) {
    if (octets[at] === 0) {
      at++;
      continue;
    }
    if (at + 1 >= end) return undefined;
    const length = octets[at + 1]!;
    if (at + 2 + length > end) return undefined;
    if (octets[at] === MESSAGE_TYPE) return length === 1 ? octets[at + 2] : undefined;
    at += 2 + length;
  }
  return undefined;
}

/**
 * The DHCPACK for the DHCPINFORM whose message starts at `inform`, a whole IPv4 packet at 0 of
 * `into`. Options that no longer fit are left out whole. Returns its octets.
 */
export function writeDhcpAck(
  into: Uint8Array,
  octets: Uint8Array,
  inform: number,
  client: Ipv4,
  answer: DhcpAnswer,
): number {
  const message = IPV4_HEADER_OCTETS + UDP_HEADER_OCTETS;
  into.fill(0, message, message + OPTIONS_AT);
  into[message] = BOOTREPLY;
  into[message + 1] = octets[inform + 1]!;
  into[message + 2] = octets[inform + 2]!;
  into.set(octets.subarray(inform + 4, inform + 8), message + 4);
  into.set(octets.subarray(inform + 10, inform + 12), message + 10);
  write32(into, message + 12, client);
  into.set(octets.subarray(inform + 28, inform + 44), message + 28);
  write32(into, message + 236, COOKIE);
  const routes = classlessRoutes(answer.routes);
  let at = message + OPTIONS_AT;
  const options: [number, readonly number[]][] = [
    [MESSAGE_TYPE, [ACK]],
    [54, address(answer.server)],
    [1, address(answer.subnetMask)],
    [6, answer.dns.flatMap(address)],
    [15, [...answer.domain].map((character) => character.charCodeAt(0) & 0x7f)],
    [44, answer.nbns.flatMap(address)],
    [121, routes],
    [249, routes],
  ];
  for (const [code, value] of options) {
    if (value.length === 0 || value.length > 255) continue;
    if (at + 2 + value.length + 1 > message + MESSAGE_OCTETS_MAX) continue;
    into[at] = code;
    into[at + 1] = value.length;
    into.set(value, at + 2);
    at += 2 + value.length;
  }
  into[at++] = 255;
  while (at < message + 300) into[at++] = 0;
  const udp = IPV4_HEADER_OCTETS;
  writeIpv4(into, 0, at, UDP, answer.server, client);
  write16(into, udp, SERVER_PORT);
  write16(into, udp + 2, CLIENT_PORT);
  write16(into, udp + 4, at - udp);
  write16(into, udp + 6, 0);
  write16(into, udp + 6, upperChecksum4(into, 0, udp, at, UDP) || 0xffff);
  return at;
}

function address(value: Ipv4): number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

/** RFC 3442: prefix length, its significant octets, router. Routes that do not fit are left out. */
function classlessRoutes(routes: DhcpAnswer["routes"]): number[] {
  const octets: number[] = [];
  for (const { prefix, via } of routes) {
    const significant = Math.ceil(prefix.length / 8);
    if (octets.length + 5 + significant > 255) break;
    octets.push(prefix.length, ...address(prefix.address).slice(0, significant), ...address(via));
  }
  return octets;
}
