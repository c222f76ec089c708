// A control connection of a peer of the storm's: messages out, messages in by their Length, nothing more.
import { connect, type Socket } from "node:net";
import { formatIpv4, type Ipv4 } from "../base/ip.js";
import {
  type ControlMessage,
  decodeControlMessage,
  encodeControlMessage,
} from "../wire/pptp/index.js";

const MESSAGE_OCTETS_MAX = 220;

export class ControlLine implements Disposable {
  readonly #socket: Socket;
  #held = new Uint8Array(0);
  #over = false;

  constructor(
    server: Ipv4,
    port: number,
    local: Ipv4,
    readonly heard: (message: ControlMessage) => void,
    readonly ended: (why: string) => void,
    connected: () => void,
  ) {
    const [host, localAddress] = [formatIpv4(server), formatIpv4(local)];
    this.#socket = connect({ host, port, localAddress, noDelay: true });
    this.#socket.once("connect", connected);
    this.#socket.on("data", (octets: Uint8Array) => this.#take(octets));
    this.#socket.on("error", ({ message }) => this.#end(message));
    this.#socket.once("close", () => this.#end("closed by the server"));
  }

  /** Of this end; 0 until it is connected. */
  get port(): number {
    return this.#socket.localPort ?? 0;
  }

  send(message: ControlMessage): void {
    this.write(encodeControlMessage(message));
  }

  write(octets: Uint8Array): void {
    if (!this.#over) this.#socket.write(octets);
  }

  cut(how: "fin" | "rst"): void {
    this.#over = true;
    if (how === "rst") this.#socket.resetAndDestroy();
    else this.#socket.destroySoon();
  }

  [Symbol.dispose](): void {
    this.#over = true;
    this.#socket.destroy();
  }

  #take(octets: Uint8Array): void {
    const all = new Uint8Array(this.#held.length + octets.length);
    all.set(this.#held);
    all.set(octets, this.#held.length);
    let at = 0;
    while (!this.#over && all.length - at >= 2) {
      const length = (all[at]! << 8) | all[at + 1]!;
      if (length > MESSAGE_OCTETS_MAX || length < 12) return this.#end("no PPTP");
      if (all.length - at < length) break;
      const read = decodeControlMessage(all.subarray(at, at + length));
      if (!read.ok) return this.#end(`malformed ${read.field}`);
      at += length;
      this.heard(read.value);
    }
    this.#held = all.slice(at);
  }

  #end(why: string): void {
    if (this.#over) return;
    this[Symbol.dispose]();
    this.ended(why);
  }
}
