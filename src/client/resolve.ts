// The server's name, as whoever calls gave it: an address, or what the system's resolver says of it.
import { lookup } from "node:dns/promises";
import { type Ipv4, parseIpv4 } from "../base/ip.js";
import { client as limits } from "../limits.js";

/** Undefined: no IPv4 address, or nobody said so in time. */
export async function addressOf(server: string): Promise<Ipv4 | undefined> {
  const literal = parseIpv4(server);
  if (literal !== undefined) return literal;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((settle) => {
    timer = setTimeout(() => settle(undefined), limits.resolveMs);
  });
  const asked = lookup(server, 4).then(
    ({ address }) => parseIpv4(address),
    () => undefined,
  );
  const address = await Promise.race([asked, late]);
  clearTimeout(timer);
  return address;
}
