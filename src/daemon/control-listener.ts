// TCP 1723 (RFC 2637 §3.1.1): sockets in, octets to the core, octets and closes out.
import type { createServer, Server as NetServer, Socket } from "node:net";
import type { Counters } from "../base/counters.js";
import { formatIpv4, type Ipv4, parseIpv4 } from "../base/ip.js";
import { lease } from "../base/lease.js";
import type { Scope } from "../base/scope.js";
import type { Guard } from "../core/guard/guard.js";
import type { ConnectionId, Transmission } from "../core/server-ports.js";
import type { BusynessWatch } from "./busy.js";
import type { CoreLoop } from "./core-loop.js";

export type ListenProblem = {
  readonly address: string;
  readonly code: string;
  readonly remedy: string;
};

/** One accepted connection; the socket is its lease. */
class Entry implements Disposable {
  resume: NodeJS.Timeout | undefined;

  constructor(
    readonly id: ConnectionId,
    readonly socket: Socket,
    readonly scope: Scope,
  ) {}

  [Symbol.dispose](): void {
    clearTimeout(this.resume);
    this.socket.destroy();
  }
}

export type CreateServer = (
  ...terms: [{ noDelay: boolean; pauseOnConnect: boolean }, (socket: Socket) => void]
) => ReturnType<typeof createServer>;

export type ControlListenerOptions = {
  readonly createServer: CreateServer;
  /** `0.0.0.0` stands for all. */
  readonly addresses: readonly Ipv4[];
  readonly port: number;
  /** Below the descriptor limit: node:net hides EMFILE, so it must never come to it. */
  readonly connectionsMax: number;
  /** So many above that, while those who gave way are being closed. */
  readonly connectionsLeavingMax: number;
  /** What the kernel holds between two accepts. */
  readonly acceptQueueMax: number;
  readonly guard: Guard;
  readonly busyness: BusynessWatch;
  readonly scope: Scope;
  readonly reasons: Counters;
};

export class ControlListener {
  readonly #entries = new Map<ConnectionId, Entry>();
  readonly #options: ControlListenerOptions;
  #loop: CoreLoop | undefined;
  #nextId = 1;
  /** Open, those included that the core has done with: each still is a descriptor. */
  #open = 0;
  #roomWanted = false;
  readonly #failed = () => this.#options.reasons.add("socket-error");

  constructor(options: ControlListenerOptions) {
    this.#options = options;
  }

  get connections(): number {
    return this.#open;
  }

  /** Opens every listening socket; those that cannot be had come back as problems. */
  async listen(loop: CoreLoop): Promise<ListenProblem[]> {
    this.#loop = loop;
    this.#options.scope.hold("timer", this.#options.busyness, "busy");
    const problems: ListenProblem[] = [];
    for (const address of this.#options.addresses) {
      const server = this.#options.createServer(
        { noDelay: true, pauseOnConnect: false },
        (socket) => this.#accept(socket),
      );
      const problem = await this.#bind(server, address);
      if (problem === undefined) {
        this.#options.scope.hold(
          "listener",
          lease(() => server.close()),
          `${formatIpv4(address)}:${this.#options.port}`,
        );
      } else problems.push(problem);
    }
    return problems;
  }

  transmit(transmission: Transmission): void {
    const entry = this.#entries.get(transmission.connection);
    if (entry === undefined) return;
    if (transmission.kind === "Close") {
      // The FIN follows what was written; a peer that does not answer it is cut off: at once where
      // its descriptor is wanted.
      if (this.#roomWanted) entry.socket.destroySoon();
      else entry.socket.end();
      this.#entries.delete(transmission.connection);
      entry.scope.hold(
        "timer",
        clearing(setTimeout(() => entry.socket.destroy(), lingerMs)),
        "linger",
      );
      return;
    }
    entry.socket.write(transmission.octets);
    const unsent = entry.socket.writableLength;
    if (unsent > 0) {
      this.#loop?.input((server, now) => server.handleUnsent(transmission.connection, unsent, now));
    }
  }

  #bind(server: NetServer, address: Ipv4): Promise<ListenProblem | undefined> {
    const { port, acceptQueueMax: backlog } = this.#options;
    return new Promise((resolve) => {
      server.once("error", (error: NodeJS.ErrnoException) => {
        resolve({
          address: formatIpv4(address),
          code: error.code ?? "?",
          remedy: remedyFor(error),
        });
      });
      server.listen({ host: formatIpv4(address), port, backlog }, () => {
        server.removeAllListeners("error");
        server.on("error", () => this.#options.reasons.add("accept-failed"));
        resolve(undefined);
      });
    });
  }

  #accept(socket: Socket): void {
    const { busyness, scope } = this.#options;
    busyness.stir();
    const localAddress = parseIpv4(socket.localAddress ?? "");
    const peerAddress = parseIpv4(socket.remoteAddress ?? "");
    if (localAddress === undefined || peerAddress === undefined) {
      return this.#reset(socket, "accept-gone");
    }
    const refused = this.#refuses(peerAddress);
    if (refused !== undefined) return this.#reset(socket, refused);
    const id = this.#nextId++ as ConnectionId;
    const own = scope.child("connection", id);
    const entry = new Entry(id, socket, own);
    own.hold("socket", entry, `${formatIpv4(peerAddress)}:${socket.remotePort ?? 0}`);
    this.#entries.set(id, entry);
    this.#open++;
    socket.on("error", this.#failed);
    socket.on("data", (octets: Uint8Array) => this.#handleData(entry, octets));
    socket.on("drain", () => this.#loop?.input((server, now) => server.handleUnsent(id, 0, now)));
    socket.on("close", () => {
      this.#open--;
      this.#entries.delete(id);
      own[Symbol.dispose]();
      this.#loop?.input((server, now) => server.handleDisconnected(id, now));
    });
    this.#loop?.input((server, now) => server.handleConnected(id, localAddress, peerAddress, now));
  }

  /** The guard first: what is refused for its source must not count against the room for all. */
  #refuses(peerAddress: Ipv4): string | undefined {
    const { guard, connectionsMax, connectionsLeavingMax } = this.#options;
    const refused = guard.refusesConnection(peerAddress, this.#loop?.clock() ?? 0);
    if (refused !== undefined || this.#open < connectionsMax) return refused;
    const leaves = this.#open < connectionsMax + connectionsLeavingMax;
    if (leaves && this.#makesRoom(peerAddress)) return undefined;
    guard.turnedAway(peerAddress);
    return "connections-max";
  }

  /** Sessions may have nearly all there is: silent strangers must not keep the rest. */
  #makesRoom(peerAddress: Ipv4): boolean {
    let made = false;
    this.#roomWanted = true;
    this.#loop?.input((server, now) => {
      made = server.makeRoom(peerAddress, now);
    });
    this.#roomWanted = false;
    return made;
  }

  #reset(socket: Socket, reason: string): void {
    this.#options.reasons.add(reason);
    socket.on("error", () => {});
    socket.resetAndDestroy();
  }

  #handleData(entry: Entry, octets: Uint8Array): void {
    const { id } = entry;
    const loop = this.#loop;
    if (loop === undefined) return;
    // No Buffer: its slice() is a view, which would keep the whole chunk.
    const plain = new Uint8Array(octets.buffer, octets.byteOffset, octets.length);
    loop.input((server, now) => server.handleOctets(id, plain, now));
    const until = loop.server.readingPausedUntil(id);
    if (until === undefined) return;
    const ms = until - loop.clock();
    if (ms <= 0) return;
    entry.socket.pause();
    clearTimeout(entry.resume);
    entry.resume = setTimeout(() => entry.socket.resume(), ms);
  }
}

/** A peer that never answers our FIN is cut off after so long. */
const lingerMs = 2_000;

function clearing(timer: NodeJS.Timeout): Disposable {
  return lease(() => clearTimeout(timer));
}

function remedyFor(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case "EADDRINUSE":
      return "another server (pptpd, accel-ppp, another holdfast?) listens there: stop it, or change listen.port";
    case "EADDRNOTAVAIL":
      return "this host has no such address: change listen.addresses";
    case "EACCES":
      return "a port below 1024 needs root or CAP_NET_BIND_SERVICE: change listen.port";
    default:
      return error.message;
  }
}
