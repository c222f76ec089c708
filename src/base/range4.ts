import { formatIpv4, type Ipv4, mask4, type Prefix4 } from "./ip.js";

/** Both ends belong to it. */
export type Range4 = { readonly first: Ipv4; readonly last: Ipv4 };

export function rangeOf({ address, length }: Prefix4): Range4 {
  const mask = mask4(length);
  const first = (address & mask) >>> 0;
  return { first, last: (first | ~mask) >>> 0 };
}

export function overlap(a: Range4, b: Range4): boolean {
  return a.first <= b.last && b.first <= a.last;
}

/** One address as the prefix that holds it alone. */
export function hostPrefix(address: Ipv4): Prefix4 {
  return { address, length: 32 };
}

/** As people write it: an address without its length. */
export function formatSource(source: Prefix4): string {
  return source.length === 32 ? formatIpv4(source.address) : formatPrefix4(source);
}

export function formatPrefix4({ address, length }: Prefix4): string {
  return `${formatIpv4(address)}/${length}`;
}
