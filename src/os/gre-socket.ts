// RFC 2637 §4: GRE on IPv4, protocol 47, through raw sockets. One receives and sends with Don't
// Fragment; a second only sends, without it, so that no option changes between two packets.
import type { Ipv4 } from "../base/ip.js";
import { Descriptor } from "./descriptor.js";
import { EINVAL, type OsError, osError } from "./errors.js";
import { classicGreFilter } from "./gre-filter-classic.js";
import type { Shard } from "./gre-filter-ebpf.js";
import {
  BufferAddress,
  bindSocket,
  Memory,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  sendmsg,
  setSocketNumber,
  socket,
} from "./libc.js";
import type { ReceiveSlots } from "./packet-memory.js";
import { ACCEPT, attachFilter, type BpfInstruction, DROP } from "./socket-filter.js";

const AF_INET = 2;
const SOCK_RAW = 3;
const IPPROTO_IP = 0;
const IPPROTO_GRE = 47;
const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const IP_PKTINFO = 8;
const IP_MTU_DISCOVER = 10;
const IP_PMTUDISC_DONT = 0;
const IP_PMTUDISC_DO = 2;
const MSG_DONTWAIT = 0x40;

const SOCKET_BUFFER_OCTETS = 8 * 1024 * 1024;
/** struct msghdr on 64-bit Linux. */
const MSGHDR_OCTETS = 56;
const IOVEC_OCTETS = 16;

const SOCKADDR_OCTETS = 16;
const LIMITED_BROADCAST = 0xff_ff_ff_ff;
const CONTROL_OCTETS = 32;

/** One message to send, its memory written in place for each packet. */
class SendHeader {
  readonly #header = new Memory(MSGHDR_OCTETS);
  readonly #vector = new Memory(IOVEC_OCTETS);
  readonly #name = new Memory(SOCKADDR_OCTETS);
  readonly #control = new Memory(CONTROL_OCTETS);
  readonly #source = new BufferAddress();

  constructor() {
    this.#header.setAddress(0, this.#name.address);
    this.#header.view.setUint32(8, SOCKADDR_OCTETS, true);
    this.#header.setAddress(16, this.#vector.address);
    this.#header.setAddress(24, 1);
    this.#header.setAddress(32, this.#control.address);
    this.#name.view.setUint16(0, AF_INET, true);
    // struct cmsghdr, then struct in_pktinfo: interface, the source address, the header's address.
    this.#control.setAddress(0, 16 + 12);
    this.#control.view.setInt32(8, IPPROTO_IP, true);
    this.#control.view.setInt32(12, IP_PKTINFO, true);
  }

  send(fd: number, packet: Uint8Array, offset: number, end: number, from: Ipv4, to: Ipv4): number {
    const address = this.#source.of(packet, offset, end);
    if (address === -1) return -EINVAL;
    const vector = this.#vector.view;
    vector.setUint32(0, address % 0x1_0000_0000, true);
    vector.setUint32(4, Math.floor(address / 0x1_0000_0000), true);
    vector.setUint32(8, end - offset, true);
    this.#name.view.setUint32(4, to, false);
    this.#control.view.setUint32(16 + 4, from, false);
    this.#header.view.setUint32(40, from === 0 ? 0 : CONTROL_OCTETS, true);
    return sendmsg(fd, this.#header.address, MSG_DONTWAIT);
  }
}

/** The descriptors of a GreSocket, as they are handed to a worker. */
export type GreDescriptors = { readonly receive: number; readonly sendNoDf: number };

export class GreSocket implements Disposable {
  readonly #receive: Descriptor;
  readonly #sendNoDf: Descriptor;
  readonly #header = new SendHeader();

  /** Takes both descriptors over. */
  constructor({ receive, sendNoDf }: GreDescriptors) {
    this.#receive = new Descriptor(receive);
    this.#sendNoDf = new Descriptor(sendNoDf);
  }

  get descriptors(): GreDescriptors {
    return { receive: this.#receive.fd, sendNoDf: this.#sendNoDf.fd };
  }

  /** How many datagrams came into `slots`, 1..slots.count, or -errno; never waits. */
  readBatch(slots: ReceiveSlots): number {
    return slots.fill(this.#receive.fd);
  }

  /**
   * Sends `packet[offset..end)` (a GRE header and what follows) from `localAddress`; 0 lets the kernel
   * choose. Octets sent, or -errno: EMSGSIZE when it may not be fragmented and does not fit, EAGAIN and
   * ENOBUFS when the queue is full. Never waits. `packet` must not be resizable.
   */
  send(
    packet: Uint8Array,
    offset: number,
    end: number,
    localAddress: Ipv4,
    peerAddress: Ipv4,
    dontFragment: boolean,
  ): number {
    const { fd } = dontFragment ? this.#receive : this.#sendNoDf;
    return this.#header.send(fd, packet, offset, end, localAddress, peerAddress);
  }

  /** Calls back while datagrams wait; read until -EAGAIN or come back at the next call. */
  watch(callback: () => void): Disposable | OsError {
    return this.#receive.watch(callback);
  }

  /** Lets the kernel drop early what is no well-formed enhanced GRE. 0 or -errno. */
  attachFormFilter(): number {
    return attachFilter(this.#receive.fd, classicGreFilter());
  }

  [Symbol.dispose](): void {
    this.#receive[Symbol.dispose]();
    this.#sendNoDf[Symbol.dispose]();
  }
}

/** Needs CAP_NET_RAW (EPERM otherwise). */
export function openGreSockets(shard: Shard = { index: 0, of: 1 }): GreSocket | OsError {
  const receive = rawSocket();
  if (receive < 0) return osError("socket AF_INET SOCK_RAW GRE", receive);
  const sendNoDf = rawSocket();
  const sockets = new GreSocket({ receive, sendNoDf });
  const steps: [string, () => number][] = [
    ["socket AF_INET SOCK_RAW GRE", () => sendNoDf],
    // First of all, so that as little as possible is queued where nobody reads.
    ["setsockopt SO_ATTACH_FILTER", () => attachFilter(sendNoDf, [DROP])],
    ["bind", () => bindToNothing(sendNoDf)],
    ["setsockopt SO_ATTACH_FILTER", () => (shard.of > 1 ? attachShard(receive, shard) : 0)],
    ["setsockopt SO_RCVBUF", () => setSocketNumber(sendNoDf, SOL_SOCKET, SO_RCVBUF, 0)],
    ["setsockopt IP_MTU_DISCOVER", () => mtuDiscovery(receive, IP_PMTUDISC_DO)],
    ["setsockopt IP_MTU_DISCOVER", () => mtuDiscovery(sendNoDf, IP_PMTUDISC_DONT)],
    ["setsockopt SO_RCVBUF", () => growBuffer(receive, SO_RCVBUFFORCE, SO_RCVBUF)],
    ["setsockopt SO_SNDBUF", () => growBuffer(receive, SO_SNDBUFFORCE, SO_SNDBUF)],
    ["setsockopt SO_SNDBUF", () => growBuffer(sendNoDf, SO_SNDBUFFORCE, SO_SNDBUF)],
  ];
  for (const [call, step] of steps) {
    const result = step();
    if (result >= 0) continue;
    sockets[Symbol.dispose]();
    return osError(call, result);
  }
  return sockets;
}

function rawSocket(): number {
  return socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_GRE);
}

/**
 * The kernel copies every datagram for each raw socket that it may be for, before any filter: none is
 * for this address. Where a packet leaves from is said with each.
 */
function bindToNothing(fd: number): number {
  const name = new Memory(SOCKADDR_OCTETS);
  name.view.setUint16(0, AF_INET, true);
  name.view.setUint32(4, LIMITED_BROADCAST, false);
  return bindSocket(fd, name);
}

function mtuDiscovery(fd: number, how: number): number {
  return setSocketNumber(fd, IPPROTO_IP, IP_MTU_DISCOVER, how);
}

/** With CAP_NET_ADMIN past net.core's maximum, without it up to there. */
function growBuffer(fd: number, forced: number, plain: number): number {
  const result = setSocketNumber(fd, SOL_SOCKET, forced, SOCKET_BUFFER_OCTETS);
  return result < 0 ? setSocketNumber(fd, SOL_SOCKET, plain, SOCKET_BUFFER_OCTETS) : result;
}

/**
 * Every raw socket gets every datagram: each is taken by one. What has no Call ID of a call's is for
 * the first, which counts it.
 */
function shardFilter({ index, of }: Shard): readonly BpfInstruction[] {
  const odd = index === 0 ? 0 : 1;
  return [
    [0xb1, 0, 0, 0], // x = octets of the IPv4 header
    [0x80, 0, 0, 0], // a = octets of the datagram
    [0x1c, 0, 0, 0], // less x
    [0x35, 0, 8 + odd, 8], // flags, protocol, length and Call ID are there
    [0x48, 0, 0, 0], // a = GRE flags and version
    [0x54, 0, 0, 0x2007],
    [0x15, 0, 5 + odd, 0x2001],
    [0x48, 0, 0, 2], // a = Protocol Type
    [0x15, 0, 3 + odd, 0x880b],
    [0x48, 0, 0, 6], // a = Call ID
    [0x94, 0, 0, of], // its remainder
    [0x15, 0, 1, index],
    ACCEPT,
    DROP,
  ];
}

function attachShard(fd: number, shard: Shard): number {
  return attachFilter(fd, shardFilter(shard));
}
