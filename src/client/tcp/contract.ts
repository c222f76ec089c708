// What the user-space host in src/client/tcp gives to proxy and library: an IPv4 host at the leased
// address, without I/O and without a clock. The user hands in packets and time, and takes packets out.

import type { Instant } from "../../base/instant.js";
import type { Ipv4 } from "../../base/ip.js";
import type { Rng } from "../../base/rng.js";
import type { Scope } from "../../base/scope.js";
import type { Deadline } from "../../core/deadline.js";

/** RFC 9293 §3.3.2, less LISTEN: this host opens actively only. */
export type TcpState =
  | "SYN-SENT"
  | "SYN-RECEIVED"
  | "ESTABLISHED"
  | "FIN-WAIT-1"
  | "FIN-WAIT-2"
  | "CLOSE-WAIT"
  | "CLOSING"
  | "LAST-ACK"
  | "TIME-WAIT"
  | "CLOSED";

/**
 * Why a connection is over. `finished`: both sides ended in order; `refused`: RST in answer to our
 * SYN; `unreachable`: an ICMP error in answer to it; `aborted`: by our user; `stopped`: with the stack.
 */
export type ClosedWhy =
  | "finished"
  | "refused"
  | "unreachable"
  | "reset"
  | "timed-out"
  | "aborted"
  | "stopped";

/** What stood in the way, by its name in src/limits.ts, or the datagram's own size. */
export type StackRefusal = {
  readonly kind: "Refused";
  readonly limit: "connectionsMax" | "udpSocketsMax" | "ports" | "mtu" | "udpQueueMax" | "stopped";
};

/**
 * `readable`: octets came, `ended`: the peer sent its FIN and nothing comes after what is still to be
 * read; `writable`: a `write` that took less than it was given may be repeated; `closed` is the last.
 */
export type TcpEvent =
  | { readonly kind: "connected" }
  | { readonly kind: "readable" }
  | { readonly kind: "writable" }
  | { readonly kind: "ended" }
  | { readonly kind: "closed"; readonly why: ClosedWhy };

export interface TcpConnection {
  readonly remote: Ipv4;
  readonly remotePort: number;
  readonly localPort: number;
  readonly state: TcpState;
  /** Nagle's algorithm off (RFC 9293 §3.7.4): short segments go at once. */
  noDelay: boolean;
  /**
   * Called after the machine has come to rest, never from within a call of the user's own; the user
   * may call anything from it, once more included.
   */
  onEvent: ((event: TcpEvent) => void) | undefined;
  /** Octets taken, from the first; copies them. 0 when the buffer is full or after `end`. */
  write(octets: Uint8Array): number;
  /** At most `max` of what came, copied; undefined when there is nothing now. */
  read(max: number): Uint8Array | undefined;
  /** Octets that a `read` would give. */
  readonly readable: number;
  /** Octets that a `write` would take. */
  readonly writable: number;
  /** Our FIN, after all that was written. What the peer sends is read as before. */
  end(): void;
  /** RST: over at once, nothing kept. */
  abort(): void;
}

export type UdpDatagram = {
  readonly remote: Ipv4;
  readonly remotePort: number;
  readonly octets: Uint8Array;
};

/** `unreachable`: an ICMP error about what this socket sent to there. */
export type UdpEvent =
  | { readonly kind: "readable" }
  | { readonly kind: "unreachable"; readonly remote: Ipv4; readonly remotePort: number };

export interface UdpSocket {
  readonly localPort: number;
  onEvent: ((event: UdpEvent) => void) | undefined;
  /** Copies; undefined when it was taken. */
  send(remote: Ipv4, remotePort: number, octets: Uint8Array): StackRefusal | undefined;
  receive(): UdpDatagram | undefined;
  close(): void;
}

export type StackOptions = {
  /** Our address within the tunnel. */
  readonly address: Ipv4;
  /** Largest IP packet that the tunnel carries. */
  readonly mtu: number;
  readonly rng: Pick<Rng, "challenge" | "jitter">;
  /** Each connection and socket is a lease in a child of it; the stack ends it. */
  readonly scope: Scope;
  /** There is something to transmit, or another deadline, since a call of the user's own. */
  readonly wake?: () => void;
};

export interface TunnelStack {
  /** SYN-SENT from here on: `connected` or `closed` follows. */
  connect(remote: Ipv4, port: number, now: Instant): TcpConnection | StackRefusal;
  bindUdp(): UdpSocket | StackRefusal;
  /**
   * One IP packet from the tunnel. Events are delivered before it returns. `segmentOctets` above 0: a
   * run of TCP segments of so many octets as one, whose checksums were right and are left out.
   */
  handlePacket(octets: Uint8Array, now: Instant, segmentOctets?: number): void;
  handleTimeout(now: Instant): void;
  /** The next IP packet for the tunnel, good until the next call; until it is undefined, after each input. */
  pollTransmit(now: Instant): Uint8Array | undefined;
  pollTimeout(): Deadline | undefined;
  /** All connections aborted with RST: transmit what is left, then the scope is empty. */
  close(): void;
  /** What was dropped or refused, by reason; and of TCP `sent again` and `time-out`. */
  counters(): Record<string, number>;
  /** Connections, those in TIME-WAIT included, and sockets. */
  readonly size: number;
}

export function isRefusal(result: object): result is StackRefusal {
  return "kind" in result && result.kind === "Refused";
}
