// The TUN interface: whole IP packets, no Ethernet, no packet-information header.
import { constants, openSync } from "node:fs";
import { Descriptor } from "./descriptor.js";
import { EINVAL, fromNodeError, type OsError, osError } from "./errors.js";
import { BufferAddress, duplicate, ioctl, Memory, read, setNonBlocking, write } from "./libc.js";

export const TUN_DEVICE = "/dev/net/tun";
/** IFNAMSIZ, its final NUL included. */
export const INTERFACE_NAME_OCTETS = 16;

const TUNSETIFF = 0x400454ca;
const TUNGETIFF = 0x800454d2;
const IFREQ_OCTETS = 40;
const IFF_TUN = 0x0001;
const IFF_MULTI_QUEUE = 0x0100;
const IFF_NO_PI = 0x1000;
const IFF_TUN_EXCL = 0x8000;

export class Tun implements Disposable {
  readonly #device: Descriptor;
  readonly #reading = new BufferAddress();
  readonly #writing = new BufferAddress();

  /** Takes over `fd`, a queue that is already attached to interface `name`. */
  constructor(
    fd: number,
    readonly name: string,
  ) {
    this.#device = new Descriptor(fd);
  }

  get fd(): number {
    return this.#device.fd;
  }

  /**
   * One packet into `buffer[offset..end)`: its octets, or -errno. EAGAIN when there is none, EIO while
   * the interface is down, EBADFD once it was deleted. A longer packet is cut off: give room for the MTU.
   */
  read(buffer: Uint8Array, offset = 0, end = buffer.byteLength): number {
    const address = this.#reading.of(buffer, offset, end);
    return address === -1 ? -EINVAL : read(this.#device.fd, address, end - offset);
  }

  /** Writes the one packet `packet[offset..end)`: its octets, or -errno as `read`. */
  write(packet: Uint8Array, offset: number, end: number): number {
    const address = this.#writing.of(packet, offset, end);
    return address === -1 ? -EINVAL : write(this.#device.fd, address, end - offset);
  }

  watch(callback: () => void): Disposable | OsError {
    return this.#device.watch(callback);
  }

  /** False once the interface was deleted under us. */
  get attached(): boolean {
    return ioctl(this.#device.fd, TUNGETIFF, new Memory(IFREQ_OCTETS).address) >= 0;
  }

  /** The interface goes with the last descriptor of it, a worker's included. */
  [Symbol.dispose](): void {
    this.#device[Symbol.dispose]();
  }
}

/** True of a name the kernel takes literally and every tool prints unquoted. */
export function isInterfaceName(name: string): boolean {
  return /^[A-Za-z0-9_.-]{1,15}$/.test(name) && name !== "." && name !== "..";
}

export type TunOptions = {
  /** The interface's name; must be new unless `multiQueue`. */
  readonly name: string;
  readonly multiQueue?: boolean;
  /**
   * An open /dev/net/tun; stays the caller's. It carries one interface at a time, and may be used again
   * once that one was deleted.
   */
  readonly fromFd?: number | undefined;
};

/** Needs CAP_NET_ADMIN (EPERM), and the device readable or passed in. EBUSY: the name is taken. */
export function openTun({ name, multiQueue = false, fromFd }: TunOptions): Tun | OsError {
  if (!isInterfaceName(name)) return osError("ioctl TUNSETIFF", EINVAL, `interface name ${name}`);
  const fd = openDevice(fromFd);
  if (typeof fd !== "number") return fd;
  const tun = new Tun(fd, name);
  const nonBlocking = setNonBlocking(fd);
  if (nonBlocking < 0) {
    tun[Symbol.dispose]();
    return osError("fcntl F_SETFL", nonBlocking);
  }
  const request = new Memory(IFREQ_OCTETS);
  request.octets.set(Buffer.from(name, "latin1"));
  const queues = multiQueue ? IFF_MULTI_QUEUE : IFF_TUN_EXCL;
  request.view.setUint16(INTERFACE_NAME_OCTETS, IFF_TUN | IFF_NO_PI | queues, true);
  const result = ioctl(fd, TUNSETIFF, request.address);
  if (result < 0) {
    tun[Symbol.dispose]();
    return osError("ioctl TUNSETIFF", result, name);
  }
  return tun;
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
