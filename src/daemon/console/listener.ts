// The console's listener: HTTP, or HTTPS, bounded in connections and in time. That it cannot listen
// never keeps the server from serving.
import type { Server } from "node:http";
import { createServer } from "node:https";
import type { Socket } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import type { Hono } from "hono";
import { web as limits } from "../../limits/web.js";
import type { Certificate } from "./certificate.js";
import type { ConsoleEnv } from "./gate.js";

export type Listening =
  | { readonly ok: true; readonly listener: ConsoleListener }
  | { readonly ok: false; readonly message: string; readonly remedy: string };

export class ConsoleListener {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #closing: Promise<void> | undefined;

  constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket: Socket) => {
      const { remoteAddress } = socket;
      const same = [...this.#sockets].filter((one) => one.remoteAddress === remoteAddress);
      if (same.length >= limits.sourceConnectionsMax) return void socket.destroy();
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
  }

  get connections(): number {
    return this.#sockets.size;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  /** Ends every connection, event streams too; once. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const closed = new Promise<void>((done) => this.#server.close(() => done()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

export async function listenForConsole(
  app: Hono<ConsoleEnv>,
  { address, port }: { readonly address: string; readonly port: number },
  certificate: Certificate | undefined,
): Promise<Listening> {
  const times = { headersTimeout: limits.headersMs, requestTimeout: limits.requestMs };
  const common = { ...times, keepAliveTimeout: limits.idleMs, connectionsCheckingInterval: 1_000 };
  const tls = {
    ...certificate,
    handshakeTimeout: limits.headersMs,
    minVersion: "TLSv1.2" as const,
  };
  const server = createAdaptorServer(
    certificate === undefined
      ? { fetch: app.fetch as never, serverOptions: common }
      : { fetch: app.fetch as never, createServer, serverOptions: { ...common, ...tls } },
  ) as Server;
  server.maxConnections = limits.connectionsMax;
  server.maxHeadersCount = 64;
  const listener = new ConsoleListener(server);
  const failure = await new Promise<NodeJS.ErrnoException | undefined>((done) => {
    server.once("error", done);
    server.listen({ host: address, port }, () => done(undefined));
  });
  if (failure === undefined) return { ok: true, listener };
  const message = `the console cannot listen on ${address}:${port} (${failure.code})`;
  const remedy = "give console.address and console.port that are free, or console.enabled: false";
  return { ok: false, message, remedy };
}
