// One connection of the stack with a peer that sends what a test says and nothing else. Offsets count from
// each end's SYN, as in the machine itself.

import { Chance } from "../../src/base/chance.js";
import { type Instant, instant } from "../../src/base/instant.js";
import { Ledger } from "../../src/base/ledger.js";
import { Scope } from "../../src/base/scope.js";
import { isRefusal, type TcpConnection, type TcpState } from "../../src/client/tcp/contract.js";
import { Stack } from "../../src/client/tcp/stack.js";
import { OURS, THEIRS } from "./network.js";
import { makeSegment, readSegment, type Segment } from "./reference-peer.js";
import { big } from "./view.js";

export const flagBits = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16, URG: 32 } as const;
const PEER_ISS = 0xffff_fe00;

export type Sent = {
  /** Offset; the next one of the peer's unless it is given. */
  readonly at?: number;
  /** Offset; all that was sent unless it is given. */
  readonly ack?: number;
  readonly data?: number | Uint8Array;
  readonly window?: number;
  /** TSval in ms of the peer's clock; `false`: without the option. */
  readonly stamp?: number | false;
  readonly echo?: number;
  readonly sack?: readonly (readonly [number, number])[];
};

export type Options = {
  readonly mss?: number;
  readonly sack?: boolean;
  readonly timestamps?: boolean;
  readonly shift?: number;
  readonly window?: number;
  readonly mtu?: number;
};

export class ByHand {
  now: Instant = instant(10_000);
  readonly ledger = new Ledger(() => this.now);
  readonly stack: Stack;
  readonly connection: TcpConnection;
  /** What the user was told since it was last asked. */
  told: string[] = [];
  /** What we sent since `answers` was last asked. */
  #out: Segment[] = [];
  /** Of the last segment of ours that had one. */
  stamp = 0;
  iss = 0;
  /** The next offset of either end. */
  ours = 0;
  theirs = 0;
  readonly #options: Required<Options>;

  constructor(options: Options = {}) {
    const usual = { mss: 1360, sack: true, timestamps: true, shift: 7, window: 1000, mtu: 1400 };
    this.#options = { ...usual, ...options };
    this.stack = new Stack({
      address: OURS,
      mtu: this.#options.mtu,
      rng: new Chance(1).rng(),
      scope: new Scope("by hand", this.ledger),
    });
    const connection = this.stack.connect(THEIRS, 80, this.now);
    if (isRefusal(connection)) throw new Error(connection.limit);
    this.connection = connection;
    connection.onEvent = (event) => {
      this.told.push(event.kind === "closed" ? event.why : event.kind);
    };
    this.#drain();
  }

  /** What was sent since the last call. */
  answers(): Segment[] {
    this.#drain();
    return this.#out.splice(0);
  }

  /** A segment from the peer: `flags` as in `SYN,ACK`. */
  send(flags: string, sent: Sent = {}): void {
    this.stack.handlePacket(this.segment(flags, sent), this.now);
    this.#drain();
  }

  segment(flags: string, sent: Sent = {}): Uint8Array {
    const { at = this.theirs, ack = this.ours, data = 0 } = sent;
    const bits = flags.split(",").reduce((sum, name) => sum | flagBits[name as "ACK"], 0);
    const octets = typeof data === "number" ? new Uint8Array(data).fill(at) : data;
    const controls = (bits & flagBits.SYN ? 1 : 0) + (bits & flagBits.FIN ? 1 : 0);
    // A SYN's is not scaled.
    const { window = bits & flagBits.SYN ? 65_535 : this.#options.window } = sent;
    if (at === this.theirs && !(bits & flagBits.RST)) this.theirs += octets.length + controls;
    return makeSegment({
      source: THEIRS,
      destination: OURS,
      sourcePort: 80,
      destinationPort: this.connection.localPort,
      seq: (PEER_ISS + at) >>> 0,
      ack: bits & flagBits.ACK ? (this.iss + ack) >>> 0 : 0,
      flags: bits,
      window,
      options: this.#optionsOf(bits, sent),
      data: octets,
    });
  }

  /** An ICMP error of this type and code about the segment of ours at `at`. */
  icmp(type: number, code: number, at = this.ours - 1, mtu = 0): void {
    const quoted = makeSegment({
      source: OURS,
      destination: THEIRS,
      sourcePort: this.connection.localPort,
      destinationPort: 80,
      seq: (this.iss + at) >>> 0,
      ack: 0,
      flags: flagBits.ACK,
    });
    const message = new Uint8Array(8 + 28);
    message.set([type, code, 0, 0, 0, 0, mtu >>> 8, mtu & 255]);
    message.set(quoted.subarray(0, 28), 8);
    message.set(big.octets16(big.sum(message, 0)), 2);
    this.stack.handlePacket(packet(1, message), this.now);
    this.#drain();
  }

  /** Time passes, and whatever is due in it happens. */
  pass(ms: number): void {
    const end = this.now + ms;
    this.#drain();
    for (;;) {
      const at = this.stack.pollTimeout()?.at;
      if (at === undefined || at > end) break;
      this.now = instant(Math.max(this.now, at));
      this.stack.handleTimeout(this.now);
      this.#drain();
    }
    this.now = instant(end);
  }

  /** Brings it there from SYN-SENT, by the shortest way; what was said until then is forgotten. */
  reach(state: TcpState): this {
    ways[state](this);
    if (this.connection.state !== state) throw new Error(`${this.connection.state}, not ${state}`);
    this.answers();
    this.told = [];
    return this;
  }

  #drain(): void {
    for (;;) {
      const sent = this.stack.pollTransmit(this.now);
      if (sent === undefined) return;
      const segment = readSegment(sent);
      if (segment === undefined) continue;
      if (segment.flags & flagBits.SYN && this.iss === 0) this.iss = segment.seq;
      const stamps = segment.options.get(8);
      if (stamps !== undefined) this.stamp = big.u32(stamps, 0);
      const controls = segment.flags & (flagBits.SYN | flagBits.FIN) ? 1 : 0;
      const end = this.offset(segment.seq) + segment.data.length + controls;
      if (!(segment.flags & flagBits.RST)) this.ours = Math.max(this.ours, end);
      this.#out.push(segment);
    }
  }

  /** Of a sequence number of ours. */
  offset(seq: number): number {
    return (seq - this.iss) | 0;
  }

  /** Of an acknowledgment number of ours: the peer's offset. */
  acknowledged(segment: Segment): number {
    return (segment.ack - PEER_ISS) | 0;
  }

  #optionsOf(bits: number, { stamp, echo = this.stamp, sack = [] }: Sent): number[] {
    const { mss, timestamps, shift, sack: sacks } = this.#options;
    const options: number[] = [];
    if (bits & flagBits.SYN) {
      options.push(2, 4, mss >>> 8, mss & 255);
      if (sacks) options.push(1, 1, 4, 2);
      if (shift >= 0) options.push(1, 3, 3, shift);
    }
    if (timestamps && stamp !== false && !(bits & flagBits.RST)) {
      options.push(1, 1, 8, 10, ...big.octets32(stamp ?? this.now), ...big.octets32(echo));
    }
    if (sack.length > 0) {
      const edges = sack.flat().flatMap((edge) => big.octets32((this.iss + edge) >>> 0));
      options.push(1, 1, 5, 2 + 8 * sack.length, ...edges);
    }
    return options;
  }
}

/** An IP packet from the peer. */
export function packet(protocol: number, payload: Uint8Array, fragment = 0, id = 0): Uint8Array {
  const octets = new Uint8Array(20 + payload.length);
  octets.set([0x45, 0, ...big.octets16(octets.length), ...big.octets16(id)]);
  octets.set([...big.octets16(fragment), 64, protocol], 6);
  octets.set([...big.octets32(THEIRS), ...big.octets32(OURS)], 12);
  octets.set(big.octets16(big.sum(octets.subarray(0, 20), 0)), 10);
  octets.set(payload, 20);
  return octets;
}

const ways: Readonly<Record<TcpState, (hand: ByHand) => void>> = {
  "SYN-SENT": () => {},
  "SYN-RECEIVED": (hand) => hand.send("SYN"),
  ESTABLISHED: (hand) => hand.send("SYN,ACK"),
  "FIN-WAIT-1": (hand) => {
    hand.reach("ESTABLISHED").connection.end();
    hand.answers();
  },
  "FIN-WAIT-2": (hand) => hand.reach("FIN-WAIT-1").send("ACK"),
  "CLOSE-WAIT": (hand) => hand.reach("ESTABLISHED").send("FIN,ACK"),
  CLOSING: (hand) => hand.reach("FIN-WAIT-1").send("FIN,ACK", { ack: 1 }),
  "LAST-ACK": (hand) => {
    hand.reach("CLOSE-WAIT").connection.end();
    hand.answers();
  },
  "TIME-WAIT": (hand) => hand.reach("FIN-WAIT-2").send("FIN,ACK"),
  CLOSED: (hand) => hand.reach("ESTABLISHED").connection.abort(),
};

/** `ACK [1,101)`: its flags without PSH, and what it carries. */
export function show(hand: ByHand, segment: Segment): string {
  const names = Object.entries(flagBits).filter(([name, bit]) => {
    return segment.flags & bit && name !== "PSH";
  });
  const start = hand.offset(segment.seq);
  const text = segment.data.length > 0 ? ` [${start},${start + segment.data.length})` : "";
  return names.map(([name]) => name).join(",") + text;
}
