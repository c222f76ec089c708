// packet(7): copies of the packets that pass an interface, from their IP header on. Copies: nothing is
// added to a packet's own way, and a socket that is not read in time loses packets and counts them.
import { readFileSync } from "node:fs";
import type { Ipv4 } from "../base/ip.js";
import {
  IOVEC_LENGTH,
  IOVEC_OCTETS,
  MMSGHDR_CONTROL,
  MMSGHDR_CONTROL_OCTETS,
  MMSGHDR_LENGTH,
  MMSGHDR_NAME,
  MMSGHDR_NAME_OCTETS,
  MMSGHDR_OCTETS,
  MMSGHDR_VECTOR_COUNT,
  MMSGHDR_VECTORS,
} from "../base/kernel-layout.js";
import type { Descriptor } from "./descriptor.js";
import { fromNodeError, isOsError, type OsError, osError } from "./errors.js";
import { Memory, recvmmsg, setSocketNumber } from "./libc.js";
import { openPacketSocket, SOCKADDR_LL_OCTETS, takePacketStatistics } from "./packet-socket.js";
import { ACCEPT, attachFilter, type BpfInstruction, DROP } from "./socket-filter.js";

const SOL_SOCKET = 1;
const SO_RCVBUFFORCE = 33;
const SO_TIMESTAMPNS = 35;
const ETH_P_ALL = 3;
const ARPHRD_LOOPBACK = 772;
const PACKET_OUTGOING = 4;
const MSG_DONTWAIT = 0x40;
/** A cmsghdr and a timespec. */
const STAMP_OCTETS = 32;
/** What segmentation offload makes of a TCP stream is one packet to a tap. */
const PACKET_OCTETS_MAX = 65_536;
const BUFFER_OCTETS = 8 * 1024 * 1024;

/** Valid until the next `read`. */
export type Tapped = {
  readonly octets: Uint8Array;
  readonly outgoing: boolean;
  /** Since 1970, by the kernel. */
  readonly nanoseconds: bigint;
};

export class PacketTap implements Disposable {
  readonly #socket: Descriptor;
  readonly #buffer = new Memory(PACKET_OCTETS_MAX);
  readonly #header = new Memory(MMSGHDR_OCTETS);
  readonly #vector = new Memory(IOVEC_OCTETS);
  readonly #name = new Memory(SOCKADDR_LL_OCTETS);
  readonly #stamp = new Memory(STAMP_OCTETS);

  private constructor(socket: Descriptor) {
    this.#socket = socket;
    this.#vector.setAddress(0, this.#buffer.address);
    this.#vector.view.setUint32(IOVEC_LENGTH, PACKET_OCTETS_MAX, true);
    this.#header.setAddress(MMSGHDR_NAME, this.#name.address);
    this.#header.setAddress(MMSGHDR_VECTORS, this.#vector.address);
    this.#header.view.setUint32(MMSGHDR_VECTOR_COUNT, 1, true);
    this.#header.setAddress(MMSGHDR_CONTROL, this.#stamp.address);
  }

  /** All that passes the interface; needs CAP_NET_RAW. */
  static ofInterface(name: string): PacketTap | OsError {
    let index: number;
    try {
      index = Number(readFileSync(`/sys/class/net/${name}/ifindex`, "utf8"));
    } catch (error) {
      return fromNodeError(`interface ${name}`, error);
    }
    return PacketTap.#open(index, [ACCEPT]);
  }

  /** What passes any interface, between us and whoever `follow` says: nobody at first. */
  static ofServer(): PacketTap | OsError {
    return PacketTap.#open(0, [DROP]);
  }

  static #open(interfaceIndex: number, filter: readonly BpfInstruction[]): PacketTap | OsError {
    const socket = openPacketSocket({
      filter,
      etherType: ETH_P_ALL,
      interfaceIndex,
      options: [{ name: "SO_TIMESTAMPNS", option: SO_TIMESTAMPNS, value: 1 }],
    });
    if (isOsError(socket)) return socket;
    // Needs CAP_NET_ADMIN; without it, the default's room.
    setSocketNumber(socket.fd, SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_OCTETS);
    return new PacketTap(socket);
  }

  /** From here on that server's control connection and GRE. */
  follow(server: Ipv4, port: number): OsError | undefined {
    const result = attachFilter(this.#socket.fd, callFilter(server, port));
    return result < 0 ? osError("setsockopt SO_ATTACH_FILTER", result) : undefined;
  }

  /** The next packet, "again" where the one that came is another's copy, undefined when none waits. */
  read(): Tapped | "again" | undefined {
    const { view } = this.#header;
    view.setUint32(MMSGHDR_NAME_OCTETS, SOCKADDR_LL_OCTETS, true);
    view.setUint32(MMSGHDR_CONTROL_OCTETS, STAMP_OCTETS, true);
    if (recvmmsg(this.#socket.fd, this.#header.address, 1, MSG_DONTWAIT) !== 1) return undefined;
    const outgoing = this.#name.view.getUint8(10) === PACKET_OUTGOING;
    // The loopback interface shows each packet on its way out, and once more on its way in.
    if (outgoing && this.#name.view.getUint16(8, true) === ARPHRD_LOOPBACK) return "again";
    const length = Math.min(view.getUint32(MMSGHDR_LENGTH, true), PACKET_OCTETS_MAX);
    const stamp = this.#stamp.view;
    const nanoseconds = stamp.getBigInt64(16, true) * 1_000_000_000n + stamp.getBigInt64(24, true);
    return { octets: this.#buffer.octets.subarray(0, length), outgoing, nanoseconds };
  }

  /** Packets that nobody read in time, since the last time this was asked. */
  lost(): number {
    return takePacketStatistics(this.#socket)?.lost ?? 0;
  }

  watch(callback: () => void): Disposable | OsError {
    return this.#socket.watch(callback);
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }
}

/** SKF_AD_OFF + SKF_AD_PROTOCOL. */
const ETHERTYPE = 0xffff_f000;

/** IPv4 from or to the server: GRE, and TCP from or to the port. */
function callFilter(server: Ipv4, port: number): readonly BpfInstruction[] {
  return [
    [0x28, 0, 0, ETHERTYPE],
    [0x15, 0, 13, 0x0800],
    [0x20, 0, 0, 12], // a = source
    [0x15, 2, 0, server],
    [0x20, 0, 0, 16], // a = destination
    [0x15, 0, 9, server],
    [0x30, 0, 0, 9], // a = protocol
    [0x15, 6, 0, 47],
    [0x15, 0, 6, 6],
    [0xb1, 0, 0, 0], // x = octets of the IPv4 header
    [0x48, 0, 0, 0], // a = source port
    [0x15, 2, 0, port],
    [0x48, 0, 0, 2], // a = destination port
    [0x15, 0, 1, port],
    ACCEPT,
    DROP,
  ];
}
