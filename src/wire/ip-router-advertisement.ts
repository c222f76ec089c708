// RFC 4861 §4.1, §4.2, §4.4 and RFC 8106 §5.1: Router Solicitation in, Router Advertisement out.
import type { Ipv6 } from "../base/ip.js";
import { write16, write32 } from "./ip-octets.js";
import {
  ICMPV6,
  IPV6_HEADER_OCTETS,
  type Ipv6Header,
  startsWith6,
  upperChecksum6,
  writeIpv6,
} from "./ipv6.js";

const ROUTER_SOLICITATION = 133;
const ROUTER_ADVERTISEMENT = 134;
const NEIGHBOR_SOLICITATION = 135;
const NEIGHBOR_ADVERTISEMENT = 136;
const PREFIX_INFORMATION = 3;
const MTU = 5;
const RECURSIVE_DNS_SERVER = 25;
const ON_LINK_AND_AUTONOMOUS = 0xc0;
const ROUTER_AND_SOLICITED = 0xc0;
const DNS_MAX = 4;

export type RouterAdvertisement = {
  readonly source: Ipv6;
  readonly destination: Ipv6;
  /** A /64, 16 octets; undefined advertises a router and no addresses. */
  readonly prefix: Ipv6 | undefined;
  readonly routerLifetimeS: number;
  readonly prefixLifetimeS: number;
  readonly mtu: number;
  /** At most four are told. */
  readonly dns: readonly Ipv6[];
};

function isNeighborDiscovery(
  octets: Uint8Array,
  header: Ipv6Header,
  type: number,
  octetsMin: number,
): boolean {
  const { payloadStart, end } = header;
  if (header.nextHeader !== ICMPV6 || header.hopLimit !== 255) return false;
  if (end - payloadStart < octetsMin || octets[payloadStart] !== type) return false;
  if (octets[payloadStart + 1] !== 0) return false;
  return upperChecksum6(octets, header.start, payloadStart, end, ICMPV6) === 0;
}

export function isRouterSolicitation(octets: Uint8Array, header: Ipv6Header): boolean {
  return isNeighborDiscovery(octets, header, ROUTER_SOLICITATION, 8);
}

/** A Neighbor Solicitation for `target`. */
export function isNeighborSolicitation(
  octets: Uint8Array,
  header: Ipv6Header,
  target: Ipv6,
): boolean {
  return (
    isNeighborDiscovery(octets, header, NEIGHBOR_SOLICITATION, 24) &&
    startsWith6(octets, header.payloadStart + 8, target)
  );
}

/** The whole IPv6 packet at 0 of `into`. Returns its octets. */
export function writeRouterAdvertisement(into: Uint8Array, told: RouterAdvertisement): number {
  const start = IPV6_HEADER_OCTETS;
  into.fill(0, 0, start + 16);
  into[start] = ROUTER_ADVERTISEMENT;
  into[start + 4] = 64;
  write16(into, start + 6, told.routerLifetimeS);
  let at = start + 16;
  if (told.prefix !== undefined) {
    into.fill(0, at, at + 32);
    into[at] = PREFIX_INFORMATION;
    into[at + 1] = 4;
    into[at + 2] = 64;
    into[at + 3] = ON_LINK_AND_AUTONOMOUS;
    write32(into, at + 4, told.prefixLifetimeS);
    write32(into, at + 8, told.prefixLifetimeS);
    into.set(told.prefix.subarray(0, 8), at + 16);
    at += 32;
  }
  into[at] = MTU;
  into[at + 1] = 1;
  write16(into, at + 2, 0);
  write32(into, at + 4, told.mtu);
  at += 8;
  const dns = told.dns.slice(0, DNS_MAX);
  if (dns.length > 0) {
    into[at] = RECURSIVE_DNS_SERVER;
    into[at + 1] = 1 + 2 * dns.length;
    write16(into, at + 2, 0);
    write32(into, at + 4, told.routerLifetimeS);
    at += 8;
    for (const server of dns) {
      into.set(server, at);
      at += 16;
    }
  }
  writeIpv6(into, 0, at - start, ICMPV6, 255, told.source, told.destination);
  write16(into, start + 2, upperChecksum6(into, 0, start, at, ICMPV6));
  return at;
}

/** The answer to a Neighbor Solicitation for `target`, which is us. Returns its octets. */
export function writeNeighborAdvertisement(
  into: Uint8Array,
  target: Ipv6,
  destination: Ipv6,
): number {
  const start = IPV6_HEADER_OCTETS;
  const end = start + 24;
  into.fill(0, start, end);
  into[start] = NEIGHBOR_ADVERTISEMENT;
  into[start + 4] = ROUTER_AND_SOLICITED;
  into.set(target, start + 8);
  writeIpv6(into, 0, 24, ICMPV6, 255, target, destination);
  write16(into, start + 2, upperChecksum6(into, 0, start, end, ICMPV6));
  return end;
}
