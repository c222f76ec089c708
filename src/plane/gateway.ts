// What may pass between a session and the world: ordered checks, the first that refuses names why.
import type { Instant } from "../base/instant.js";
import { findDhcpInform, isDhcpRequest } from "../wire/ip-dhcp.js";
import { destinationPort, isEcho, isIcmpAnswer } from "../wire/ip-icmp.js";
import { isNeighborSolicitation, isRouterSolicitation } from "../wire/ip-router-advertisement.js";
import { type Ipv4Header, TCP, UDP } from "../wire/ipv4.js";
import {
  type Ipv6Header,
  isLinkLocal6,
  isMulticast6,
  isUnroutable6,
  startsWith6,
} from "../wire/ipv6.js";
import type { PlaneContext } from "./context.js";
import type { DropReason } from "./drop-reason.js";
import type { Flow } from "./flow.js";
import { owns4 } from "./flow-table.js";
import type { GatewayAnswers } from "./gateway-answers.js";
import { ownsSource6 } from "./judge.js";
import { CLIENT_TO_CLIENT } from "./layout.js";

/** `pass` goes to the TUN; `answered` was for us and is done. */
export type Verdict = DropReason | "pass" | "answered";

const DNS = 53;
const BROADCAST = 0xffffffff;

export class Gateway {
  #hostAddresses = new Set<number>();

  constructor(
    readonly context: PlaneContext,
    readonly answers: GatewayAnswers,
  ) {}

  configure(): void {
    this.#hostAddresses = new Set(this.context.terms.hostAddresses);
    if (this.context.terms.gatewayAddress !== 0) {
      this.#hostAddresses.add(this.context.terms.gatewayAddress);
    }
    this.context.table.destinations.forgetAll();
    this.context.memory.setCell(CLIENT_TO_CLIENT, this.context.terms.clientToClient ? 1 : 0);
  }

  /** Judges an inner IPv4 packet that came from the flow's peer. */
  admit4(flow: Flow, octets: Uint8Array, header: Ipv4Header, now: Instant): Verdict {
    if (flow.network4 === undefined) return "network-closed";
    if (flow.end === "host") return admitToHost4(flow, header);
    const { destination, source } = header;
    if (!owns4(flow, source)) return "source-refused";
    // Behind the client's router: the lane knows it again.
    if (source !== flow.network4.address) this.context.table.toward4(source);
    const forUs = destination === BROADCAST || destination === this.context.terms.gatewayAddress;
    if (forUs && isDhcpRequest(octets, header)) return this.#inform(flow, octets, header, now);
    if (destination === flow.localAddress || destination === flow.peerAddress) {
      return "tunnel-endpoint";
    }
    const first = destination >>> 24;
    if (first >= 224) return "broadcast";
    if (first === 127 || first === 0) return "destination-refused";
    if (this.#hostAddresses.has(destination)) return this.#admitToUs(flow, octets, header, now);
    const other = this.context.table.toward4(destination);
    if (other === flow) return "destination-refused";
    if (other !== undefined && !this.context.terms.clientToClient) return "client-to-client";
    if (other === undefined) this.context.table.destinations.open(destination);
    return "pass";
  }

  #inform(flow: Flow, octets: Uint8Array, header: Ipv4Header, now: Instant): Verdict {
    if (header.source !== flow.network4?.address) return "source-refused";
    const message = findDhcpInform(octets, header);
    if (message === undefined) return "dhcp-not-inform";
    return this.answers.dhcpAck(flow, octets, message, header.source, now);
  }

  /** DNS on the gateway address; answers to what this host asked; an Echo, by us and not the host. */
  #admitToUs(flow: Flow, octets: Uint8Array, header: Ipv4Header, now: Instant): Verdict {
    const { gatewayAddress, reachHost } = this.context.terms;
    if (reachHost) {
      this.context.table.destinations.open(header.destination);
      return "pass";
    }
    if (header.destination !== gatewayAddress) return "host-refused";
    if (isIcmpAnswer(octets, header)) return "pass";
    if (isEcho(octets, header)) return this.answers.echoReply(flow, octets, header, now);
    const { protocol, fragmentOffset, payloadStart, end } = header;
    if ((protocol !== UDP && protocol !== TCP) || fragmentOffset !== 0) return "host-refused";
    return destinationPort(octets, payloadStart, end) === DNS ? "pass" : "host-refused";
  }

  /** Judges an inner IPv6 packet that came from the flow's peer. */
  admit6(flow: Flow, octets: Uint8Array, header: Ipv6Header, now: Instant): Verdict {
    const network = flow.network6;
    if (network === undefined) return "network-closed";
    const { sourceAt, destinationAt } = header;
    if (flow.end === "host") {
      return isMulticast6(octets, sourceAt) ? "source-refused" : "pass";
    }
    const multicast = isMulticast6(octets, destinationAt);
    // RFC 4861 §4.1: a solicitation may come from the unspecified address, before there is another.
    if (isRouterSolicitation(octets, header)) {
      return multicast &&
        (isUnroutable6(octets, sourceAt) || ownsSource6(network, octets, sourceAt))
        ? this.answers.advertise(flow, now)
        : "source-refused";
    }
    if (!ownsSource6(network, octets, sourceAt)) return multicast ? "broadcast" : "source-refused";
    if (isNeighborSolicitation(octets, header, network.ourLinkLocal)) {
      return this.answers.neighbor(flow, octets.slice(sourceAt, sourceAt + 16), now);
    }
    if (multicast) return "broadcast";
    if (isUnroutable6(octets, destinationAt)) return "destination-refused";
    if (isLinkLocal6(octets, destinationAt)) {
      const ours = startsWith6(octets, destinationAt, network.ourLinkLocal);
      return ours ? "host-refused" : "client-to-client";
    }
    if (isLinkLocal6(octets, sourceAt)) return "source-refused";
    if (this.#isClosedHost6(octets, destinationAt)) return "host-refused";
    const other = this.context.table.toward6(octets, destinationAt);
    if (other === flow) return "destination-refused";
    if (other !== undefined && !this.context.terms.clientToClient) return "client-to-client";
    return "pass";
  }

  #isClosedHost6(octets: Uint8Array, destinationAt: number): boolean {
    const { reachHost, hostAddresses6, dns6 } = this.context.terms;
    const is = (address: Uint8Array) => startsWith6(octets, destinationAt, address);
    return !reachHost && hostAddresses6.some(is) && !dns6.some(is);
  }
}

/** A client's end takes what is for it and nothing that claims to come from it. */
function admitToHost4(flow: Flow, header: Ipv4Header): Verdict {
  if (header.source === flow.network4?.address) return "source-refused";
  return owns4(flow, header.destination) ? "pass" : "destination-refused";
}
