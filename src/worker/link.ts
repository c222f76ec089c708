// The worker's end of the link: commands in, events out, both bounded.
import { Socket } from "node:net";
import { worker as limits } from "../limits.js";
import type { PlaneCommand, PlaneEvent } from "../wire/worker-link.js";
import { decodeCommand, encodeEvent } from "../wire/worker-link-codec.js";
import { LinkFramer } from "../wire/worker-link-framer.js";

export class WorkerLink {
  readonly #socket: Socket;
  readonly #framer = new LinkFramer(limits.messageOctetsMax);

  /** `onEnd` is called once, with 0 when the other end closed and 3 when it wrote nonsense. */
  constructor(
    fd: number,
    readonly onCommand: (command: PlaneCommand) => void,
    readonly onEnd: (exitCode: number) => void,
  ) {
    this.#socket = new Socket({ fd, readable: true, writable: true });
    this.#socket.on("data", (chunk) => this.#read(chunk));
    this.#socket.on("error", () => onEnd(0));
    this.#socket.on("close", () => onEnd(0));
  }

  /** False when the event is too large or too much waits already; control frames give way first. */
  emit(event: PlaneEvent): boolean {
    const message = encodeEvent(event, limits.messageOctetsMax);
    if (message === undefined) return false;
    const most = event.kind === "Frame" ? limits.frameOctetsMax : limits.queueOctetsMax;
    if (this.#socket.writableLength + message.length > most) return false;
    this.#socket.write(message);
    return true;
  }

  /** Writes what is queued, then calls back; nothing is read any more. */
  finish(done: () => void): void {
    this.#socket.end(done);
  }

  #read(chunk: Uint8Array): void {
    this.#framer.push(chunk);
    for (let result = this.#framer.next(); ; result = this.#framer.next()) {
      if (result.kind === "need-more") return;
      if (result.kind === "malformed") return this.onEnd(3);
      const command = decodeCommand(result.octets);
      if (!command.ok) return this.onEnd(3);
      this.onCommand(command.value);
    }
  }
}
