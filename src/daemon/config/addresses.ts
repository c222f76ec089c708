// Addresses as a configuration file writes them. Readers say what is wrong and what to write.
import ipaddr from "ipaddr.js";
import {
  formatIpv4,
  type Ipv4,
  mask4,
  type Prefix4,
  type Prefix6,
  parseIpv4,
} from "../../base/ip.js";
import { formatPrefix4, overlap, type Range4, rangeOf } from "../../base/range4.js";

export type Read<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly expected: string; readonly remedy: string };

function read<T>(value: T): Read<T> {
  return { ok: true, value };
}

function unread(expected: string, remedy: string): Read<never> {
  return { ok: false, expected, remedy };
}

export function formatRange4({ first, last }: Range4): string {
  return first === last ? formatIpv4(first) : `${formatIpv4(first)}-${formatIpv4(last)}`;
}

export function readAddress4(text: string): Read<Ipv4> {
  const address = parseIpv4(text.trim());
  if (address !== undefined) return read(address);
  if (ipaddr.IPv6.isValid(text)) {
    return unread("an IPv4 address", "PPTP runs over IPv4: write an IPv4 address");
  }
  return unread("an IPv4 address", "write four numbers from 0 to 255, such as 192.0.2.1");
}

/** Host bits must be 0: 10.0.0.5/24 is more often a slip than a wish. */
export function readPrefix4(text: string): Read<Prefix4> {
  const expected = "an IPv4 prefix";
  const parts = text.trim().split("/");
  const address = parseIpv4(parts[0] ?? "");
  if (address === undefined || parts.length > 2) {
    return unread(expected, "write an address, '/' and a length, such as 192.0.2.0/24");
  }
  const lengthText = parts[1] ?? "32";
  const length = /^[0-9]{1,2}$/.test(lengthText) ? Number(lengthText) : 33;
  if (length > 32) return unread(expected, "write a prefix length from 0 to 32");
  const network = (address & mask4(length)) >>> 0;
  if (network !== address) {
    const right = formatPrefix4({ address: network, length });
    return unread(`${expected} without host bits`, `write ${right}, or ${formatIpv4(address)}/32`);
  }
  return read({ address, length });
}

/** A prefix, a single address, or `first-last`. `ends` false leaves out network and broadcast. */
export function readRange4(text: string, ends: "keep" | "leave out"): Read<Range4> {
  const dash = text.indexOf("-");
  if (dash < 0) {
    const prefix = readPrefix4(text);
    if (!prefix.ok) return { ...prefix, expected: "a prefix or a range of IPv4 addresses" };
    const { first, last } = rangeOf(prefix.value);
    if (ends === "keep" || prefix.value.length > 30) return read({ first, last });
    return read({ first: first + 1, last: last - 1 });
  }
  const first = parseIpv4(text.slice(0, dash).trim());
  const last = parseIpv4(text.slice(dash + 1).trim());
  if (first === undefined || last === undefined) {
    return unread("a range of IPv4 addresses", "write both ends whole: 10.99.0.10-10.99.0.250");
  }
  if (first > last) {
    const turned = formatRange4({ first: last, last: first });
    return unread("a range that begins with its lowest address", `write ${turned}`);
  }
  return read({ first, last });
}

export function readAddress6(text: string): Read<Uint8Array> {
  if (!ipaddr.IPv6.isValid(text) || text.includes("%")) {
    return unread("an IPv6 address", "write for example 2001:db8::53");
  }
  return read(Uint8Array.from(ipaddr.IPv6.parse(text).toByteArray()));
}

export function readPrefix6(text: string): Read<Prefix6> {
  const expected = "an IPv6 prefix";
  if (!ipaddr.IPv6.isValidCIDR(text)) return unread(expected, "write for example 2001:db8:99::/48");
  const [address, length] = ipaddr.IPv6.parseCIDR(text);
  const octets = Uint8Array.from(address.toByteArray());
  const network = ipaddr.IPv6.networkAddressFromCIDR(text);
  if (network.toString() !== address.toString()) {
    return unread(`${expected} without host bits`, `write ${network.toString()}/${length}`);
  }
  return read({ address: octets, length });
}

const unusable: readonly (readonly [string, string])[] = [
  ["0.0.0.0/8", '"this network"'],
  ["127.0.0.0/8", "loopback"],
  ["169.254.0.0/16", "link-local"],
  ["224.0.0.0/4", "multicast"],
  ["240.0.0.0/4", "reserved"],
];

/** Why no host may have one of these addresses, or undefined. */
export function notUnicast(range: Range4): string | undefined {
  for (const [text, name] of unusable) {
    const prefix = readPrefix4(text);
    if (prefix.ok && overlap(range, rangeOf(prefix.value))) return name;
  }
  return undefined;
}

/** `ranges` without `holes`, sorted, adjacent ones kept apart as they were written. */
export function subtractRanges(ranges: readonly Range4[], holes: readonly Range4[]): Range4[] {
  let rest = [...ranges];
  for (const hole of holes) {
    rest = rest.flatMap((range) => {
      if (!overlap(range, hole)) return [range];
      const kept: Range4[] = [];
      if (range.first < hole.first) kept.push({ first: range.first, last: hole.first - 1 });
      if (hole.last < range.last) kept.push({ first: hole.last + 1, last: range.last });
      return kept;
    });
  }
  return rest.sort((a, b) => a.first - b.first);
}

export function addressCount(ranges: readonly Range4[]): number {
  return ranges.reduce((sum, { first, last }) => sum + (last - first + 1), 0);
}
