// One UDP ASSOCIATE (RFC 1928 §7): datagrams of one program to anywhere inside the session, and back.
import { createSocket, type Socket } from "node:dgram";
import { type Ipv4, isHost, parseIpv4 } from "../../base/ip.js";
import { proxy as limits } from "../../limits.js";
import { isRefusal, type UdpSocket } from "../tcp/contract.js";
import type { Way } from "../tunnel.js";
import { addressOf } from "./destination.js";
import { type DatagramHeader, decodeDatagramHeader, encodeDatagram } from "./socks-message.js";

export class Association implements Disposable {
  readonly #way: () => Way | undefined;
  /** Whose datagrams are taken; its port is what it said, or that of the first one. */
  readonly #program: string;
  readonly #socket: Socket;
  #programsPort: number | undefined;
  #through: { readonly way: Way; readonly socket: UdpSocket } | undefined;
  /** Datagrams whose name is being asked for. */
  #waiting = 0;
  #ended = false;

  constructor(way: () => Way | undefined, program: string, port: number) {
    this.#way = way;
    this.#program = program;
    if (port !== 0) this.#programsPort = port;
    this.#socket = createSocket("udp4");
    this.#socket.on("error", () => undefined);
  }

  /** The port it listens on; undefined when there is none to have. */
  listen(address: string): Promise<number | undefined> {
    return new Promise((resolve) => {
      this.#socket.once("error", () => resolve(undefined));
      this.#socket.on("message", (octets, { address: from, port }) => {
        if (from !== this.#program) return;
        this.#programsPort ??= port;
        if (port === this.#programsPort) void this.#forward(octets);
      });
      this.#socket.bind({ address, port: 0 }, () => resolve(this.#socket.address().port));
    });
  }

  [Symbol.dispose](): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#through?.socket.close();
    this.#socket.close();
  }

  /** What cannot be sent is dropped, as UDP is; fragments are (§7 allows it). */
  async #forward(octets: Uint8Array): Promise<void> {
    const header = decodeDatagramHeader(octets);
    if (!header.ok || header.value.fragment !== 0) return;
    const address = this.#address(header.value) ?? (await this.#asked(header.value));
    if (address === undefined || !isHost(address)) return;
    const socket = this.#bound();
    socket?.send(address, header.value.port, octets.subarray(header.value.octets));
  }

  /** Without asking anybody. */
  #address({ destination }: DatagramHeader): Ipv4 | undefined {
    if (destination.kind === "ipv4") return destination.address;
    if (destination.kind === "ipv6") return undefined;
    return parseIpv4(destination.name);
  }

  async #asked({ destination }: DatagramHeader): Promise<Ipv4 | undefined> {
    if (destination.kind !== "name" || this.#waiting >= limits.associationWaitingMax)
      return undefined;
    const { name } = destination;
    this.#waiting++;
    const found = await addressOf(this.#way(), name);
    this.#waiting--;
    return typeof found === "string" ? undefined : found;
  }

  /** A socket of the session there is now. */
  #bound(): UdpSocket | undefined {
    const way = this.#way();
    if (way === undefined || this.#ended) return undefined;
    if (this.#through?.way === way) return this.#through.socket;
    const socket = way.bindUdp();
    if (isRefusal(socket)) return undefined;
    socket.onEvent = () => this.#answer(socket);
    this.#through = { way, socket };
    return socket;
  }

  #answer(socket: UdpSocket): void {
    for (let came = socket.receive(); came !== undefined; came = socket.receive()) {
      if (this.#ended || this.#programsPort === undefined) continue;
      const datagram = encodeDatagram(came.remote, came.remotePort, came.octets);
      this.#socket.send(datagram, this.#programsPort, this.#program);
    }
  }
}
