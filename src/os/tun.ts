// The TUN interface: whole IP packets, no Ethernet, no packet-information header. Where the kernel
// takes it, each packet has a virtio_net_hdr before it, so that one read or write may be many packets.
import { constants, openSync } from "node:fs";
import {
  TUN_CHECKSUM,
  TUN_TSO4,
  TUN_TSO6,
  TUN_USO4,
  TUN_USO6,
  VNET_OCTETS,
} from "../base/kernel-layout.js";
import { Descriptor } from "./descriptor.js";
import { EINVAL, fromNodeError, type OsError, osError } from "./errors.js";
import { HeadedVectors } from "./headed-vectors.js";
import {
  type Address,
  close,
  duplicate,
  ioctl,
  Memory,
  read,
  readv,
  setNonBlocking,
  writev,
} from "./libc.js";

export const TUN_DEVICE = "/dev/net/tun";
/** IFNAMSIZ, its final NUL included. */
export const INTERFACE_NAME_OCTETS = 16;

const TUNSETIFF = 0x400454ca;
const TUNSETOFFLOAD = 0x400454d0;
const TUNSETVNETHDRSZ = 0x400454d8;
const TUNGETIFF = 0x800454d2;
const IFREQ_OCTETS = 40;
const IFF_TUN = 0x0001;
const IFF_MULTI_QUEUE = 0x0100;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;
const IFF_TUN_EXCL = 0x8000;

/** What is asked for, the most first: older kernels know no UDP segmentation. */
const TSO = TUN_CHECKSUM | TUN_TSO4 | TUN_TSO6;
const OFFLOADS = [TSO | TUN_USO4 | TUN_USO6, TSO, TUN_CHECKSUM];

/** As `holdfast status` shows it. */
export function describeOffload(offloads: number): string {
  if ((offloads & TSO) !== TSO) return (offloads & TUN_CHECKSUM) !== 0 ? "csum" : "plain";
  return (offloads & TUN_USO4) !== 0 ? "tso+gro+uso" : "tso+gro";
}

export class Tun implements Disposable {
  readonly #device: Descriptor;
  readonly #reading: HeadedVectors;
  readonly #writing: HeadedVectors;
  readonly #hasHeader: boolean;

  /** Takes over `fd`, a queue that is already attached to interface `name`. */
  constructor(
    fd: number,
    readonly name: string,
  ) {
    this.#device = new Descriptor(fd);
    const flags = interfaceFlags(fd);
    // One that was deleted meanwhile is made again as it was: with the header, wherever there is one.
    // So has what is no TUN at all and stands in place of one (packet-pair.ts).
    this.#hasHeader = flags < 0 || (flags & IFF_VNET_HDR) !== 0;
    this.#reading = new HeadedVectors(this.#hasHeader ? VNET_OCTETS : 0);
    this.#writing = new HeadedVectors(this.#hasHeader ? VNET_OCTETS : 0);
  }

  get fd(): number {
    return this.#device.fd;
  }

  /** Each packet has a virtio_net_hdr before it; `read` and `write` leave it out. */
  get hasHeader(): boolean {
    return this.#hasHeader;
  }

  /**
   * One packet into `buffer[offset..end)`: its octets, or -errno. EAGAIN when there is none, EIO while
   * the interface is down, EBADFD once it was deleted. A longer packet is cut off: give room for the MTU.
   */
  read(buffer: Uint8Array, offset = 0, end = buffer.byteLength): number {
    const vectors = this.#reading;
    if (!vectors.point(buffer, offset, end)) return -EINVAL;
    return vectors.packetOctets(readv(this.#device.fd, vectors.first, vectors.count));
  }

  /** Writes the one packet `packet[offset..end)`: its octets, or -errno as `read`. */
  write(packet: Uint8Array, offset: number, end: number): number {
    const vectors = this.#writing;
    if (!vectors.point(packet, offset, end)) return -EINVAL;
    return vectors.packetOctets(writev(this.#device.fd, vectors.first, vectors.count));
  }

  /** One packet with its header to `address`, at most `octets`: how many, or -errno as `read`. */
  readWhole(address: Address, octets: number): number {
    return read(this.#device.fd, address, octets);
  }

  /** One packet with its header, gathered from `count` iovecs: its octets, or -errno as `read`. */
  writeWhole(vectors: Address, count: number): number {
    return writev(this.#device.fd, vectors, count);
  }

  /**
   * Lets reads be many packets with checksums left out, as far as the kernel takes `wanted` (TUN_ flags;
   * 0: single whole ones). What is in force. It holds for all queues of the interface, until the next.
   */
  setOffload(wanted: number): number {
    if (!this.#hasHeader) return 0;
    for (const offloads of OFFLOADS) {
      if ((offloads & wanted) !== offloads) continue;
      if (ioctl(this.#device.fd, TUNSETOFFLOAD, offloads as Address) >= 0) return offloads;
    }
    ioctl(this.#device.fd, TUNSETOFFLOAD, 0 as Address);
    return 0;
  }

  watch(callback: () => void): Disposable | OsError {
    return this.#device.watch(callback);
  }

  /** False once the interface was deleted under us. */
  get attached(): boolean {
    return interfaceFlags(this.#device.fd) >= 0;
  }

  /** The interface goes with the last descriptor of it, a worker's included. */
  [Symbol.dispose](): void {
    this.#device[Symbol.dispose]();
  }
}

/** Or -errno: EBADFD once the interface was deleted, ENOTTY of what never was a TUN. */
function interfaceFlags(fd: number): number {
  const request = new Memory(IFREQ_OCTETS);
  const result = ioctl(fd, TUNGETIFF, request.address);
  if (result < 0) return result;
  return request.view.getUint16(INTERFACE_NAME_OCTETS, true);
}

/** True of a name the kernel takes literally and every tool prints unquoted. */
export function isInterfaceName(name: string): boolean {
  return /^[A-Za-z0-9_.-]{1,15}$/.test(name) && name !== "." && name !== "..";
}

export type TunOptions = {
  /** The interface's name; must be new unless this is a `further` queue of it. */
  readonly name: string;
  /** By default it has one only. */
  readonly queue?: "only" | "first" | "further";
  /**
   * An open /dev/net/tun; stays the caller's. It carries one interface at a time, and may be used again
   * once that one was deleted.
   */
  readonly fromFd?: number | undefined;
};

/** Needs CAP_NET_ADMIN (EPERM), and the device readable or passed in. EBUSY: the name is taken. */
export function openTun({ name, queue = "only", fromFd }: TunOptions): Tun | OsError {
  if (!isInterfaceName(name)) return osError("ioctl TUNSETIFF", EINVAL, `interface name ${name}`);
  const fd = openDevice(fromFd);
  if (typeof fd !== "number") return fd;
  const nonBlocking = setNonBlocking(fd);
  if (nonBlocking < 0) {
    close(fd);
    return osError("fcntl F_SETFL", nonBlocking);
  }
  const queues = queue === "only" ? 0 : IFF_MULTI_QUEUE;
  const exclusive = queue === "further" ? 0 : IFF_TUN_EXCL;
  const flags = IFF_TUN | IFF_NO_PI | queues | exclusive;
  let result = attach(fd, name, flags | IFF_VNET_HDR);
  // EINVAL: a kernel, or what passes for one in some containers, without that header.
  if (result === -EINVAL) result = attach(fd, name, flags);
  if (result < 0) {
    close(fd);
    return osError("ioctl TUNSETIFF", result, name);
  }
  return new Tun(fd, name);
}

function attach(fd: number, name: string, flags: number): number {
  const request = new Memory(IFREQ_OCTETS);
  request.octets.set(Buffer.from(name, "latin1"));
  request.view.setUint16(INTERFACE_NAME_OCTETS, flags, true);
  const result = ioctl(fd, TUNSETIFF, request.address);
  if (result < 0 || (flags & IFF_VNET_HDR) === 0) return result;
  const size = new Memory(4);
  size.view.setInt32(0, VNET_OCTETS, true);
  return ioctl(fd, TUNSETVNETHDRSZ, size.address);
}

function openDevice(fromFd: number | undefined): number | OsError {
  if (fromFd !== undefined) {
    const fd = duplicate(fromFd);
    return fd < 0 ? osError("fcntl F_DUPFD_CLOEXEC", fd, TUN_DEVICE) : fd;
  }
  try {
    return openSync(TUN_DEVICE, constants.O_RDWR | constants.O_NONBLOCK);
  } catch (error) {
    return fromNodeError(`open ${TUN_DEVICE}`, error);
  }
}

/** An unattached /dev/net/tun, opened while that is still allowed, to be handed on as `fromFd`. */
export function openTunDevice(): Descriptor | OsError {
  const fd = openDevice(undefined);
  return typeof fd === "number" ? new Descriptor(fd) : fd;
}
