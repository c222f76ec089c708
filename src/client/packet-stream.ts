// A session's packets as a stream of Node's: each chunk is one whole IP packet, both ways.
import { Duplex } from "node:stream";
import { client as limits } from "../limits.js";
import { describeOsError, isOsError } from "../os/errors.js";
import type { PacketPort } from "../os/packet-pair.js";
import { PacketLink } from "./packet-link.js";

export class PacketStream extends Duplex {
  readonly #link: PacketLink;
  #unsent: { readonly packet: Uint8Array; readonly sent: () => void } | undefined;

  constructor(port: PacketPort) {
    super({ objectMode: true, highWaterMark: limits.packetsWaitingMax });
    const link = PacketLink.open(port, {
      packet: (packet) => this.push(packet),
      room: () => this.#sendAgain(),
    });
    if (isOsError(link)) throw new Error(describeOsError(link));
    this.#link = link;
  }

  override _read(): void {
    const failure = this.#link.resume();
    if (failure !== undefined) this.destroy(new Error(describeOsError(failure)));
  }

  override _write(packet: unknown, _encoding: string, sent: (failure?: Error) => void): void {
    if (!(packet instanceof Uint8Array) || packet.length === 0)
      return sent(new TypeError("a packet is a Uint8Array of one whole IP packet"));
    if (this.#link.send(packet)) return sent();
    this.#unsent = { packet, sent };
  }

  override _destroy(failure: Error | null, done: (failure: Error | null) => void): void {
    this.#link[Symbol.dispose]();
    this.#unsent = undefined;
    done(failure);
  }

  #sendAgain(): void {
    const unsent = this.#unsent;
    if (unsent === undefined || !this.#link.send(unsent.packet)) return;
    this.#unsent = undefined;
    unsent.sent();
  }
}
