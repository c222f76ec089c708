// The proxies of one client: they listen for as long as it runs, and lead through whatever session it
// has at the moment.
import type { Server as HttpServer } from "node:http";
import { createServer, type Server, type Socket } from "node:net";
import { formatIpv4, type Ipv4 } from "../../base/ip.js";
import { lease } from "../../base/lease.js";
import type { Ledger } from "../../base/ledger.js";
import { Scope } from "../../base/scope.js";
import { proxy as limits } from "../../limits.js";
import { fromNodeError, isOsError, type OsError } from "../../os/errors.js";
import type { Way } from "../tunnel.js";
import type { Association } from "./association.js";
import { httpProxy } from "./http-proxy.js";
import { SocksClient } from "./socks-client.js";

export type Listen = { readonly address: Ipv4; readonly port: number };
export type ProxyWish = { readonly socks?: Listen; readonly http?: Listen };
export type Listening = { readonly socks?: Listen; readonly http?: Listen };

/** Reachable by nobody but this host's own programs. */
export function isLoopback({ address }: Listen): boolean {
  return address >>> 24 === 127;
}

export function placeText({ address, port }: Listen): string {
  return `${formatIpv4(address)}:${port}`;
}

export class Proxies {
  readonly #scope: Scope;
  /** Programs connected now, and what each of them holds. */
  readonly #clients = new Map<Socket, Scope>();
  readonly #associations = new Set<Association>();
  readonly #servers: Server[] = [];
  #way: Way | undefined;
  #listening: Listening = {};
  /** Connections closed at once since there were too many. */
  refused = 0;

  private constructor(ledger: Ledger) {
    this.#scope = new Scope("proxies", ledger);
  }

  /** Port 0 is one that is free: `listening` says which. */
  static async open(wish: ProxyWish, ledger: Ledger): Promise<Proxies | OsError> {
    const proxies = new Proxies(ledger);
    const way = () => proxies.#way;
    const shared = { way, associations: proxies.#associations };
    const socks = () =>
      createServer({ allowHalfOpen: true }, (socket) => {
        const own = proxies.#clients.get(socket);
        if (own !== undefined) new SocksClient(socket, own, shared);
      });
    for (const [kind, make] of [
      ["socks", socks],
      ["http", () => httpProxy(way)],
    ] as const) {
      const wished = wish[kind];
      if (wished === undefined) continue;
      const port = await proxies.#listen(make(), wished);
      if (isOsError(port)) {
        await proxies.close();
        return port;
      }
      proxies.#listening = { ...proxies.#listening, [kind]: { address: wished.address, port } };
    }
    return proxies;
  }

  /** Leads through `way` from now on; undefined: there is no session, and programs are told so. */
  use(way: Way | undefined): void {
    this.#way = way;
  }

  get listening(): Listening {
    return this.#listening;
  }

  /** Programs connected now. */
  get size(): number {
    return this.#clients.size;
  }

  async close(): Promise<void> {
    this.#way = undefined;
    const closed = this.#servers.splice(0).map((server) => {
      return new Promise<void>((resolve) => server.once("close", resolve));
    });
    this.#scope[Symbol.dispose]();
    await Promise.all(closed);
  }

  #listen(server: Server | HttpServer, place: Listen): Promise<number | OsError> {
    const { address, port } = place;
    const where = `listen on ${placeText(place)}`;
    // Before the server's own listener: one too many is never served.
    server.prependListener("connection", (socket: Socket) => this.#take(socket));
    return new Promise((resolve) => {
      server.on("error", (error) => resolve(fromNodeError(where, error)));
      server.listen(port, formatIpv4(address), () => {
        this.#servers.push(server);
        this.#scope.hold(
          "socket",
          lease(() => server.close()),
          where,
        );
        const own = server.address();
        resolve(typeof own === "object" && own !== null ? own.port : port);
      });
    });
  }

  #take(socket: Socket): void {
    if (this.#clients.size >= limits.clientsMax) {
      this.refused++;
      socket.resetAndDestroy();
      return;
    }
    const own = this.#scope.child("program");
    const from = `${socket.remoteAddress}:${socket.remotePort}`;
    own.hold(
      "socket",
      lease(() => socket.destroy()),
      from,
    );
    this.#clients.set(socket, own);
    socket.once("close", () => {
      this.#clients.delete(socket);
      own[Symbol.dispose]();
    });
  }
}
