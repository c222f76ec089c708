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

export function formatPrefix4({ address, length }: Prefix4): string {
  return `${formatIpv4(address)}/${length}`;
}
