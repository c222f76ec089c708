// The addresses a listener or a call's GRE can have, without starting a child.
import { networkInterfaces } from "node:os";
import ipaddr from "ipaddr.js";
import { type Ipv4, type Ipv6, parseIpv4 } from "../base/ip.js";

export type LocalIpv4 = { readonly device: string; readonly address: Ipv4 };

/** Of interfaces that are up. `listAddresses` of ip.ts has those that are down, too. */
export function localIpv4Addresses(): LocalIpv4[] {
  return Object.entries(networkInterfaces()).flatMap(([device, entries = []]) =>
    entries.flatMap(({ family, address }) => {
      const parsed = family === "IPv4" ? parseIpv4(address) : undefined;
      return parsed === undefined ? [] : [{ device, address: parsed }];
    }),
  );
}

/** Global IPv6 addresses of interfaces that are up; link-local ones nobody can route to. */
export function localIpv6Addresses(): Ipv6[] {
  return Object.values(networkInterfaces()).flatMap((entries = []) =>
    entries.flatMap(({ family, address, scopeid }) => {
      if (family !== "IPv6" || scopeid !== 0 || !ipaddr.IPv6.isValid(address)) return [];
      return [Uint8Array.from(ipaddr.IPv6.parse(address).toByteArray())];
    }),
  );
}
