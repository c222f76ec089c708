// One session as a program has it: up when it is made, with its addresses, its packets, its end.
import { EventEmitter } from "node:events";
import { formatIpv4, type Ipv4 } from "../base/ip.js";
import type { Ledger } from "../base/ledger.js";
import type { EndCause } from "../core/access/ports.js";
import type { ClientEvent } from "../core/client.js";
import type { PacketPort } from "../os/packet-pair.js";
import type { FlowCounters } from "../wire/worker-link.js";
import type { CallUp, ClientCall } from "./call.js";
import type { ClientHost } from "./client-host.js";
import { PacketStream } from "./packet-stream.js";

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
   */
  get packets(): PacketStream {
    this.#packets ??= new PacketStream(this.#port);
    return this.#packets;
  }

  /** Ends in order. */
  close(): Promise<SessionEnd> {
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

  get #port(): PacketPort {
    const { end } = this.#parts.host;
    if ("packets" in end) return end.packets;
    throw new Error(`the packets of this session go through ${end.tun}`);
  }

  async #ended(): Promise<SessionEnd> {
    const { call, host, ledger } = this.#parts;
    const { cause, counters } = await call.ended;
    this.#packets?.destroy();
    await host.close();
    const end = { cause, counters, held: ledger.size };
    this.emit("ended", end);
    return end;
  }
}
