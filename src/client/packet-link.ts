// The packets of a session without a TUN, as this process reads and writes them: a bounded number a
// turn, held back while the user of them or the data worker does not keep up.
import { VNET_OCTETS } from "../base/kernel-layout.js";
import { client as limits } from "../limits.js";
import { EAGAIN, EINTR, isOsError, type OsError } from "../os/errors.js";
import type { PacketPort } from "../os/packet-pair.js";
import { segmentOctetsOf } from "../wire/tcp-run.js";

/** The largest IP packet, and its header. */
const WHOLE_OCTETS_MAX = VNET_OCTETS + 65_535;

export type PacketUser = {
  /**
   * Good until the next one. `segmentOctets` above 0: a run of a TCP stream's segments of so many octets,
   * whose checksums were right and are left out. False: no more until `resume`.
   */
  packet(packet: Uint8Array, segmentOctets: number): boolean;
  /** The packets of this turn have been given. */
  turned?(): void;
  /** There may be room again for what `send` refused. */
  room?(): void;
};

export class PacketLink implements Disposable {
  readonly #port: PacketPort;
  readonly #user: PacketUser;
  readonly #buffer = new Uint8Array(WHOLE_OCTETS_MAX);
  #watch: Disposable | undefined;
  #retry: NodeJS.Timeout | undefined;
  #ended = false;

  private constructor(port: PacketPort, user: PacketUser) {
    this.#port = port;
    this.#user = user;
  }

  static open(port: PacketPort, user: PacketUser): PacketLink | OsError {
    const link = new PacketLink(port, user);
    return link.resume() ?? link;
  }

  /**
   * A packet with its header, as TcpRun makes it. False when the data worker's socket is full: `room` is
   * called, and the packet is still yours.
   */
  send(packet: Uint8Array): boolean {
    // Whatever else was refused has no later moment: it is lost, as on any link.
    if (this.#port.write(packet) !== -EAGAIN) return true;
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      this.#user.room?.();
    }, limits.packetRetryMs);
    return false;
  }

  pause(): void {
    this.#watch?.[Symbol.dispose]();
    this.#watch = undefined;
  }

  /** Takes packets again; undefined, or why that cannot be. */
  resume(): OsError | undefined {
    if (this.#watch !== undefined || this.#ended) return undefined;
    const watch = this.#port.watch(() => this.#read());
    if (isOsError(watch)) return watch;
    this.#watch = watch;
    return undefined;
  }

  [Symbol.dispose](): void {
    this.#ended = true;
    this.pause();
    clearTimeout(this.#retry);
    this.#retry = undefined;
  }

  #read(): void {
    for (let packets = 0; packets < limits.turnPacketsMax && this.#watch !== undefined; packets++) {
      const octets = this.#port.read(this.#buffer);
      if (octets === -EINTR) continue;
      if (octets <= VNET_OCTETS) break;
      const packet = this.#buffer.subarray(VNET_OCTETS, octets);
      if (!this.#user.packet(packet, segmentOctetsOf(this.#buffer))) this.pause();
    }
    this.#user.turned?.();
  }
}
