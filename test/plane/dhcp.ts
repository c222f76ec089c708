import type { Ipv4 } from "../../src/base/ip.js";
import { write16, write32 } from "../../src/wire/ip-octets.js";
import { UDP, writeIpv4 } from "../../src/wire/ipv4.js";

/** A DHCPINFORM as Windows sends it from a PPP interface. */
export function dhcpInform(
  client: Ipv4,
  { type = 8, destination = 0xffffffff, options = [] as readonly number[] } = {},
): Uint8Array {
  const asked = [...options, 53, 1, type, 61, 7, 1, 2, 0, 0, 0, 0, 7, 55, 4, 6, 44, 43, 249, 255];
  const packet = new Uint8Array(28 + 240 + asked.length);
  write16(packet, 20, 68);
  write16(packet, 22, 67);
  write16(packet, 24, packet.length - 20);
  packet.set([1, 8, 6, 0, 0xde, 0xad, 0xbe, 0xef], 28);
  write32(packet, 40, client);
  packet.set([2, 0, 0, 0, 0, 7], 56);
  write32(packet, 28 + 236, 0x63825363);
  packet.set(asked, 28 + 240);
  writeIpv4(packet, 0, packet.length, UDP, client, destination);
  return packet;
}
