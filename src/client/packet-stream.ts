// A session's packets as a stream of Node's: each chunk is one whole IP packet, both ways.
import { Duplex } from "node:stream";
import { client as limits } from "../limits.js";
import { describeOsError, isOsError } from "../os/errors.js";
import type { PacketPort } from "../os/packet-pair.js";
import { cutRun, TcpRun } from "../wire/tcp-run.js";
import { PacketLink } from "./packet-link.js";

export class PacketStream extends Duplex {
  readonly #link: PacketLink;
  /** What stands before each packet. */
  readonly #run = new TcpRun(false);
  #unsent: (() => void) | undefined;

  constructor(port: PacketPort) {
    super({ objectMode: true, highWaterMark: limits.packetsWaitingMax });
    const link = PacketLink.open(port, {
      packet: (packet, segmentOctets) => this.#take(packet, segmentOctets),
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
    this.#run.clear();
    this.#run.add(packet);
    if (this.#link.send(this.#run.whole())) return sent();
    this.#unsent = sent;
  }

  override _destroy(failure: Error | null, done: (failure: Error | null) => void): void {
    this.#link[Symbol.dispose]();
    this.#unsent = undefined;
    done(failure);
  }

  #take(packet: Uint8Array, segmentOctets: number): boolean {
    if (segmentOctets === 0) return this.push(packet.slice());
    // One run is bounded: the stream's own bound may be passed by it.
    return cutRun(packet, segmentOctets)
      .map((segment) => this.push(segment))
      .every(Boolean);
  }

  #sendAgain(): void {
    const sent = this.#unsent;
    if (sent === undefined || !this.#link.send(this.#run.whole())) return;
    this.#unsent = undefined;
    sent();
  }
}
