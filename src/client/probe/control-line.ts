// One control connection of a probe's: messages are sent and waited for one by one, with no machine
// between, since what is asked about is what a machine would not send.
import { connect, type Socket } from "node:net";
import { formatIpv4, type Ipv4, parseIpv4 } from "../../base/ip.js";
import type { Scope } from "../../base/scope.js";
import { Framer } from "../../core/pptp/framer.js";
import { probe as bounds, client } from "../../limits.js";
import { monotonicNow } from "../../os/clock.js";
import { fromNodeError, type OsError, osError } from "../../os/errors.js";
import {
  type ControlMessage,
  type ControlMessageKind,
  decodeControlMessage,
  encodeControlMessage,
} from "../../wire/pptp/index.js";
import { Inbox } from "./inbox.js";

/** `closed` and `malformed` are the last that comes. */
export type Heard =
  | { readonly kind: "message"; readonly message: ControlMessage }
  | { readonly kind: "closed" | "malformed" | "silent" };

export class ControlLine implements Disposable {
  readonly #inbox = new Inbox<Heard>();
  readonly #framer = new Framer();
  #over: Heard | undefined;

  private constructor(
    readonly socket: Socket,
    /** TCP's handshake. */
    readonly connectMs: number,
  ) {
    socket.on("data", (octets: Uint8Array) => this.#take(octets));
    socket.on("error", () => {});
    socket.once("close", () => this.#end({ kind: "closed" }));
  }

  static open(server: Ipv4, port: number, scope: Scope): Promise<ControlLine | OsError> {
    const where = `connect to ${formatIpv4(server)}:${port}`;
    const begun = monotonicNow();
    const socket = connect({ host: formatIpv4(server), port, noDelay: true });
    return new Promise((resolve) => {
      const fail = (failure: OsError) => {
        clearTimeout(timer);
        socket.destroy();
        resolve(failure);
      };
      const late = `no answer for ${client.dialMs / 1_000} s`;
      const timer = setTimeout(() => fail(osError(where, "ETIMEDOUT", late)), client.dialMs);
      const refused = (error: Error) => fail(fromNodeError(where, error));
      socket.once("error", refused);
      socket.once("connect", () => {
        clearTimeout(timer);
        socket.off("error", refused);
        const line = new ControlLine(socket, monotonicNow() - begun);
        scope.hold("socket", line, `${formatIpv4(server)}:${port}`);
        resolve(line);
      });
    });
  }

  get localAddress(): Ipv4 {
    return parseIpv4(this.socket.localAddress ?? "") ?? 0;
  }

  get closed(): boolean {
    return this.#over !== undefined;
  }

  send(message: ControlMessage): void {
    this.sendOctets(encodeControlMessage(message));
  }

  sendOctets(octets: Uint8Array): void {
    if (!this.closed) this.socket.write(octets);
  }

  async hear(ms: number): Promise<Heard> {
    const heard = await this.#inbox.next(this.closed ? 0 : ms);
    return heard ?? this.#over ?? { kind: "silent" };
  }

  /** Waits for one of `kinds`, answering Echo-Requests meanwhile; anything else is passed over. */
  async await(ms: number, ...kinds: ControlMessageKind[]): Promise<Heard> {
    const end = monotonicNow() + ms;
    for (let heards = 0; heards < bounds.inboxMax; heards++) {
      const heard = await this.hear(end - monotonicNow());
      if (heard.kind !== "message") return heard;
      const { message } = heard;
      if (kinds.includes(message.kind)) return heard;
      if (message.kind === "EchoRequest") {
        const { identifier } = message;
        this.send({ kind: "EchoReply", identifier, resultCode: 1, errorCode: 0 });
      }
    }
    return { kind: "silent" };
  }

  /** Takes leave: the server clears whatever call there is (RFC 2637 §3.1). */
  async stop(): Promise<void> {
    if (!this.closed) {
      this.send({ kind: "StopControlConnectionRequest", reason: 1 });
      await this.await(bounds.stopMs, "StopControlConnectionReply");
    }
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  #take(octets: Uint8Array): void {
    if (this.closed) return;
    this.#framer.feed(octets);
    for (let frame = this.#framer.next(); frame.kind !== "need-more"; frame = this.#framer.next()) {
      const read = frame.kind === "message" ? decodeControlMessage(frame.octets) : frame.malformed;
      if (!read.ok) {
        this.#end({ kind: "malformed" });
        return void this.socket.destroy();
      }
      this.#inbox.put({ kind: "message", message: read.value });
    }
  }

  #end(how: Heard): void {
    if (this.closed) return;
    this.#over = how;
    this.#inbox.put(how);
  }
}
