// Counts what classic filters refuse, which they themselves cannot: a packet(7) socket that is given
// just that and is never read. The kernel counts what came to it, whether or not its queue had room.
import type { Descriptor } from "./descriptor.js";
import { isOsError, type OsError } from "./errors.js";
import { malformedGreFilter } from "./gre-filter-classic.js";
import { openPacketSocket, takePacketStatistics } from "./packet-socket.js";

const SO_RCVBUF = 8;
const ETH_P_IP = 0x0800;

export class RefusedCounter implements Disposable {
  #count = 0;

  private constructor(readonly socket: Descriptor) {}

  static open(): RefusedCounter | OsError {
    const socket = openPacketSocket({
      filter: malformedGreFilter(),
      etherType: ETH_P_IP,
      interfaceIndex: 0,
      options: [{ name: "SO_RCVBUF", option: SO_RCVBUF, value: 0 }],
    });
    return isOsError(socket) ? socket : new RefusedCounter(socket);
  }

  /** Datagrams since it was opened. */
  count(): number {
    this.#count += takePacketStatistics(this.socket)?.came ?? 0;
    return this.#count;
  }

  [Symbol.dispose](): void {
    this.socket[Symbol.dispose]();
  }
}
