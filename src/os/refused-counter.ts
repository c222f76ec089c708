// Counts what classic filters refuse, which they themselves cannot: a packet(7) socket that is given
// just that and is never read. The kernel counts what came to it, whether or not its queue had room.
import { Descriptor } from "./descriptor.js";
import { type OsError, osError } from "./errors.js";
import { malformedGreFilter } from "./gre-filter-classic.js";
import {
  bindSocket,
  getSocketOption,
  Memory,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  setSocketNumber,
  socket,
} from "./libc.js";
import { attachFilter } from "./socket-filter.js";

const AF_PACKET = 17;
const SOCK_DGRAM = 2;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SOL_PACKET = 263;
const PACKET_STATISTICS = 6;
const ETH_P_IP = 0x0800;
const SOCKADDR_LL_OCTETS = 20;

export class RefusedCounter implements Disposable {
  readonly #socket: Descriptor;
  readonly #statistics = new Memory(8);
  #count = 0;

  private constructor(fd: number) {
    this.#socket = new Descriptor(fd);
  }

  /** Needs CAP_NET_RAW, and that AF_PACKET is let. */
  static open(): RefusedCounter | OsError {
    // Protocol 0: nothing comes before the filter is there.
    const fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return osError("socket AF_PACKET", fd);
    const counter = new RefusedCounter(fd);
    const anywhere = new Memory(SOCKADDR_LL_OCTETS);
    anywhere.view.setUint16(0, AF_PACKET, true);
    anywhere.view.setUint16(2, ETH_P_IP, false);
    const steps: [string, () => number][] = [
      ["setsockopt SO_ATTACH_FILTER", () => attachFilter(fd, malformedGreFilter())],
      ["setsockopt SO_RCVBUF", () => setSocketNumber(fd, SOL_SOCKET, SO_RCVBUF, 0)],
      ["bind AF_PACKET", () => bindSocket(fd, anywhere)],
    ];
    for (const [call, step] of steps) {
      const result = step();
      if (result >= 0) continue;
      counter[Symbol.dispose]();
      return osError(call, result);
    }
    return counter;
  }

  /** Datagrams since it was opened. */
  count(): number {
    // Asking sets the kernel's own count to 0.
    const asked = getSocketOption(this.#socket.fd, SOL_PACKET, PACKET_STATISTICS, this.#statistics);
    if (asked >= 0) this.#count += this.#statistics.view.getUint32(0, true);
    return this.#count;
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }
}
