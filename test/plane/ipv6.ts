// IPv6 for the plane's tests: addresses, a session's network, packets with right checksums.
import { write16 } from "../../src/wire/ip-octets.js";
import { upperChecksum6 } from "../../src/wire/ipv6.js";
import type { PlaneCommand } from "../../src/wire/worker-link.js";
import { type Bench, FLOW, packet6 } from "./pair.js";

export const UDP6 = 17;
export const TCP6 = 6;

export function local6(host: number): Uint8Array {
  return Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, host);
}

export function global6(net: number, host: number): Uint8Array {
  return Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, net, 0, 0, 0, 0, 0, 0, 0, host);
}

/** In the session's leased /64, and somewhere outside. */
export const LEASED6 = global6(1, 9);
export const OUTSIDE6 = global6(9, 9);

type Network6 = Extract<PlaneCommand, { kind: "Network6" }>["network"];
export const PREFIX: NonNullable<Network6> = {
  linkLocal: local6(2),
  ourLinkLocal: local6(1),
  prefix: global6(1, 0),
};

/** Opens the network phase for IPv6 at both ends; what they say to it is forgotten. */
export function open6(server: Bench, client: Bench): void {
  server.command({ kind: "Network6", flow: FLOW, network: PREFIX });
  const ours = { ...PREFIX, ourLinkLocal: local6(2), prefix: undefined };
  client.command({ kind: "Network6", flow: FLOW, network: ours });
  for (const gre of server.gre.splice(0)) client.datagram(gre);
  client.tun.length = 0;
}

/** UDP whose last four octets carry `tag`. */
export function udp6(
  source: Uint8Array,
  destination: Uint8Array,
  tag: number,
  length = 100,
): Uint8Array {
  const packet = packet6(source, destination, UDP6, length - 40);
  write16(packet, 40, 4_000);
  write16(packet, 42, 9);
  write16(packet, 44, length - 40);
  new DataView(packet.buffer).setUint32(length - 4, tag);
  write16(packet, 46, upperChecksum6(packet, 0, 40, length, UDP6));
  return packet;
}

/** A TCP SYN that offers `mss`. */
export function syn6(source: Uint8Array, destination: Uint8Array, mss: number): Uint8Array {
  const packet = packet6(source, destination, TCP6, 24);
  packet.set([0x60, 0x02], 52);
  packet.set([2, 4, mss >>> 8, mss & 255], 60);
  write16(packet, 56, upperChecksum6(packet, 0, 40, packet.length, TCP6));
  return packet;
}
