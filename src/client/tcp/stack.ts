// RFC 1122, RFC 9293: the client's own IPv4 host at the address that IPCP gave, for a session without a
// TUN. It takes packets and time in, and gives packets and events out.
import { Counters } from "../../base/counters.js";
import { Deadlines } from "../../base/deadlines.js";
import type { Instant } from "../../base/instant.js";
import { formatIpv4, type Ipv4, isHost } from "../../base/ip.js";
import { lease } from "../../base/lease.js";
import { Queue } from "../../base/queue.js";
import type { Scope } from "../../base/scope.js";
import type { Deadline } from "../../core/deadline.js";
import { session, stack } from "../../limits.js";
import { FRAGMENTATION_NEEDED, isEcho, readUnreachable } from "../../wire/ip-icmp.js";
import { ICMP, Ipv4Header, readIpv4, TCP, UDP } from "../../wire/ipv4.js";
import { readTcp, TcpSegment } from "../../wire/tcp.js";
import { readUdp, UdpHeader } from "../../wire/udp.js";
import { Answers } from "./answers.js";
import { segmentArrives } from "./arrival.js";
import { Connection, type ConnectionHost } from "./connection.js";
import type {
  StackOptions,
  StackRefusal,
  TcpConnection,
  TunnelStack,
  UdpSocket,
} from "./contract.js";
import { InitialSequence } from "./initial-sequence.js";
import { Reassembly } from "./reassembly.js";
import { type DatagramHost, DatagramSocket } from "./udp.js";

/** RFC 6335 §6: the dynamic ports. */
const PORT_FIRST = 49_152;
const PORT_COUNT = 16_384;

type Party = Connection | DatagramSocket;

export class Stack implements TunnelStack {
  readonly #options: StackOptions;
  readonly #scope: Scope;
  readonly #counters = new Counters(session.reasonsMax);
  /** By our port: no two share one, so that a segment finds its own by it alone. */
  readonly #connections = new Map<number, Connection>();
  readonly #sockets = new Map<number, DatagramSocket>();
  readonly #leases = new Map<Party, Scope>();
  /** In TIME-WAIT with nothing left to be read, the oldest first. */
  readonly #resting = new Set<Connection>();
  readonly #reassembly = new Reassembly((reason) => this.#counters.add(reason));
  readonly #deadlines = new Deadlines<Connection | Reassembly>();
  /** Those that may have something to send, in turn; and something to tell. */
  readonly #ready = new Queue<Party>();
  readonly #telling = new Set<Party>();
  readonly #answers: Answers;
  readonly #sequence: InitialSequence;
  readonly #header = new Ipv4Header();
  readonly #segment = new TcpSegment();
  readonly #datagram = new UdpHeader();
  readonly #out = new TcpSegment();
  readonly #packet: Uint8Array;
  readonly #host: ConnectionHost & DatagramHost;
  #open = true;
  /** Within an input or a delivery: the caller drains afterwards. */
  #busy = false;

  constructor(options: StackOptions) {
    this.#options = options;
    this.#scope = options.scope.child("tunnel host");
    this.#answers = new Answers(options.address, options.mtu);
    this.#sequence = new InitialSequence((octets) => options.rng.challenge(octets));
    this.#packet = new Uint8Array(options.mtu);
    this.#host = {
      address: options.address,
      mtu: options.mtu,
      touched: (party: Party) => this.#touched(party),
      closed: (party: Party) => this.#closed(party),
      rests: (connection: Connection) => this.#rests(connection),
      count: (reason: string) => this.#counters.add(reason),
    };
  }

  get size(): number {
    return this.#connections.size + this.#sockets.size;
  }

  /** Of buffers and of what waits to be put together; docs/LIMITS.md has the most. */
  get memoryOctets(): number {
    let octets = this.#reassembly.memoryOctets;
    for (const connection of this.#connections.values()) octets += connection.memoryOctets;
    for (const socket of this.#sockets.values()) octets += socket.memoryOctets;
    return octets;
  }

  counters(): Record<string, number> {
    return this.#counters.snapshot();
  }

  connect(remote: Ipv4, port: number, now: Instant): TcpConnection | StackRefusal {
    if (!this.#open) return { kind: "Refused", limit: "stopped" };
    if (this.#connections.size - this.#resting.size >= stack.connectionsMax) {
      this.#counters.add("connections-max");
      return { kind: "Refused", limit: "connectionsMax" };
    }
    const localPort = this.#freePort(this.#connections);
    if (localPort === undefined) return { kind: "Refused", limit: "ports" };
    const { address } = this.#options;
    const { sequence, timestamp } = this.#sequence.of(address, localPort, remote, port, now);
    const connection = new Connection(this.#host, localPort, remote, port, sequence, timestamp);
    this.#connections.set(localPort, connection);
    this.#lend(connection, "tcpConnection", `${formatIpv4(remote)}:${port}`);
    this.#touched(connection);
    return connection;
  }

  bindUdp(): UdpSocket | StackRefusal {
    if (!this.#open) return { kind: "Refused", limit: "stopped" };
    if (this.#sockets.size >= stack.udpSocketsMax) {
      this.#counters.add("udp-sockets-max");
      return { kind: "Refused", limit: "udpSocketsMax" };
    }
    const localPort = this.#freePort(this.#sockets);
    if (localPort === undefined) return { kind: "Refused", limit: "ports" };
    const socket = new DatagramSocket(this.#host, localPort);
    this.#sockets.set(localPort, socket);
    this.#lend(socket, "udpSocket", `port ${localPort}`);
    return socket;
  }

  handlePacket(octets: Uint8Array, now: Instant, segmentOctets = 0): void {
    this.#busy = true;
    const dropped = this.#take(octets, now, segmentOctets);
    if (dropped !== undefined) this.#counters.add(dropped);
    this.#deliver();
  }

  handleTimeout(now: Instant): void {
    this.#busy = true;
    for (let due = this.#deadlines.due(now); due !== undefined; due = this.#deadlines.due(now)) {
      due.handleTimeout(now);
      if (due instanceof Connection) this.#touched(due);
      else this.#deadlines.set(due, due.deadline());
    }
    this.#deliver();
  }

  pollTransmit(now: Instant): Uint8Array | undefined {
    const answer = this.#answers.next();
    if (answer !== undefined) return answer;
    for (let party = this.#nextReady(); party !== undefined; party = this.#nextReady()) {
      const length = party.transmit(this.#packet, this.#out, now);
      if (length > 0) {
        // To the end of the line: one flow must not keep the others waiting.
        this.#ready.push(party);
        return this.#packet.subarray(0, length);
      }
      party.queued = false;
      if (party instanceof Connection) this.#deadlines.set(party, party.deadline());
    }
    return undefined;
  }

  pollTimeout(): Deadline | undefined {
    return this.#deadlines.next();
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    for (const connection of [...this.#connections.values()]) connection.close("stopped");
    for (const socket of [...this.#sockets.values()]) socket.close();
    this.#scope[Symbol.dispose]();
  }

  /** What the user does about an event may be one more to send. */
  #nextReady(): Party | undefined {
    if (this.#ready.size === 0) this.#deliver();
    return this.#ready.shift();
  }

  /** Why the packet goes no further, or undefined when it did. */
  #take(octets: Uint8Array, now: Instant, segmentOctets: number): string | undefined {
    const header = this.#header;
    const fault = readIpv4(octets, 0, octets.length, header);
    if (fault !== undefined) return fault;
    if (header.destination !== this.#options.address) return "ip-destination";
    if (header.source === this.#options.address || !isHost(header.source)) return "ip-source";
    if (!header.moreFragments && header.fragmentOffset === 0)
      return this.#takeWhole(octets, now, segmentOctets);
    const whole = this.#reassembly.take(octets, header, now);
    this.#deadlines.set(this.#reassembly, this.#reassembly.deadline());
    if (whole === undefined || typeof whole === "string") return whole;
    return readIpv4(whole, 0, whole.length, header) ?? this.#takeWhole(whole, now, 0);
  }

  #takeWhole(octets: Uint8Array, now: Instant, segmentOctets: number): string | undefined {
    const header = this.#header;
    switch (header.protocol) {
      case TCP:
        return this.#takeTcp(octets, now, segmentOctets);
      case UDP:
        return this.#takeUdp(octets, now);
      case ICMP:
        return this.#takeIcmp(octets, now);
      default:
        return "ip-protocol";
    }
  }

  #takeTcp(octets: Uint8Array, now: Instant, segmentOctets: number): string | undefined {
    const segment = this.#segment;
    const { source } = this.#header;
    const fault = readTcp(octets, this.#header, segment, segmentOctets);
    if (fault !== undefined) return fault;
    const connection = this.#connections.get(segment.destinationPort);
    const known = connection?.remote === source && connection.remotePort === segment.sourcePort;
    if (known && segmentArrives(connection, octets, segment, now) === "done") {
      this.#touched(connection);
      return undefined;
    }
    const answered = this.#answers.reset(segment, source, this.#out, now);
    return answered ? "tcp-no-connection" : "answer-rate";
  }

  #takeUdp(octets: Uint8Array, now: Instant): string | undefined {
    const datagram = this.#datagram;
    const header = this.#header;
    const fault = readUdp(octets, header, datagram);
    if (fault !== undefined) return fault;
    const socket = this.#sockets.get(datagram.destinationPort);
    if (socket === undefined) {
      const answered = this.#answers.portUnreachable(octets, header, now);
      return answered ? "udp-no-socket" : "answer-rate";
    }
    const payload = octets.subarray(datagram.payloadStart, datagram.payloadEnd);
    socket.arrives(header.source, datagram.sourcePort, payload);
    return undefined;
  }

  #takeIcmp(octets: Uint8Array, now: Instant): string | undefined {
    const header = this.#header;
    if (isEcho(octets, header)) {
      return this.#answers.echo(octets, header, now) ? undefined : "answer-rate";
    }
    const error = readUnreachable(octets, header);
    if (error === undefined || error.source !== this.#options.address) return "icmp";
    if (error.protocol === UDP) {
      this.#sockets.get(error.sourcePort)?.unreachable(error.destination, error.destinationPort);
      return undefined;
    }
    const connection = this.#connections.get(error.sourcePort);
    const known =
      error.protocol === TCP &&
      connection?.remote === error.destination &&
      connection.remotePort === error.destinationPort;
    // RFC 5927 §4.1: whoever does not know the numbers in flight is not on the path.
    if (!known || !connection.hasInFlight(error.sequence)) return "icmp-stranger";
    if (error.code === FRAGMENTATION_NEEDED) connection.narrow(error.mtu);
    // DEVIATION 74
    else if (connection.state === "SYN-SENT") connection.close("unreachable");
    this.#touched(connection);
    return undefined;
  }

  #freePort(taken: ReadonlyMap<number, Party>): number | undefined {
    // RFC 6056 §3.3.1: not to be guessed.
    const first = Math.floor(this.#options.rng.jitter() * PORT_COUNT);
    for (let tried = 0; tried < PORT_COUNT; tried++) {
      const port = PORT_FIRST + ((first + tried) % PORT_COUNT);
      if (!taken.has(port)) return port;
    }
    return undefined;
  }

  #lend(party: Party, what: string, detail: string): void {
    const own = this.#scope.child(what, party.localPort);
    own.hold(
      what,
      lease(() => {
        if (party instanceof Connection) party.close("stopped");
        else party.close();
      }),
      detail,
    );
    this.#leases.set(party, own);
  }

  #touched(party: Party): void {
    this.#telling.add(party);
    if (party.queued) return;
    party.queued = true;
    this.#ready.push(party);
    if (!this.#busy) this.#options.wake?.();
  }

  #closed(party: Party): void {
    if (party instanceof DatagramSocket) this.#sockets.delete(party.localPort);
    else {
      this.#connections.delete(party.localPort);
      this.#resting.delete(party);
    }
    const own = this.#leases.get(party);
    // Taken out first: the lease's own end comes back here.
    this.#leases.delete(party);
    own?.[Symbol.dispose]();
  }

  #rests(connection: Connection): void {
    this.#resting.add(connection);
    if (this.#resting.size <= stack.timeWaitMax) return;
    const [oldest] = this.#resting;
    oldest?.close("timed-out");
  }

  #deliver(): void {
    this.#busy = true;
    for (const party of this.#telling) {
      this.#telling.delete(party);
      party.deliver();
    }
    this.#busy = false;
  }
}
