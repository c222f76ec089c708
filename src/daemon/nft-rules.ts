// What our nftables table says: the body of `table inet holdfast-<instance>`, from the configuration.
import { formatIpv4 } from "../base/ip.js";
import type { Config } from "./config/resolve.js";

export type RuleFacts = {
  /** The kernel did not forward before us: then it forwards for our sessions only. */
  readonly forwardingIsOurs: boolean;
};

/** Text for nft; "" when there is nothing to say. */
export function nftRules({ network, addresses }: Config, { forwardingIsOurs }: RuleFacts): string {
  const tun = `"${network.tun}"`;
  const chains: string[] = [];
  const forward: string[] = [];
  if (!network.clientToClient) forward.push(`iifname ${tun} oifname ${tun} drop`);
  if (forwardingIsOurs) forward.push(`iifname != ${tun} oifname != ${tun} drop`);
  if (forward.length > 0) chains.push(chain("forward", "filter hook forward priority 0", forward));
  if (!network.reachHost) {
    chains.push(
      chain("input", "filter hook input priority 0", [
        `iifname != ${tun} accept`,
        "ct state established,related accept",
        "meta l4proto { tcp, udp } th dport 53 accept",
        "icmp type echo-request accept",
        "meta l4proto ipv6-icmp accept",
        "drop",
      ]),
    );
  }
  if (network.nat.enabled) {
    const sources = addresses.pool
      .map(({ first, last }) =>
        first === last ? formatIpv4(first) : `${formatIpv4(first)}-${formatIpv4(last)}`,
      )
      .join(", ");
    const out = network.nat.uplink === undefined ? `!= ${tun}` : `"${network.nat.uplink}"`;
    chains.push(
      chain("postrouting", "nat hook postrouting priority 100", [
        `ip saddr { ${sources} } oifname ${out} masquerade`,
      ]),
    );
  }
  return chains.join("\n");
}

function chain(name: string, type: string, rules: readonly string[]): string {
  const lines = [`type ${type}; policy accept;`, ...rules];
  return `chain ${name} {\n${lines.join("\n")}\n}`;
}
