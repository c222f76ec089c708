// What our end of a session says itself: DHCPACK (RFC 2131 §4.3.5), Router and Neighbor Advertisements
// (RFC 4861), Echo Replies, and the errors of RFC 1191 and RFC 4443 for packets too large to pass.
import { after, type Instant } from "../base/instant.js";
import type { Ipv4, Ipv6 } from "../base/ip.js";
import { plane as limits } from "../limits.js";
import { writeDhcpAck } from "../wire/ip-dhcp.js";
import {
  mayAnswerWithError,
  mayAnswerWithError6,
  writeEchoReply,
  writeFragmentationNeeded,
  writePacketTooBig,
} from "../wire/ip-icmp.js";
import {
  writeNeighborAdvertisement,
  writeRouterAdvertisement,
} from "../wire/ip-router-advertisement.js";
import type { Ipv4Header } from "../wire/ipv4.js";
import { ALL_NODES, type Ipv6Header } from "../wire/ipv6.js";
import type { PlaneContext } from "./context.js";
import type { DropReason } from "./drop-reason.js";
import type { Flow } from "./flow.js";
import { IPV4, IPV6 } from "./judge.js";
import type { Outbound } from "./outbound.js";
import { PerSecond } from "./per-second.js";

const HOST_MASK = 0xffffffff;

export class GatewayAnswers {
  readonly #scratch = new Uint8Array(2_048);
  readonly #errors: PerSecond;
  #outbound: Outbound | undefined;

  constructor(readonly context: PlaneContext) {
    this.#errors = new PerSecond(context.limits.icmpPerSecondMax);
  }

  /** Answers leave through it; set once, at composition. */
  connect(outbound: Outbound): void {
    this.#outbound = outbound;
  }

  dhcpAck(
    flow: Flow,
    octets: Uint8Array,
    message: number,
    client: Ipv4,
    now: Instant,
  ): DropReason | "answered" {
    const { gatewayAddress, dns, nbns, domain, routes } = this.context.terms;
    const answer = { server: gatewayAddress, subnetMask: HOST_MASK, dns, nbns, domain, routes };
    if (!flow.answers.take(now)) return "answer-rate";
    const length = writeDhcpAck(this.#scratch, octets, message, client, answer);
    return this.#send(flow, IPV4, length, now);
  }

  echoReply(
    flow: Flow,
    octets: Uint8Array,
    header: Ipv4Header,
    now: Instant,
  ): DropReason | "answered" {
    if (!flow.answers.take(now)) return "answer-rate";
    return this.#send(flow, IPV4, writeEchoReply(this.#scratch, octets, header), now);
  }

  neighbor(flow: Flow, destination: Ipv6, now: Instant): DropReason | "answered" {
    const network = flow.network6;
    if (network === undefined) return "network-closed";
    if (!flow.answers.take(now)) return "answer-rate";
    const length = writeNeighborAdvertisement(this.#scratch, network.ourLinkLocal, destination);
    return this.#send(flow, IPV6, length, now);
  }

  /** Advertises now, and again before what was told expires. */
  advertise(flow: Flow, now: Instant): DropReason | "answered" {
    const network = flow.network6;
    if (network === undefined) return "network-closed";
    if (!flow.answers.take(now)) return "answer-rate";
    flow.advertiseAt = after(now, limits.advertiseEveryMs);
    const length = writeRouterAdvertisement(this.#scratch, {
      source: network.ourLinkLocal,
      destination: ALL_NODES,
      prefix: network.prefix,
      routerLifetimeS: limits.routerLifetimeS,
      prefixLifetimeS: limits.prefixLifetimeS,
      mtu: flow.innerMtu,
      dns: this.context.terms.dns6,
    });
    return this.#send(flow, IPV6, length, now);
  }

  #send(flow: Flow, protocol: number, length: number, now: Instant): DropReason | "answered" {
    const reason = this.#outbound?.sendInner(flow, protocol, this.#scratch, 0, length, now);
    return reason ?? "answered";
  }

  /**
   * Tells the sender of a packet that may not be cut what would pass. DEVIATION 26: it comes from the
   * packet's destination: one from our own address would be a martian to the kernel behind the TUN.
   */
  fragmentationNeeded(flow: Flow, octets: Uint8Array, header: Ipv4Header, now: Instant): void {
    if (!mayAnswerWithError(octets, header) || !this.#errors.take(now)) return;
    const { destination } = header;
    const mtu = flow.innerMtu;
    const length = writeFragmentationNeeded(this.#scratch, octets, header, destination, mtu);
    this.context.writeTun(flow, this.#scratch, 0, length);
  }

  packetTooBig(flow: Flow, octets: Uint8Array, header: Ipv6Header, now: Instant): void {
    const { start, end, destinationAt } = header;
    if (!mayAnswerWithError6(octets, start, end) || !this.#errors.take(now)) return;
    const source = octets.slice(destinationAt, destinationAt + 16);
    const length = writePacketTooBig(this.#scratch, octets, start, end, source, flow.innerMtu);
    this.context.writeTun(flow, this.#scratch, 0, length);
  }
}
