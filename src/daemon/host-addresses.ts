// The addresses this host has itself: sessions reach them only where `reachHost` says so.
import { localIpv4Addresses, localIpv6Addresses } from "../os/local-addresses.js";
import type { HostAddresses } from "./policy.js";

export function hostAddresses(): HostAddresses {
  return { ipv4: localIpv4Addresses().map(({ address }) => address), ipv6: localIpv6Addresses() };
}
