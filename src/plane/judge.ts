// G-13: what a decrypted packet must look like before the key that made it is kept.
import { type Ipv4Header, readIpv4 } from "../wire/ipv4.js";
import { type Ipv6Header, isLinkLocal6, readIpv6, startsWith6 } from "../wire/ipv6.js";
import type { Flow } from "./flow.js";
import { owns4 } from "./flow-table.js";
import type { Judge } from "./mppe-receive.js";

export const IPV4 = 0x0021;
export const IPV6 = 0x0057;

/** The protocol field at `at`: one octet when that is odd (PFC), else two; 0 when it is cut. */
export function readProtocol(octets: Uint8Array, at: number, end: number): number {
  if (at >= end) return 0;
  const first = octets[at]!;
  if ((first & 1) === 1) return first;
  return at + 1 < end ? (first << 8) | octets[at + 1]! : 0;
}

export function protocolOctets(octets: Uint8Array, at: number): number {
  return (octets[at]! & 1) === 1 ? 1 : 2;
}

export class FlowJudge implements Judge {
  constructor(
    readonly flow: Flow,
    readonly header4: Ipv4Header,
    readonly header6: Ipv6Header,
  ) {}

  /**
   * An IPv4 header proves itself by its checksum. An IPv6 one has none: past a gap its source must be
   * the flow's too. A source that policy refuses later still shows that the key was right.
   */
  isPlausible(plaintext: Uint8Array, end: number, jump: number): boolean {
    const protocol = readProtocol(plaintext, 0, end);
    if (protocol === IPV4) {
      const fault = readIpv4(plaintext, protocolOctets(plaintext, 0), end, this.header4);
      if (fault !== undefined) return false;
      return jump === 1 || this.#source4(this.header4.source);
    }
    if (protocol !== IPV6) return false;
    const fault = readIpv6(plaintext, protocolOctets(plaintext, 0), end, this.header6);
    return fault === undefined && (jump === 1 || this.#source6(plaintext));
  }

  #source4(source: number): boolean {
    const { flow } = this;
    return flow.end === "host" || flow.network4 === undefined || owns4(flow, source);
  }

  #source6(plaintext: Uint8Array): boolean {
    const { flow } = this;
    const network = flow.network6;
    if (network === undefined) return false;
    if (flow.end === "host") return true;
    return ownsSource6(network, plaintext, this.header6.sourceAt);
  }
}

/** Whether the address at `at` lies in the leased /64 or is the negotiated link-local one. */
export function ownsSource6(
  network: NonNullable<Flow["network6"]>,
  octets: Uint8Array,
  at: number,
): boolean {
  if (isLinkLocal6(octets, at)) return startsWith6(octets, at, network.linkLocal);
  return network.prefix !== undefined && startsWith6(octets, at, network.prefix, 8);
}
