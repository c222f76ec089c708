// node:net as the listener uses it, over the simulation's streams.
import { EventEmitter } from "node:events";
import type { Server, Socket } from "node:net";
import { formatIpv4, type Ipv4, parseIpv4 } from "../../../src/base/ip.js";
import type { CreateServer } from "../../../src/daemon/control-listener.js";
import type { StreamEnd } from "../stream.js";
import type { SimTime } from "./time.js";

/** What a peer's kernel takes though the peer does not read. */
const PEERS_BUFFER_OCTETS = 2_048;

class SimSocket extends EventEmitter {
  readonly localAddress: string;
  readonly remoteAddress: string;
  #paused = false;
  #closed = false;
  #wasUnsent = false;

  constructor(
    readonly time: SimTime,
    readonly stream: StreamEnd,
    localAddress: Ipv4,
    peerAddress: Ipv4,
    readonly remotePort: number,
    readonly gone: () => void,
  ) {
    super();
    this.localAddress = formatIpv4(localAddress);
    this.remoteAddress = formatIpv4(peerAddress);
    stream.user = {
      octets: (octets) => this.emit("data", octets),
      pausedUntil: () => (this.#paused ? Number.POSITIVE_INFINITY : undefined),
      closed: () => this.#over(),
    };
  }

  get writableLength(): number {
    return Math.max(0, this.stream.far.unread - PEERS_BUFFER_OCTETS);
  }

  write(octets: Uint8Array): boolean {
    this.stream.write(octets.slice());
    const unsent = this.writableLength > 0;
    if (unsent && !this.#wasUnsent) this.#watchForRoom();
    this.#wasUnsent = unsent;
    return !unsent;
  }

  end(): void {
    this.stream.end();
  }

  destroy(): void {
    if (!this.#closed) this.stream.reset();
  }

  resetAndDestroy(): void {
    this.destroy();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.time.in(0, () => this.stream.resume());
  }

  #watchForRoom(): void {
    this.time.in(100, () => {
      if (this.#closed) return;
      if (this.writableLength > 0) return this.#watchForRoom();
      this.#wasUnsent = false;
      this.emit("drain");
    });
  }

  /** Told afterwards, as Node does. */
  #over(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.gone();
    this.time.in(0, () => this.emit("close"));
  }
}

type Listening = { readonly address: Ipv4; readonly accept: (socket: Socket) => void };

/** TCP 1723 of the simulated machine. */
export class SimListeners {
  readonly #listening = new Set<Listening>();
  /** Descriptors. */
  open = 0;
  #port = 1_024;

  constructor(
    readonly time: SimTime,
    /** The next listener's errno, if it is to fail. */
    readonly fault: () => string | undefined,
  ) {}

  get listening(): number {
    return this.#listening.size;
  }

  readonly createServer: CreateServer = (_options, accept) => {
    const server = new EventEmitter();
    let listening: Listening | undefined;
    Object.assign(server, {
      listen: ({ host }: { host: string }, done: () => void) => {
        const code = this.fault();
        this.time.in(1, () => {
          if (code !== undefined) {
            server.emit("error", Object.assign(new Error(`listen ${code}`), { code }));
            return;
          }
          listening = { address: parseIpv4(host) ?? 0, accept };
          this.#listening.add(listening);
          done();
        });
      },
      close: () => void (listening && this.#listening.delete(listening)),
    });
    return server as unknown as Server;
  };

  /** Whether somebody listened there. */
  connect(stream: StreamEnd, localAddress: Ipv4, peerAddress: Ipv4): boolean {
    const found = [...this.#listening].find(({ address }) => address === localAddress);
    if (found === undefined) {
      stream.reset();
      return false;
    }
    this.open++;
    this.#port = this.#port === 65_535 ? 1_024 : this.#port + 1;
    const ends = [this.time, stream, localAddress, peerAddress, this.#port] as const;
    found.accept(new SimSocket(...ends, () => this.open--) as unknown as Socket);
    return true;
  }
}
