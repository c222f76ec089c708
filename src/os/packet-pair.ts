// What stands in place of a TUN where nobody may make one: two connected sockets. Each read and each
// write is one whole IP packet with a virtio_net_hdr before it, as a TUN has it (wire/tcp-run.ts); the
// far end is the data worker's.
import { lease } from "../base/lease.js";
import type { Scope } from "../base/scope.js";
import { Descriptor } from "./descriptor.js";
import { EINVAL, isOsError, type OsError, osError } from "./errors.js";
import {
  BufferAddress,
  close,
  read,
  setNonBlocking,
  setSocketNumber,
  socketPair,
  write,
} from "./libc.js";

const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_SNDBUFFORCE = 32;
/**
 * A window of the client's own TCP in single packets. Without CAP_NET_ADMIN the kernel takes no more than
 * net.core.wmem_max; what has no room is dropped, as by a full link.
 */
const BUFFER_OCTETS = 1024 * 1024;

export class PacketPort implements Disposable {
  readonly #socket: Descriptor;
  readonly #reading = new BufferAddress();
  readonly #writing = new BufferAddress();
  /** The far end takes a run of a TCP stream's segments as one packet: its lane is there. */
  takesRuns = false;

  /** Takes over `fd`. */
  constructor(fd: number) {
    this.#socket = new Descriptor(fd);
  }

  get fd(): number {
    return this.#socket.fd;
  }

  /** One packet into `buffer`: octets in all, or -errno (EAGAIN: none there). A longer one is cut off. */
  read(buffer: Uint8Array): number {
    const address = this.#reading.of(buffer, 0, buffer.byteLength);
    return address === -1 ? -EINVAL : read(this.#socket.fd, address, buffer.byteLength);
  }

  /** Writes one packet: octets in all, or -errno (EAGAIN: the other end does not keep up). */
  write(packet: Uint8Array): number {
    const address = this.#writing.of(packet, 0, packet.byteLength);
    return address === -1 ? -EINVAL : write(this.#socket.fd, address, packet.byteLength);
  }

  watch(callback: () => void): Disposable | OsError {
    return this.#socket.watch(callback);
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }
}

export type PacketPair = {
  readonly port: PacketPort;
  /** For the data worker, as its TUN. */
  readonly far: number;
};

/** Both ends are held by `scope`; needs no privilege. */
export function openPacketPair(scope: Scope): PacketPair | OsError {
  const pair = socketPair("datagram");
  if (isOsError(pair)) return pair;
  const [near, far] = pair;
  const port = new PacketPort(near);
  scope.hold("socket", port, "packets");
  scope.hold(
    "socket",
    lease(() => void close(far)),
    "packets for the data worker",
  );
  for (const fd of pair) {
    const result = setNonBlocking(fd);
    if (result < 0) return osError("fcntl F_SETFL", result);
    const forced = setSocketNumber(fd, SOL_SOCKET, SO_SNDBUFFORCE, BUFFER_OCTETS);
    const grown = forced < 0 ? setSocketNumber(fd, SOL_SOCKET, SO_SNDBUF, BUFFER_OCTETS) : forced;
    if (grown < 0) return osError("setsockopt SO_SNDBUF", grown);
  }
  return { port, far };
}
