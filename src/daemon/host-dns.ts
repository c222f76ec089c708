// The name servers this host uses itself, for sessions when the configuration says `dns: host`.
import { readFileSync } from "node:fs";
import { type Ipv4, parseIpv4 } from "../base/ip.js";

/** Where systemd-resolved writes the real servers while /etc/resolv.conf names its loopback stub. */
const files = ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"];
const serversMax = 2;

/** IPv4 servers of a resolv.conf that others can reach: loopback ones are left out. */
export function nameServers(resolvConf: string): Ipv4[] {
  const servers: Ipv4[] = [];
  for (const line of resolvConf.split("\n")) {
    const text = /^\s*nameserver\s+(\S+)/.exec(line)?.[1];
    const address = text === undefined ? undefined : parseIpv4(text);
    if (address === undefined || address >>> 24 === 127 || address === 0) continue;
    if (servers.length < serversMax) servers.push(address);
  }
  return servers;
}

/** Empty when there are none: sessions are then told of no name server. */
export function hostNameServers(): Ipv4[] {
  for (const file of files) {
    try {
      const servers = nameServers(readFileSync(file, "utf8"));
      if (servers.length > 0) return servers;
    } catch {
      // Not there: the next one.
    }
  }
  return [];
}
