// RFC 2637 §3.1.3: both ends opened a TCP connection to each other and sent SCCRQ.
import type { Ipv4 } from "../../base/ip.js";

/**
 * Whose connection stays: the higher address's. `none` when both ends have one address, which two
 * hosts behind a NAT or on loopback may seem to have.
 */
export function collision(ours: Ipv4, peers: Ipv4): "ours" | "peers" | "none" {
  const [a, b] = [ours >>> 0, peers >>> 0];
  if (a === b) return "none";
  return a > b ? "ours" : "peers";
}
