// The admin API's Unix socket: in a directory of its own that only its owner may enter, made before
// anything listens. Whoever reaches it is the server's own user or root: there is no password.
import { chmodSync, lstatSync, unlinkSync } from "node:fs";
import type { Server } from "node:http";
import { connect, type Socket } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import type { StatePaths } from "../state-directory.js";
import { faultOfDirectory, socketFault } from "../state-directory.js";
import type { AdminPort } from "./port.js";
import { adminRoutes } from "./routes.js";

export type AdminTerms = {
  readonly connectionsMax: number;
  readonly bodyOctetsMax: number;
  readonly importOctetsMax: number;
  readonly uid: number;
  readonly broken: (failure: unknown) => void;
};

export type AdminOpening =
  | { readonly ok: true; readonly admin: AdminSocket }
  | { readonly ok: false; readonly message: string; readonly remedy: string };

/** A request, whole, from its first octet; and a connection that says nothing. */
const requestMs = 10_000;
const idleMs = 5_000;

export class AdminSocket {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #refused = 0;
  #closing: Promise<void> | undefined;

  constructor(
    server: Server,
    readonly path: string,
  ) {
    this.#server = server;
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
    server.on("drop", () => this.#refused++);
  }

  get connections(): number {
    return this.#sockets.size;
  }

  /** Connections over the bound, closed unread. */
  get refused(): number {
    return this.#refused;
  }

  /** Ends every connection and removes the socket, once; answers under way are cut after `graceMs`. */
  close(graceMs = 500): Promise<void> {
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  async #close(graceMs: number): Promise<void> {
    const closed = new Promise<void>((done) => this.#server.close(() => done()));
    this.#server.closeIdleConnections();
    const cut = setTimeout(() => this.#server.closeAllConnections(), graceMs);
    await closed;
    clearTimeout(cut);
  }
}

/** The caller holds the state directory's lock: a socket that is there already is left over. */
export async function openAdminSocket(
  port: AdminPort,
  paths: StatePaths,
  terms: AdminTerms,
): Promise<AdminOpening> {
  const unfit = faultOfDirectory(paths.adminDirectory, terms.uid) ?? socketFault(paths);
  if (unfit !== undefined) {
    return { ok: false, message: `${unfit.path}: ${unfit.fault}`, remedy: unfit.remedy };
  }
  const inTheWay = await clearLeftOver(paths.adminSocket);
  if (inTheWay !== undefined) return inTheWay;
  const app = adminRoutes(port, terms);
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  server.maxConnections = terms.connectionsMax;
  server.requestTimeout = requestMs;
  server.headersTimeout = idleMs;
  server.keepAliveTimeout = idleMs;
  server.maxHeadersCount = 64;
  const admin = new AdminSocket(server, paths.adminSocket);
  const failure = await listen(server, paths.adminSocket);
  if (failure === undefined) return { ok: true, admin };
  const message = `the admin socket ${paths.adminSocket} cannot be opened (${failure.message})`;
  return { ok: false, message, remedy: "see holdfast doctor" };
}

function listen(server: Server, path: string): Promise<Error | undefined> {
  return new Promise((done) => {
    server.once("error", done);
    // bind() happens within listen(): no other call of this process sees the changed mask.
    const mask = process.umask(0o177);
    try {
      server.listen(path, () => {
        server.off("error", done);
        chmodSync(path, 0o600);
        done(undefined);
      });
    } finally {
      process.umask(mask);
    }
  });
}

async function clearLeftOver(
  path: string,
): Promise<Extract<AdminOpening, { ok: false }> | undefined> {
  try {
    if (!lstatSync(path).isSocket()) {
      return { ok: false, message: `${path} is not a socket`, remedy: "move it away" };
    }
  } catch {
    return undefined;
  }
  if (await answers(path)) {
    const message = `another process answers at ${path}`;
    return { ok: false, message, remedy: "stop it first: see holdfast status" };
  }
  unlinkSync(path);
  return undefined;
}

function answers(path: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      done(true);
    });
    socket.once("error", () => done(false));
  });
}
