// RFC 791 §3.2: pieces of GRE datagrams, as those send them who want a kernel to keep, join or confuse them: the first and
// nothing more, a first too short for GRE's header, pieces that overlap, are missing, come twice or backwards, end twice or
// beyond what a datagram may have.
import type { Chance } from "../base/chance.js";
import { encodeFrame } from "../wire/ppp/frame.js";
import { Protocol } from "../wire/ppp/protocols.js";
import { grePacket } from "./packet-scenarios.js";
import type { HostilePacket, PacketScenario } from "./scenario.js";

/** Of one datagram as it should be: 12 octets of GRE, 4 of PPP, the rest anything. */
const WHOLE_OCTETS = 96;
const DATA_OCTETS = WHOLE_OCTETS - 16;
/** Each kind sends so many pieces, one after the other. */
const PIECES = 4;
/** The highest offset there is, and what from there on is beyond 65,535 octets. */
const LAST_OFFSET = 65_528;

/** Octets `from` to `to` of the datagram. `own`: of one of its own. `at`: said to be there. */
type Part = {
  readonly from: number;
  readonly to: number;
  readonly more: boolean;
  readonly at?: number;
  readonly own?: true;
};

const part = (from: number, to: number, more = true): Part => ({ from, to, more });
const lonely = (from: number, to: number, more: boolean): Part => ({ from, to, more, own: true });

/** By what the receiver has to do with them. */
export const fragmentKinds: Readonly<Record<string, readonly [Part, Part, Part, Part]>> = {
  "the first alone, each of another datagram": [
    lonely(0, 64, true),
    lonely(0, 32, true),
    lonely(0, 8, true),
    lonely(0, 88, true),
  ],
  "the last alone, each of another datagram": [
    lonely(64, 96, false),
    lonely(8, 96, false),
    lonely(32, 64, true),
    lonely(88, 96, false),
  ],
  "a first without all of the header, then the rest": [
    part(0, 8),
    part(8, 96, false),
    // Once more, now of another that stays without its end.
    lonely(0, 8, true),
    lonely(8, 16, true),
  ],
  overlapping: [part(0, 64), part(32, 80), part(40, 48), part(64, 96, false)],
  "the same again": [part(0, 48), part(0, 48), part(0, 48), part(48, 96, false)],
  backwards: [part(64, 96, false), part(32, 64), part(8, 32), part(0, 8)],
  holes: [part(0, 8), part(16, 24), part(32, 40), part(48, 56)],
  "two ends": [part(0, 32), part(64, 96, false), part(32, 40, false), part(32, 64)],
  "beyond the end": [
    part(0, 96),
    { ...part(0, 96, false), at: LAST_OFFSET },
    { ...part(0, 96), at: LAST_OFFSET },
    { ...part(0, 8, false), at: LAST_OFFSET },
  ],
  "no multiple of 8, and nothing": [part(0, 61), part(64, 64), part(64, 67), part(64, 64, false)],
};

const kinds = Object.values(fragmentKinds);

function fragment(chance: Chance, number: number, live: boolean): HostilePacket {
  const group = Math.floor(number / PIECES);
  const { from, to, more, at = from, own } = kinds[group % kinds.length]![number % PIECES]!;
  const protocol = chance.of([Protocol.compressed, Protocol.ipv4, Protocol.lcp]);
  const frame = encodeFrame(protocol, chance.octets(DATA_OCTETS));
  const whole = grePacket(frame, chance.int(1, 65_535), chance.word());
  const datagram = own === true ? group * PIECES + (number % PIECES) : group * PIECES;
  return { octets: whole.subarray(from, to), live, piece: { datagram, offset: at, more } };
}

export const fragmentScenarios: readonly PacketScenario[] = [
  {
    kind: "packets",
    name: "fragments",
    threats: ["G-20", "G-09"],
    about: "pieces of GRE datagrams from strangers: never whole, overlapping, twice, backwards",
    headed: true,
    whole: PIECES * kinds.length,
    packet: (chance, number) => fragment(chance, number, false),
  },
  {
    kind: "packets",
    name: "live-fragments",
    threats: ["G-20", "G-10"],
    about: "the same into a live call, from its peer's address",
    headed: true,
    whole: PIECES * kinds.length,
    packet: (chance, number) => fragment(chance, number, true),
  },
];
