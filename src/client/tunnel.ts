// The stack of a session, driven: its packets through the packet link, its deadlines by one timer, its
// connections as streams. Names are asked for inside the session.
import type { Duplex } from "node:stream";
import type { Instant } from "../base/instant.js";
import { type Ipv4, isHost } from "../base/ip.js";
import type { Ledger } from "../base/ledger.js";
import { Scope } from "../base/scope.js";
import { proxy as limits } from "../limits.js";
import { monotonicNow } from "../os/clock.js";
import { systemRng } from "../os/entropy.js";
import { isOsError, type OsError } from "../os/errors.js";
import type { PacketPort } from "../os/packet-pair.js";
import { cutRun, TcpRun } from "../wire/tcp-run.js";
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
  /** What goes to the data worker next, and the packet that waits for it to leave. */
  readonly #run: TcpRun;
  #next: Uint8Array | undefined;
  #timer: NodeJS.Timeout | undefined;
  #armedFor: Instant | undefined;
  #receivedOctets = 0;
  #sentOctets = 0;
  /** Of this turn: a kernel may make a system call of each look at the clock. */
  #now: Instant | undefined;
  #woken = false;
  #ended = false;

  private constructor({ port, address, mtu, dns, ledger, tap }: TunnelOptions) {
    const rng = systemRng();
    this.#address = address;
    this.#tap = tap;
    this.#run = new TcpRun(port.takesRuns);
    this.#scope = new Scope("tunnel", ledger);
    const wake = () => this.#wake();
    this.#stack = new Stack({ address, mtu, rng, scope: this.#scope, wake });
    this.#names = new NameResolver(this, dns, rng);
  }

  static open(options: TunnelOptions): Tunnel | OsError {
    const tunnel = new Tunnel(options);
    const link = PacketLink.open(options.port, {
      packet: (packet, segmentOctets) => {
        tunnel.#take(packet, segmentOctets);
        return true;
      },
      turned: () => {
        tunnel.#drain(tunnel.#now);
        tunnel.#now = undefined;
      },
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

  /** Of IP packets. */
  get octets(): { readonly receivedOctets: number; readonly sentOctets: number } {
    return { receivedOctets: this.#receivedOctets, sentOctets: this.#sentOctets };
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
    this.#names[Symbol.dispose]();
    this.#stack.close();
    this.#drain();
    this.#ended = true;
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

  #take(packet: Uint8Array, segmentOctets: number): void {
    this.#receivedOctets += packet.length;
    if (this.#tap !== undefined) {
      const each = segmentOctets > 0 ? cutRun(packet, segmentOctets) : [packet];
      for (const segment of each) this.#tap.packet(segment, "received");
    }
    this.#now ??= monotonicNow();
    this.#stack.handlePacket(packet, this.#now, segmentOctets);
  }

  #drain(now: Instant = monotonicNow()): void {
    const link = this.#link;
    const run = this.#run;
    if (this.#ended || link === undefined) return;
    for (;;) {
      this.#next ??= this.#stack.pollTransmit(now);
      if (this.#next !== undefined && run.add(this.#next)) {
        this.#tap?.packet(this.#next, "sent");
        this.#sentOctets += this.#next.length;
        this.#next = undefined;
        continue;
      }
      // It is held while the data worker does not keep up; the rest stays in the stack.
      if (!run.empty && !link.send(run.whole())) return;
      run.clear();
      if (this.#next === undefined) return this.#arm(now);
    }
  }

  /** One timer, which may ring early: most deadlines are put off before they pass. */
  #arm(now: Instant): void {
    const at = this.#stack.pollTimeout()?.at;
    if (at !== undefined && this.#armedFor !== undefined && this.#armedFor <= at) return;
    clearTimeout(this.#timer);
    this.#armedFor = at;
    if (at === undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#armedFor = undefined;
        const rang = monotonicNow();
        this.#stack.handleTimeout(rang);
        this.#drain(rang);
      },
      Math.min(Math.max(0, Math.ceil(at - now)), SLEEP_MS_MAX),
    );
  }
}

/** setTimeout's own bound is 2^31 ms. */
const SLEEP_MS_MAX = 60_000;

function dialFailure(why: DialFailure["why"]): DialFailure {
  return { kind: "DialFailure", why };
}
