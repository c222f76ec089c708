// One session as a program has it: up when it is made, with its addresses, its packets or connections
// through it, its end.
import { EventEmitter } from "node:events";
import type { Duplex } from "node:stream";
import { formatIpv4, type Ipv4, parseIpv4 } from "../base/ip.js";
import type { Ledger } from "../base/ledger.js";
import type { EndCause } from "../core/access/ports.js";
import type { ClientEvent } from "../core/client.js";
import { describeOsError, isOsError } from "../os/errors.js";
import type { PacketPort } from "../os/packet-pair.js";
import type { FlowCounters } from "../wire/worker-link.js";
import type { CallUp, ClientCall } from "./call.js";
import type { ClientHost } from "./client-host.js";
import { PacketStream } from "./packet-stream.js";
import { type Failure, reach, told } from "./proxy/destination.js";
import { Proxies } from "./proxy/proxies.js";
import { type ProxyPlaces, SessionProxies, wished } from "./session-proxies.js";
import { Tunnel } from "./tunnel.js";

export type SessionEnd = {
  /** `shutdown` when we ended it. */
  readonly cause: EndCause;
  readonly counters: FlowCounters | undefined;
  /** Leases not given back: 0, or it is a fault of ours. */
  readonly held: number;
};

export type SessionEvents = {
  /** What happens to a session that is up, as it happens. */
  event: [event: ClientEvent];
  /** Once, the last one. */
  ended: [end: SessionEnd];
};

/** Why there is no connection through a session. */
export class DialError extends Error {
  override readonly name = "DialError";

  constructor(
    where: string,
    readonly reason: Failure,
  ) {
    super(`${where}: ${told[reason].text}`);
  }
}

export type SessionParts = {
  readonly host: ClientHost;
  readonly call: ClientCall;
  readonly ledger: Ledger;
  readonly up: CallUp;
  readonly dns: readonly Ipv4[];
  readonly mtu: number;
};

export class Session extends EventEmitter<SessionEvents> implements Disposable, AsyncDisposable {
  /** The address that the server gave us. */
  readonly address: string;
  /** The server's own inside the session. */
  readonly serverAddress: string;
  /** Name servers inside, as the server told them. */
  readonly dns: readonly string[];
  /** Largest packet that the session carries, octets. */
  readonly mtu: number;
  /** Settles when the session is over and all is given back; never rejects. */
  readonly ended: Promise<SessionEnd>;
  readonly #parts: SessionParts;
  #packets: PacketStream | undefined;
  #tunnel: Tunnel | undefined;
  /** Those that may still listen. */
  readonly #proxies = new Set<Promise<SessionProxies | undefined>>();
  #over = false;

  /** Made by `connect`. */
  constructor(parts: SessionParts) {
    super();
    const { up, dns, mtu } = parts;
    this.#parts = parts;
    this.address = formatIpv4(up.ours);
    this.serverAddress = formatIpv4(up.peers);
    this.dns = dns.map(formatIpv4);
    this.mtu = mtu;
    this.ended = this.#ended();
  }

  /**
   * The session's IP packets: read those for us, write ours, each a Uint8Array. The same stream
   * whenever it is asked for; it ends with the session. The server takes packets from `address` only.
   * Not together with `dial` or `proxies`, which read the packets themselves.
   */
  get packets(): PacketStream {
    if (this.#tunnel !== undefined)
      throw new Error("packets: dial and proxies read them: use another session for packets");
    this.#packets ??= new PacketStream(this.#port);
    return this.#packets;
  }

  /**
   * A TCP connection through the session to an address or, asked for inside, a name. Rejects with a
   * DialError; the stream is destroyed with an error when the connection or the session breaks off.
   */
  async dial(host: string, port: number): Promise<Duplex> {
    if (!Number.isInteger(port) || port < 1 || port > 65_535)
      throw new TypeError(`dial: port: ${port} is not from 1 to 65535`);
    const reached = await reach(this.#inside(), parseIpv4(host) ?? host, port);
    if (typeof reached === "string") throw new DialError(`${host}:${port}`, reached);
    return reached;
  }

  /** Listens for SOCKS and HTTP, for other programs to use the session; until closed, or its end. */
  async proxies(places: ProxyPlaces): Promise<SessionProxies> {
    const wish = wished(places);
    const inside = this.#inside();
    const opening = Proxies.open(wish, this.#parts.ledger).then((opened) => {
      if (isOsError(opened)) return opened;
      opened.use(inside);
      return new SessionProxies(opened);
    });
    this.#proxies.add(opening.then((opened) => (isOsError(opened) ? undefined : opened)));
    const opened = await opening;
    if (isOsError(opened)) throw new Error(`proxies: ${describeOsError(opened)}`);
    return opened;
  }

  /** Ends in order. */
  close(): Promise<SessionEnd> {
    // First: what its connections say at their end goes through the session.
    this.#tunnel?.[Symbol.dispose]();
    this.#parts.call.stop();
    return this.ended;
  }

  /** Begins the end; `ended` tells when it is over. */
  [Symbol.dispose](): void {
    void this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Undefined: it is over. */
  #inside(): Tunnel | undefined {
    if (this.#packets !== undefined)
      throw new Error(
        "the program reads the packets itself: use another session for dial, proxies",
      );
    if (this.#over || this.#tunnel !== undefined) return this.#tunnel;
    const { ledger, up, dns } = this.#parts;
    const { mtu } = this;
    const tunnel = Tunnel.open({ port: this.#port, address: up.ours, dns, mtu, ledger });
    if (isOsError(tunnel)) throw new Error(describeOsError(tunnel));
    this.#tunnel = tunnel;
    return tunnel;
  }

  get #port(): PacketPort {
    const { end } = this.#parts.host;
    if ("packets" in end) return end.packets;
    throw new Error(`the packets of this session go through ${end.tun}`);
  }

  async #ended(): Promise<SessionEnd> {
    const { call, host, ledger } = this.#parts;
    const { cause, counters } = await call.ended;
    this.#over = true;
    this.#packets?.destroy();
    this.#tunnel?.[Symbol.dispose]();
    for (const proxies of await Promise.all(this.#proxies)) await proxies?.close();
    await host.close();
    const end = { cause, counters, held: ledger.size };
    this.emit("ended", end);
    return end;
  }
}
