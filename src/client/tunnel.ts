// The stack of a session, driven: its packets through the packet link, its deadlines by one timer, its
// connections as streams. Names are asked for inside the session.
import type { Duplex } from "node:stream";
import { type Ipv4, isHost } from "../base/ip.js";
import type { Ledger } from "../base/ledger.js";
import { Scope } from "../base/scope.js";
import { proxy as limits } from "../limits.js";
import { monotonicNow } from "../os/clock.js";
import { systemRng } from "../os/entropy.js";
import { isOsError, type OsError } from "../os/errors.js";
import type { PacketPort } from "../os/packet-pair.js";
import { PacketLink } from "./packet-link.js";
import { type LookupResult, NameResolver } from "./proxy/name-resolver.js";
import {
  type ClosedWhy,
  isRefusal,
  type StackRefusal,
  type TunnelStack,
  type UdpSocket,
} from "./tcp/contract.js";
import { Stack } from "./tcp/stack.js";
import { TcpStream } from "./tcp-stream.js";

export type DialFailure = {
  readonly kind: "DialFailure";
  readonly why: ClosedWhy | "full";
};
/** A stream that is destroyed with an error when the connection breaks off. */
export type Dialled = Duplex | DialFailure;

/** What proxies need of a session. */
export interface Way {
  dial(address: Ipv4, port: number): Promise<Dialled>;
  bindUdp(): UdpSocket | StackRefusal;
  lookup(name: string): Promise<LookupResult>;
}

export type TunnelOptions = {
  readonly port: PacketPort;
  /** Ours inside, as the server gave it, and the name servers it told. */
  readonly address: Ipv4;
  readonly dns: readonly Ipv4[];
  /** Largest packet that the session carries. */
  readonly mtu: number;
  readonly ledger: Ledger;
  /** Sees each packet, once it has come and once it is sent. */
  readonly tap?: PacketSight | undefined;
};

export interface PacketSight {
  packet(octets: Uint8Array, direction: "received" | "sent"): void;
}

export class Tunnel implements Way, Disposable {
  readonly #stack: TunnelStack;
  readonly #scope: Scope;
  readonly #names: NameResolver;
  readonly #address: Ipv4;
  readonly #tap: PacketSight | undefined;
  #link: PacketLink | undefined;
  #unsent: Uint8Array | undefined;
  #timer: NodeJS.Timeout | undefined;
  #woken = false;
  #ended = false;

  private constructor({ address, mtu, dns, ledger, tap }: TunnelOptions) {
    const rng = systemRng();
    this.#address = address;
    this.#tap = tap;
    this.#scope = new Scope("tunnel", ledger);
    const wake = () => this.#wake();
    this.#stack = new Stack({ address, mtu, rng, scope: this.#scope, wake });
    this.#names = new NameResolver(this, dns, rng);
  }

  static open(options: TunnelOptions): Tunnel | OsError {
    const tunnel = new Tunnel(options);
    const link = PacketLink.open(options.port, {
      packet: (packet) => {
        tunnel.#tap?.packet(packet, "received");
        tunnel.#stack.handlePacket(packet, monotonicNow());
        return true;
      },
      turned: () => tunnel.#drain(),
      room: () => tunnel.#drain(),
    });
    if (isOsError(link)) {
      tunnel[Symbol.dispose]();
      return link;
    }
    tunnel.#link = link;
    return tunnel;
  }

  dial(address: Ipv4, port: number): Promise<Dialled> {
    if (this.#ended) return Promise.resolve(dialFailure("stopped"));
    // Loopback, multicast, ourselves: there is nobody inside who has that address.
    if (!isHost(address) || address === this.#address)
      return Promise.resolve(dialFailure("unreachable"));
    const connection = this.#stack.connect(address, port, monotonicNow());
    if (isRefusal(connection)) return Promise.resolve(dialFailure("full"));
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        connection.onEvent = undefined;
        connection.abort();
        resolve(dialFailure("timed-out"));
      }, limits.connectMs);
      connection.onEvent = (event) => {
        clearTimeout(timer);
        if (event.kind === "closed") resolve(dialFailure(event.why));
        else resolve(new TcpStream(connection));
      };
      this.#wake();
    });
  }

  bindUdp(): UdpSocket | StackRefusal {
    return this.#ended ? { kind: "Refused", limit: "stopped" } : this.#stack.bindUdp();
  }

  lookup(name: string): Promise<LookupResult> {
    return this.#names.lookup(name);
  }

  /** Connections and sockets there are, for status. */
  get size(): number {
    return this.#stack.size;
  }

  counters(): Record<string, number> {
    return this.#stack.counters();
  }

  /** Each connection is told and reset; what the data worker does not take of that is lost. */
  [Symbol.dispose](): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#names[Symbol.dispose]();
    this.#stack.close();
    for (;;) {
      const packet = this.#stack.pollTransmit(monotonicNow());
      if (packet === undefined) break;
      if (this.#link?.send(packet)) this.#tap?.packet(packet, "sent");
    }
    clearTimeout(this.#timer);
    this.#link?.[Symbol.dispose]();
    this.#scope[Symbol.dispose]();
  }

  /** Soon, once for whatever is done in this turn. */
  #wake(): void {
    if (this.#woken || this.#ended) return;
    this.#woken = true;
    queueMicrotask(() => {
      this.#woken = false;
      this.#drain();
    });
  }

  #drain(): void {
    const link = this.#link;
    if (this.#ended || link === undefined) return;
    for (;;) {
      const packet = this.#unsent ?? this.#stack.pollTransmit(monotonicNow());
      if (packet === undefined) return this.#arm();
      if (!link.send(packet)) {
        // One is held while the data worker does not keep up; the rest stays in the stack.
        this.#unsent ??= packet.slice();
        return;
      }
      this.#unsent = undefined;
      this.#tap?.packet(packet, "sent");
    }
  }

  #arm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const at = this.#stack.pollTimeout()?.at;
    if (at === undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#stack.handleTimeout(monotonicNow());
        this.#drain();
      },
      Math.min(Math.max(0, Math.ceil(at - monotonicNow())), SLEEP_MS_MAX),
    );
  }
}

/** setTimeout's own bound is 2^31 ms. */
const SLEEP_MS_MAX = 60_000;

function dialFailure(why: DialFailure["why"]): DialFailure {
  return { kind: "DialFailure", why };
}
