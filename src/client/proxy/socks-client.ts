// One program's connection to the SOCKS proxy (RFC 1928, and 4A): greeting, request, then what it asked for.
// CONNECT and UDP ASSOCIATE; no log-in, since the proxy is for this host's own programs.
import type { Socket } from "node:net";
import type { Decoded } from "../../base/decoded.js";
import { type Ipv4, parseIpv4 } from "../../base/ip.js";
import { lease } from "../../base/lease.js";
import type { Scope } from "../../base/scope.js";
import { proxy as limits } from "../../limits.js";
import type { Way } from "../tunnel.js";
import { Association } from "./association.js";
import { type Failure, reach, told } from "./destination.js";
import { dismiss, join } from "./joined.js";
import {
  CMD_CONNECT,
  CMD_UDP_ASSOCIATE,
  type Destination,
  decodeGreeting,
  decodeRequest,
  encodeMethod,
  encodeReply,
  METHOD_NONE,
  METHOD_REFUSED,
  type Reply,
  type Request,
  replies,
} from "./socks-message.js";
import { decodeRequest4, encodeReply4, VERSION_4 } from "./socks4-message.js";

export type SocksShared = {
  /** The session there is now. */
  readonly way: () => Way | undefined;
  readonly associations: Set<Association>;
};

/** What differs between the versions once one is known. */
type Version = {
  readonly decode: (octets: Uint8Array) => Decoded<Request> | undefined;
  readonly reply: (reply: Reply, address?: Ipv4, port?: number) => Uint8Array;
};
const version4: Version = { decode: decodeRequest4, reply: encodeReply4 };
const version5: Version = { decode: decodeRequest, reply: encodeReply };

export class SocksClient {
  readonly #socket: Socket;
  readonly #own: Scope;
  readonly #shared: SocksShared;
  readonly #deadline: NodeJS.Timeout;
  #came: Uint8Array = new Uint8Array(0);
  #version: Version | undefined;
  readonly #hear = (octets: Uint8Array) => this.#read(octets);
  readonly #giveUp = () => void this.#socket.end();

  /** Whatever it takes beside its socket is held by `own`. */
  constructor(socket: Socket, own: Scope, shared: SocksShared) {
    this.#socket = socket;
    this.#own = own;
    this.#shared = shared;
    this.#deadline = setTimeout(() => socket.destroy(), limits.requestMs);
    socket.on("error", () => undefined);
    socket.on("close", () => clearTimeout(this.#deadline));
    socket.on("data", this.#hear);
    // Until the request is read, an end is the end; afterwards it is the connection's own.
    socket.on("end", this.#giveUp);
  }

  #read(octets: Uint8Array): void {
    this.#came = Buffer.concat([this.#came, octets]);
    this.#version ??= this.#greet();
    const request = this.#version?.decode(this.#came);
    if (request === undefined) {
      if (this.#came.length > limits.requestOctetsMax) this.#socket.destroy();
      return;
    }
    this.#deafen();
    if (!request.ok) return this.#refuse(wrong(request.field));
    this.#socket.unshift(this.#came.subarray(request.value.octets));
    void this.#serve(request.value);
  }

  /** Nothing more is read before somebody wants it. */
  #deafen(): void {
    clearTimeout(this.#deadline);
    this.#socket.off("data", this.#hear);
    this.#socket.off("end", this.#giveUp);
    this.#socket.pause();
  }

  /** Version 4 has no greeting. */
  #greet(): Version | undefined {
    if (this.#came[0] === VERSION_4) return version4;
    const greeting = decodeGreeting(this.#came);
    if (greeting === undefined) return undefined;
    if (!greeting.ok) {
      // Of another version there is no form to answer in.
      this.#socket.destroy();
      return undefined;
    }
    const { methods, octets } = greeting.value;
    if (!methods.includes(METHOD_NONE)) {
      this.#deafen();
      dismiss(this.#socket, encodeMethod(METHOD_REFUSED));
      return undefined;
    }
    this.#came = this.#came.subarray(octets);
    this.#socket.write(encodeMethod(METHOD_NONE));
    return version5;
  }

  async #serve({ command, destination, port }: Request): Promise<void> {
    if (command === CMD_CONNECT) return this.#connect(destination, port);
    if (command === CMD_UDP_ASSOCIATE && this.#version === version5) return this.#associate(port);
    this.#refuse(replies.commandNotSupported);
  }

  async #connect(destination: Destination, port: number): Promise<void> {
    const through = await this.#reach(destination, port);
    if (typeof through === "string") return this.#refuse(told[through].reply);
    if (this.#socket.destroyed) return void through.destroy();
    this.#say(replies.succeeded);
    join(this.#socket, through);
  }

  async #reach(destination: Destination, port: number) {
    if (destination.kind === "ipv6") return "ipv6" satisfies Failure;
    const host = destination.kind === "ipv4" ? destination.address : literal(destination.name);
    return reach(this.#shared.way(), host, port);
  }

  /** §7: it lives as long as the connection that asked for it. */
  async #associate(programsPort: number): Promise<void> {
    const { way, associations } = this.#shared;
    if (associations.size >= limits.associationsMax) return this.#refuse(replies.failure);
    const { localAddress = "", remoteAddress = "" } = this.#socket;
    const association = new Association(way, remoteAddress, programsPort);
    associations.add(association);
    const end = lease(() => {
      associations.delete(association);
      association[Symbol.dispose]();
    });
    this.#own.hold("socket", end, "datagrams of a program");
    const port = await association.listen(localAddress);
    if (this.#socket.destroyed) return;
    if (port === undefined) return this.#refuse(replies.failure);
    this.#say(replies.succeeded, parseIpv4(localAddress), port);
    // Nothing more is said on it.
    this.#socket.on("end", this.#giveUp);
    this.#socket.resume();
  }

  #say(reply: Reply, address?: Ipv4, port?: number): void {
    if (this.#version !== undefined) this.#socket.write(this.#version.reply(reply, address, port));
  }

  #refuse(reply: Reply): void {
    if (this.#version !== undefined) dismiss(this.#socket, this.#version.reply(reply));
  }
}

function wrong(field: string): Reply {
  return field === "ATYP" ? replies.addressNotSupported : replies.failure;
}

/** Programs send addresses as names, too. */
function literal(name: string): string | number {
  return parseIpv4(name) ?? name;
}
