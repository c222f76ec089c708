// Which routes a session gets, and the one that keeps its own packets out of it.
import { type Ipv4, inPrefix4, type Prefix4 } from "../../base/ip.js";
import type { IpChange } from "../../os/ip.js";

/** `default`: everything; prefixes: what lies behind the server; none: its own end alone. */
export type RouteWish = "default" | "none" | readonly Prefix4[];

export type Pin = {
  readonly device: string;
  readonly to: Ipv4;
  /** Undefined: the server is on the link. */
  readonly via: Ipv4 | undefined;
};

/** Two halves: more specific than the default route of this host, which stays where it is. */
const EVERYTHING: readonly Prefix4[] = [
  { address: 0, length: 1 },
  { address: 0x80000000, length: 1 },
];

export function prefixesOf(wish: RouteWish): readonly Prefix4[] {
  if (wish === "none") return [];
  return wish === "default" ? EVERYTHING : wish;
}

/** Without it the session's own GRE would go into the session. */
export function needsPin(wish: RouteWish, server: Ipv4): boolean {
  return prefixesOf(wish).some((prefix) => inPrefix4(server, prefix));
}

export function pinChange(kind: "AddRoute" | "DeleteRoute", { device, to, via }: Pin): IpChange {
  const host = { family: 4, address: to, length: 32 } as const;
  return via === undefined ? { kind, device, to: host } : { kind, device, to: host, via };
}

export function routeChanges(
  kind: "AddRoute" | "DeleteRoute",
  wish: RouteWish,
  device: string,
): IpChange[] {
  return prefixesOf(wish).map((prefix) => ({ kind, device, to: { family: 4, ...prefix } }));
}
