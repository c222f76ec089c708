// Prefixes behind a client router (accounts' `routes:`): which may be an account's, given whose
// every address is already. An address is routed to one session or to none.
import type { Ipv4, Prefix4 } from "../base/ip.js";
import { formatPrefix4, overlap, type Range4, rangeOf } from "../base/range4.js";

export type TakenRange = Range4 & { readonly whose: string };

export type RouteFault = { readonly route: Prefix4; readonly why: string };

/** Nobody's to route to a session. */
const NEVER: readonly TakenRange[] = [
  { first: 0x00000000, last: 0x00ffffff, whose: "this network (0.0.0.0/8)" },
  { first: 0x7f000000, last: 0x7fffffff, whose: "loopback (127.0.0.0/8)" },
  { first: 0xa9fe0000, last: 0xa9feffff, whose: "link-local (169.254.0.0/16)" },
  { first: 0xe0000000, last: 0xffffffff, whose: "multicast and reserved (224.0.0.0/3)" },
];

/**
 * The first of `routes` that can't be an account's, and why. `taken` are the routes and static
 * addresses of other accounts, the pools and the server's own addresses.
 */
export function routeFault(
  routes: readonly Prefix4[],
  taken: Iterable<TakenRange>,
): RouteFault | undefined {
  for (const route of routes) {
    if (!Number.isInteger(route.length) || route.length < 1 || route.length > 32) {
      return { route, why: "its length is not 1 to 32" };
    }
    if (rangeOf(route).first !== route.address) return { route, why: "it has host bits set" };
  }
  const ranges = routes.map((route) => ({ route, range: rangeOf(route) }));
  ranges.sort((a, b) => a.range.first - b.range.first);
  for (let i = 1; i < ranges.length; i++) {
    const before = ranges[i - 1]!;
    const here = ranges[i]!;
    if (overlap(before.range, here.range)) {
      return {
        route: here.route,
        why: `it overlaps ${formatPrefix4(before.route)} of the same list`,
      };
    }
  }
  for (const source of [NEVER, taken]) {
    for (const one of source) {
      const met = ranges.find(({ range }) => overlap(range, one));
      if (met !== undefined) return { route: met.route, why: `it overlaps ${one.whose}` };
    }
  }
  return undefined;
}

/** Why `address` can't be an account's static one, or undefined. Pools are no obstacle. */
export function staticAddressFault(address: Ipv4, taken: Iterable<TakenRange>): string | undefined {
  const here = { first: address, last: address };
  for (const source of [NEVER, taken]) {
    for (const one of source) if (overlap(here, one)) return `it lies in ${one.whose}`;
  }
  return undefined;
}
