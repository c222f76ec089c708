// RFC 768, RFC 1122 §4.1: a datagram socket of the client's own host.
import type { Ipv4 } from "../../base/ip.js";
import { Queue } from "../../base/queue.js";
import { stack } from "../../limits.js";
import { IPV4_HEADER_OCTETS } from "../../wire/ipv4.js";
import { UDP_HEADER_OCTETS, writeUdp } from "../../wire/udp.js";
import type { StackRefusal, UdpDatagram, UdpEvent, UdpSocket } from "./contract.js";

export type DatagramHost = {
  readonly address: Ipv4;
  readonly mtu: number;
  touched(socket: DatagramSocket): void;
  closed(socket: DatagramSocket): void;
  count(reason: string): void;
};

export class DatagramSocket implements UdpSocket {
  onEvent: ((event: UdpEvent) => void) | undefined;
  /** In the stack's queue of those that have something to send. */
  queued = false;
  readonly #came = new Queue<UdpDatagram>();
  readonly #leaves = new Queue<UdpDatagram>();
  #cameOctets = 0;
  #leavesOctets = 0;
  #open = true;
  #readable = false;
  #unreachable: UdpEvent | undefined;

  constructor(
    readonly host: DatagramHost,
    readonly localPort: number,
  ) {}

  send(remote: Ipv4, remotePort: number, octets: Uint8Array): StackRefusal | undefined {
    if (!this.#open) return { kind: "Refused", limit: "stopped" };
    const total = IPV4_HEADER_OCTETS + UDP_HEADER_OCTETS + octets.length;
    if (total > this.host.mtu) return { kind: "Refused", limit: "mtu" };
    if (this.#leaves.size >= stack.udpQueueMax) return { kind: "Refused", limit: "udpQueueMax" };
    this.#leaves.push({ remote, remotePort, octets: octets.slice() });
    this.#leavesOctets += octets.length;
    this.host.touched(this);
    return undefined;
  }

  receive(): UdpDatagram | undefined {
    const next = this.#came.shift();
    this.#cameOctets -= next?.octets.length ?? 0;
    return next;
  }

  get memoryOctets(): number {
    return this.#cameOctets + this.#leavesOctets;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#came.clear();
    this.#leaves.clear();
    this.#cameOctets = 0;
    this.#leavesOctets = 0;
    this.host.closed(this);
  }

  /** Copied: the packet's memory is the caller's. */
  arrives(remote: Ipv4, remotePort: number, octets: Uint8Array): void {
    const most = stack.udpQueueOctetsMax - octets.length;
    if (this.#came.size >= stack.udpQueueMax || this.#cameOctets > most)
      return this.host.count("udp-queue-full");
    this.#came.push({ remote, remotePort, octets: octets.slice() });
    this.#cameOctets += octets.length;
    this.#readable = true;
    this.host.touched(this);
  }

  unreachable(remote: Ipv4, remotePort: number): void {
    this.#unreachable = { kind: "unreachable", remote, remotePort };
    this.host.touched(this);
  }

  deliver(): void {
    const unreachable = this.#unreachable;
    if (this.#readable) {
      this.#readable = false;
      if (this.#came.size > 0) this.onEvent?.({ kind: "readable" });
    }
    if (unreachable === undefined) return;
    this.#unreachable = undefined;
    this.onEvent?.(unreachable);
  }

  transmit(into: Uint8Array): number {
    const next = this.#leaves.shift();
    if (next === undefined) return 0;
    const { remote, remotePort, octets } = next;
    this.#leavesOctets -= octets.length;
    return writeUdp(into, this.host.address, this.localPort, remote, remotePort, octets);
  }
}
