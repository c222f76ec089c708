// A connection of the tunnel's own stack as a stream of Node's: half-closed as TCP is, held back both
// ways at its buffers' bounds.
import { Duplex } from "node:stream";
import { proxy as limits } from "../limits.js";
import type { ClosedWhy, TcpConnection, TcpEvent } from "./tcp/contract.js";

const READ_OCTETS = 16_384;

/** As node:net names such an end. */
const codes: Readonly<Record<Exclude<ClosedWhy, "finished">, string>> = {
  refused: "ECONNREFUSED",
  unreachable: "EHOSTUNREACH",
  reset: "ECONNRESET",
  "timed-out": "ETIMEDOUT",
  aborted: "ECONNABORTED",
  stopped: "ENETDOWN",
};

export class TcpStreamError extends Error {
  override readonly name = "TcpStreamError";
  readonly code: string;

  constructor(readonly why: Exclude<ClosedWhy, "finished">) {
    super(`connection through the session: ${why}`);
    this.code = codes[why];
  }
}

export class TcpStream extends Duplex {
  readonly #connection: TcpConnection;
  #unwritten: { readonly octets: Uint8Array; at: number; readonly done: () => void } | undefined;
  /** Node asked for more, and has not been given enough since. */
  #wanted = false;
  #peerEnded = false;
  #over = false;

  /** Of one that is connected. */
  constructor(connection: TcpConnection) {
    super({ allowHalfOpen: true, highWaterMark: limits.waitingOctetsMax });
    this.#connection = connection;
    connection.onEvent = (event) => this.#handle(event);
  }

  override _read(): void {
    this.#wanted = true;
    this.#take();
  }

  override _write(octets: Uint8Array, _encoding: string, done: () => void): void {
    this.#unwritten = { octets, at: 0, done };
    this.#give();
  }

  override _final(done: () => void): void {
    this.#connection.end();
    done();
  }

  /** RST, unless both sides have ended: then the stack sees to what is still on its way. */
  override _destroy(failure: Error | null, done: (failure: Error | null) => void): void {
    this.#connection.onEvent = undefined;
    this.#unwritten = undefined;
    if (!this.#over && !(this.#peerEnded && this.writableFinished)) this.#connection.abort();
    done(failure);
  }

  /** What node:http asks of its sockets; there is nothing here for it to set. */
  setTimeout(): this {
    return this;
  }
  setNoDelay(on = true): this {
    this.#connection.noDelay = on;
    return this;
  }
  setKeepAlive(): this {
    return this;
  }

  #handle(event: TcpEvent): void {
    switch (event.kind) {
      case "connected":
        return;
      case "readable":
        return this.#take();
      case "writable":
        return this.#give();
      case "ended":
        this.#peerEnded = true;
        return this.#take();
      case "closed":
        this.#over = true;
        if (event.why !== "finished") return void this.destroy(new TcpStreamError(event.why));
        this.#peerEnded = true;
        return this.#take();
    }
  }

  /** As much as Node wants: what it asked for once and was not given, it never asks for again. */
  #take(): void {
    while (this.#wanted && !this.destroyed) {
      const octets = this.#connection.read(READ_OCTETS);
      if (octets === undefined && !this.#peerEnded) return;
      this.#wanted = this.push(octets ?? null);
    }
  }

  #give(): void {
    const unwritten = this.#unwritten;
    if (unwritten === undefined) return;
    const { octets, done } = unwritten;
    unwritten.at += this.#connection.write(octets.subarray(unwritten.at));
    if (unwritten.at < octets.length) return;
    this.#unwritten = undefined;
    done();
  }
}
