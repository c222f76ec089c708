// The addresses a listener or a call's GRE can have, without starting a child.
import { networkInterfaces } from "node:os";
import { type Ipv4, parseIpv4 } from "../base/ip.js";

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
