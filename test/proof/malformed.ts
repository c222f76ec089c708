// Datagrams that must be refused, by mutation from good ones: each good where it has to be so as to come
// as far as its one fault, changed at random where that does not matter, and with the DropReason it must
// get known beforehand. Made in place, many million a second.
import type { Ipv4 } from "../../src/base/ip.js";
import { DROP_REASONS, type DropReason } from "../../src/plane/drop-reason.js";
import { write16, write32 } from "../../src/wire/ip-octets.js";
import { writeIpv4Checksum } from "../../src/wire/ipv4.js";

/** A call whose packets are spoilt: `data` is a good one of its peer, as a datagram, sequence number 0. */
export type Target = {
  readonly data: Uint8Array;
  readonly callId: number;
  /** The number due next. */
  readonly expected: () => number;
};

export type Targets = {
  /** MPPE is required and on. */
  readonly encrypted: Target;
  /** IPv4 as it stands, protocol field compressed, from the session's own address. */
  readonly plain: Target;
  readonly server: Ipv4;
  /** The addresses of a host here, of another session, and of the plain session itself. */
  readonly gateway: Ipv4;
  readonly other: Ipv4;
  readonly own: Ipv4;
};

/** Of a datagram with a header of 20 octets. */
const GRE = 20;
const SEQUENCE = 28;
/** Behind a sequence number and no acknowledgment. */
const PAYLOAD = 32;
const INNER = PAYLOAD + 1;
const TRUNCATED = 0x20;
const PAYLOAD_OCTETS_MAX = 1_532;

type Kind = {
  readonly reason: DropReason;
  /** Of 256 packets, how many. */
  readonly share: number;
  /** Which call's packet it is made of, if not of either's. */
  readonly of?: "encrypted" | "plain";
  /** It takes the number due next, so that its fault is looked at. */
  readonly next?: boolean;
  readonly spoil: (from: Malformer, octets: Uint8Array, at: number, luck: number) => void;
};

const KINDS: readonly Kind[] = [
  // The outer header.
  {
    ...{ reason: "outer-ip", share: 12 },
    spoil: (_, o, at, luck) => {
      const version = luck & 15;
      o[at] = ((version === 4 ? 6 : version) << 4) | 5;
    },
  },
  {
    ...{ reason: "outer-ip", share: 10 },
    spoil: (_, o, at, luck) => {
      o[at] = 0x40 | (luck % 5);
    },
  },
  {
    ...{ reason: "outer-ip", share: 10 },
    spoil: (from, o, at, luck) => write16(o, at + 2, from.length + 1 + (luck % 2_000)),
  },
  {
    ...{ reason: "outer-ip", share: 10 },
    spoil: (_, o, at, luck) => {
      o[at + 9] = (luck & 255) === 47 ? 6 : luck & 255;
    },
  },
  {
    ...{ reason: "outer-ip", share: 10 },
    spoil: (_, o, at, luck) => write16(o, at + 6, 1 + (luck % 0x3fff)),
  },
  // GRE: RFC 2637 §4.1.
  {
    ...{ reason: "gre-truncated", share: 12 },
    spoil: (from, o, at, luck) => from.cut(o, at, GRE + (luck & 7)),
  },
  {
    ...{ reason: "gre-truncated", share: 12 },
    spoil: (from, o, at, luck) => from.cut(o, at, SEQUENCE + (luck & 3)),
  },
  {
    ...{ reason: "gre-version", share: 12 },
    spoil: (_, o, at, luck) => {
      o[at + GRE + 1] = (o[at + GRE + 1]! & ~7) | [0, 2, 3, 4, 5, 6, 7][luck % 7]!;
    },
  },
  {
    ...{ reason: "gre-protocol", share: 12 },
    spoil: (_, o, at, luck) =>
      write16(o, at + GRE + 2, (luck & 0xffff) === 0x880b ? 0x0800 : luck & 0xffff),
  },
  {
    ...{ reason: "gre-no-key", share: 12 },
    spoil: (_, o, at) => {
      o[at + GRE] = o[at + GRE]! & ~0x20;
    },
  },
  {
    ...{ reason: "gre-flags", share: 12 },
    spoil: (_, o, at, luck) => {
      const bit = [0x8000, 0x4000, 0x0800, 0x0400, 0x0200, 0x0100, 0x40, 0x20, 0x10, 8][luck % 10]!;
      o[at + GRE] = o[at + GRE]! | (bit >>> 8);
      o[at + GRE + 1] = o[at + GRE + 1]! | (bit & 255);
    },
  },
  {
    ...{ reason: "gre-payload-over", share: 12 },
    spoil: (from, o, at, luck) => {
      const most = from.length - PAYLOAD;
      write16(o, at + GRE + 4, most + 1 + (luck % (0xffff - most)));
    },
  },
  {
    ...{ reason: "gre-payload-unsequenced", share: 12 },
    spoil: (_, o, at) => {
      o[at + GRE] = o[at + GRE]! & ~0x10;
    },
  },
  {
    ...{ reason: "gre-payload-large", share: 1, of: "encrypted" },
    spoil: (from, o, at, luck) => {
      const payload = PAYLOAD_OCTETS_MAX + 1 + (luck % 400);
      write16(o, at + GRE + 4, payload);
      from.cut(o, at, PAYLOAD + payload);
    },
  },
  {
    ...{ reason: "gre-payload-large", share: 1 },
    spoil: (from) => {
      from.flags = TRUNCATED;
    },
  },
  // No call, and calls' numbers.
  {
    ...{ reason: "unknown-call", share: 20 },
    spoil: (from, o, at, luck) => from.otherCall(o, at, luck),
  },
  {
    ...{ reason: "unknown-call", share: 16 },
    spoil: (_, o, at, luck) => write32(o, at + 12, 0x0d000000 | (luck & 0xffffff)),
  },
  {
    ...{ reason: "ack-out-of-range", share: 12, of: "encrypted" },
    spoil: (from, o, at, luck) => {
      o[at + GRE] = o[at + GRE]! & ~0x10;
      o[at + GRE + 1] = 0x81;
      write16(o, at + GRE + 4, 0);
      write32(o, at + GRE + 8, 0x10000000 + (luck & 0xfffffff));
      from.cut(o, at, GRE + 12);
    },
  },
  {
    ...{ reason: "late", share: 2, of: "plain" },
    spoil: (from, o, at, luck) => from.number(o, at, -1 - (luck & 0x3f)),
  },
  {
    ...{ reason: "out-of-window", share: 2, of: "plain" },
    spoil: (from, o, at, luck) => from.number(o, at, 0x20000000 + (luck & 0xfffffff)),
  },
  // PPP and MPPE, in sequence.
  {
    ...{ reason: "empty-payload", share: 2, of: "plain", next: true },
    spoil: (_, o, at) => write16(o, at + GRE + 4, 0),
  },
  {
    ...{ reason: "ppp-truncated", share: 2, of: "plain", next: true },
    spoil: (_, o, at, luck) => {
      write16(o, at + GRE + 4, 1);
      o[at + PAYLOAD] = luck & 0xfe;
    },
  },
  {
    ...{ reason: "mppe-not-open", share: 2, of: "plain", next: true },
    spoil: (_, o, at) => {
      o[at + PAYLOAD] = 0xfd;
    },
  },
  {
    ...{ reason: "plaintext-refused", share: 1, of: "encrypted", next: true },
    spoil: (_, o, at) => {
      o[at + PAYLOAD] = 0x21;
    },
  },
  {
    ...{ reason: "mppe-not-encrypted", share: 1, of: "encrypted", next: true },
    spoil: (_, o, at) => {
      o[at + INNER] = o[at + INNER]! & ~0x10;
    },
  },
  {
    ...{ reason: "mppe-empty", share: 1, of: "encrypted", next: true },
    spoil: (_, o, at, luck) => write16(o, at + GRE + 4, 1 + (luck % 3)),
  },
  // The packet inside, in sequence.
  {
    ...{ reason: "ip-truncated", share: 4, of: "plain", next: true },
    spoil: (_, o, at, luck) => write16(o, at + GRE + 4, 1 + (luck % 20)),
  },
  {
    ...{ reason: "ip-version", share: 4, of: "plain", next: true },
    spoil: (_, o, at, luck) => {
      const version = luck & 15;
      o[at + INNER] = ((version === 4 ? 6 : version) << 4) | 5;
    },
  },
  {
    ...{ reason: "ip-header", share: 4, of: "plain", next: true },
    spoil: (_, o, at, luck) => {
      o[at + INNER] = 0x40 | (luck % 5);
    },
  },
  {
    ...{ reason: "ip-length", share: 4, of: "plain", next: true },
    spoil: (from, o, at, luck) =>
      write16(o, at + INNER + 2, from.length - INNER + 1 + (luck & 0xfff)),
  },
  {
    ...{ reason: "ip-checksum", share: 4, of: "plain", next: true },
    spoil: (_, o, at, luck) => {
      const wrong = 1 + (luck % 0x7fff);
      o[at + INNER + 10] = o[at + INNER + 10]! ^ (wrong >>> 8);
      o[at + INNER + 11] = o[at + INNER + 11]! ^ (wrong & 255);
    },
  },
  {
    ...{ reason: "source-refused", share: 2, of: "plain", next: true },
    spoil: (_, o, at, luck) => {
      write32(o, at + INNER + 12, 0x0e000000 | (luck & 0xffffff));
      writeIpv4Checksum(o, at + INNER);
    },
  },
  ...(
    [
      ["tunnel-endpoint", (from) => from.targets.server],
      ["broadcast", (_, luck) => (0xe0000000 | (luck & 0xfffffff)) >>> 0],
      ["destination-refused", (_, luck) => 0x7f000000 | (luck & 0xffffff)],
      ["destination-refused", (from) => from.targets.own],
      ["host-refused", (from) => from.targets.gateway],
      ["client-to-client", (from) => from.targets.other],
    ] as [DropReason, (from: Malformer, luck: number) => Ipv4][]
  ).map(
    ([reason, destination]): Kind => ({
      ...{ reason, share: 1, of: "plain", next: true },
      spoil: (from, o, at, luck) => {
        write32(o, at + INNER + 16, destination(from, luck));
        writeIpv4Checksum(o, at + INNER);
      },
    }),
  ),
];

const PLACES = KINDS.map(({ reason }) => DROP_REASONS.indexOf(reason));
/** By an octet of luck: which kind. */
const TABLE = Uint8Array.from(
  KINDS.flatMap(({ share }, kind) => new Array<number>(share).fill(kind)),
);

export class Malformer {
  /** Of the datagram made last: its octets, and its flags as recvmmsg gives them. */
  length = 0;
  flags = 0;
  /** How many there must be of each reason, by its place in DROP_REASONS. */
  readonly due = new Float64Array(DROP_REASONS.length);
  /** How many took a number of the encrypted call. */
  taken = 0;
  #state: number;
  /** Of the batch under way: numbers of each call that its packets take. */
  #ahead = { encrypted: 0, plain: 0 };

  constructor(
    readonly targets: Targets,
    seed: number,
  ) {
    this.#state = (Math.imul(seed ^ 0x5bd1e995, 0x9e3779b1) ^ (seed >>> 15)) >>> 0 || 1;
  }

  /** The engine has taken all that was made. */
  begin(): void {
    this.#ahead.encrypted = 0;
    this.#ahead.plain = 0;
  }

  /** Makes one at `at` of `octets`. */
  make(octets: Uint8Array, at: number): void {
    const luck = this.#word();
    const which = TABLE[luck % TABLE.length]!;
    const kind = KINDS[which]!;
    const side = kind.of ?? ((luck & 0x1000) === 0 ? "encrypted" : "plain");
    const target = this.targets[side];
    octets.set(target.data, at);
    this.length = target.data.length;
    this.flags = 0;
    // Where it does not matter for this fault: behind the headers that are looked at before it.
    const free = kind.of === "plain" ? INNER + 28 : INNER + 2;
    const change = at + free + ((luck >>> 8) % (this.length - free));
    octets[change] = luck >>> 24;
    if (kind.next === true) {
      this.number(octets, at, this.#ahead[side]++);
      if (side === "encrypted") this.taken++;
    }
    kind.spoil(this, octets, at, this.#word());
    this.due[PLACES[which]!]!++;
  }

  /** The datagram is of `length` octets, and says so. */
  cut(octets: Uint8Array, at: number, length: number): void {
    write16(octets, at + 2, length);
    this.length = length;
  }

  /** So far from the number due next. */
  number(octets: Uint8Array, at: number, from: number): void {
    const target =
      octets[at + GRE + 7] === (this.targets.plain.callId & 255) ? "plain" : "encrypted";
    write32(octets, at + SEQUENCE, (this.targets[target].expected() + from) >>> 0);
  }

  otherCall(octets: Uint8Array, at: number, luck: number): void {
    const { plain, encrypted } = this.targets;
    const callId = luck & 0xffff;
    const live = callId === plain.callId || callId === encrypted.callId;
    write16(octets, at + GRE + 6, live ? 1 : callId);
  }

  #word(): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state >>> 0;
    // Xorshift's own low bits are not luck enough by themselves.
    return Math.imul(state ^ (state >>> 16), 0x45d9f3b) >>> 0;
  }
}
