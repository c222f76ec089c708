// Many control connections at once from inside the callers' namespace, and what became of each.
import { connect, type Socket } from "node:net";
import { SERVER } from "./scene.js";

export class Crowd implements Disposable {
  readonly #sockets: Socket[] = [];
  readonly #closed = new Map<Socket, string>();
  readonly #received = new Map<Socket, Buffer>();

  /** `say`: written at once by each. */
  constructor(count: number, say: Uint8Array = new Uint8Array(0), localAddress?: string) {
    for (let i = 0; i < count; i++) {
      const from = localAddress === undefined ? {} : { localAddress };
      const socket = connect({ host: SERVER, port: 1723, noDelay: true, ...from });
      if (say.length > 0) socket.write(say);
      socket.on("data", (octets: Buffer) => {
        this.#received.set(socket, Buffer.concat([this.#received.get(socket) ?? octets, octets]));
      });
      let how = "fin";
      socket.on("error", (error: NodeJS.ErrnoException) => {
        how = error.code ?? "error";
      });
      socket.on("close", () => this.#closed.set(socket, how));
      this.#sockets.push(socket);
    }
  }

  get settled(): boolean {
    return this.#sockets.every((one) => this.#closed.has(one) || !one.connecting);
  }

  get open(): number {
    return this.#sockets.filter((one) => !this.#closed.has(one) && !one.connecting).length;
  }

  /** How the closed ones ended, and how many each way. */
  get ends(): Record<string, number> {
    const ends: Record<string, number> = {};
    for (const how of this.#closed.values()) ends[how] = (ends[how] ?? 0) + 1;
    return ends;
  }

  get answered(): number {
    return this.#received.size;
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
