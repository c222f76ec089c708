// Streams of GRE packets: from strangers, and into calls of others.
import type { Chance } from "../base/chance.js";
import { greHeaderOctets, writeGre } from "../wire/gre.js";
import { encodeFrame } from "../wire/ppp/frame.js";
import { encodePacket } from "../wire/ppp/packet.js";
import { Protocol } from "../wire/ppp/protocols.js";
import { mutate } from "./mutator.js";
import { negativeVectors } from "./negative-vectors.js";
import { pppFrames } from "./samples.js";
import type { HostilePacket, PacketScenario } from "./scenario.js";

const PAYLOAD_OCTETS_MAX = 1_400;
/** Numbers at which serial arithmetic turns over. */
const SEQUENCES = [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
/** A session that is young has sent no more than this: whoever guesses may guess right. */
const YOUNG_SEQUENCE_MAX = 2_048;
/** RFC 1962 §5: Reset-Request, Reset-Ack. */
const CCP_RESETS = [14, 15];
/** A log-in alone takes more. */
const FIRST_SEQUENCES = 8;

export function grePacket(
  frame: Uint8Array,
  callId: number,
  sequence: number,
  acknowledgment?: number,
): Uint8Array {
  const header = greHeaderOctets(true, acknowledgment !== undefined);
  const packet = new Uint8Array(header + frame.length);
  writeGre(packet, 0, callId, frame.length, sequence, acknowledgment);
  packet.set(frame, header);
  return packet;
}

function acknowledgmentOnly(callId: number, acknowledgment: number): Uint8Array {
  const packet = new Uint8Array(greHeaderOctets(false, true));
  writeGre(packet, 0, callId, 0, undefined, acknowledgment);
  return packet;
}

const callId = (chance: Chance) => chance.int(1, 65_535);
const sequence = (chance: Chance) => (chance.happens(0.2) ? chance.of(SEQUENCES) : chance.word());
const stranger = (octets: Uint8Array): HostilePacket => ({ octets, live: false });
const live = (octets: Uint8Array): HostilePacket => ({ octets, live: true });

const wellFormed = (chance: Chance) =>
  encodeFrame(chance.of([Protocol.compressed, Protocol.ipv4, Protocol.lcp]), chance.octets(40));

const nobodys = (chance: Chance) =>
  stranger(grePacket(wellFormed(chance), callId(chance), chance.word()));

const overGre = negativeVectors.flatMap(({ layer, send }) => {
  if (layer === "control") return [];
  return layer === "gre" ? send : send.map((frame) => grePacket(frame, 0x5678, 0));
});

const data = (chance: Chance) =>
  encodeFrame(
    chance.of([Protocol.compressed, Protocol.ipv4, Protocol.ipv6]),
    chance.octets(chance.int(3, 200)),
  );

/** As an attacker sends it who knows both addresses and the Call ID. */
function forged(chance: Chance, frame: Uint8Array, number: number): Uint8Array {
  const acknowledgment = chance.happens(0.5) ? chance.word() : undefined;
  return grePacket(frame, 0, number, acknowledgment);
}

/** Whatever comes out is bounded: a datagram that would not fit is cut. */
function bounded(octets: Uint8Array): Uint8Array {
  return octets.length > PAYLOAD_OCTETS_MAX ? octets.subarray(0, PAYLOAD_OCTETS_MAX) : octets;
}

export const packetScenarios: readonly PacketScenario[] = [
  {
    kind: "packets",
    name: "gre-vectors",
    threats: ["T-01", "T-05", "T-12", "T-13", "T-17", "T-18", "G-10", "G-13", "G-15"],
    about: "every negative vector of GRE and PPP, one after the other, from a stranger",
    whole: overGre.length,
    packet: (_chance, number) => stranger(overGre[number % overGre.length]!),
  },
  {
    kind: "packets",
    name: "gre-unknown-call",
    threats: ["T-01", "G-09", "G-21"],
    about: "well-formed packets of calls that nobody has, from many sources",
    sources: "many",
    packet: nobodys,
  },
  {
    kind: "packets",
    name: "gre-from-one",
    threats: ["T-01", "G-09", "G-21"],
    about: "the same from one source",
    sources: "one",
    packet: nobodys,
  },
  {
    kind: "packets",
    name: "gre-mutated",
    threats: ["T-01", "T-05", "T-19", "G-09"],
    about: "GRE packets with frames of every protocol, changed at random, from a stranger",
    packet: (chance) => {
      const good = grePacket(chance.of(pppFrames), callId(chance), chance.word());
      return stranger(bounded(mutate(chance, good, overGre)));
    },
  },
  {
    kind: "packets",
    name: "live-forged",
    threats: ["G-10", "G-13", "G-15", "T-39", "T-40"],
    about: "packets into a live call by one who knows its addresses and Call ID, not its sequence",
    packet: (chance) => {
      const frame = chance.happens(0.5) ? data(chance) : chance.of(pppFrames);
      return live(bounded(forged(chance, frame, sequence(chance))));
    },
  },
  {
    kind: "packets",
    name: "live-guessed",
    threats: ["G-10", "G-13", "T-39", "T-40"],
    about: "data into a live call by one who guesses that it is young, and its sequence low",
    packet: (chance) => live(forged(chance, data(chance), chance.int(0, YOUNG_SEQUENCE_MAX))),
  },
  {
    kind: "packets",
    name: "live-replayed",
    threats: ["G-10", "T-05"],
    about: "data into a live call under the numbers that its first packets had",
    packet: (chance) => live(forged(chance, data(chance), chance.int(0, FIRST_SEQUENCES - 1))),
  },
  {
    kind: "packets",
    byName: true,
    name: "live-negotiation",
    threats: ["G-10", "G-15", "T-40"],
    about: "LCP, CCP and IPCP likewise, unprotected: it ends sessions elsewhere, so when named",
    packet: (chance) => {
      const frame = chance.of(pppFrames);
      return live(bounded(forged(chance, frame, chance.int(0, YOUNG_SEQUENCE_MAX))));
    },
  },
  {
    kind: "packets",
    name: "live-vectors",
    threats: ["T-01", "T-05", "T-18", "G-10", "G-13"],
    about: "every negative vector of GRE and PPP into a live call",
    whole: overGre.length,
    packet: (_chance, number) => live(overGre[number % overGre.length]!),
  },
  {
    kind: "packets",
    name: "live-mutated",
    threats: ["T-01", "T-05", "T-19", "G-10"],
    about: "frames of LCP, CHAP, EAP, CCP, IPCP and MPPE changed at random, into a live call",
    packet: (chance) => {
      const frame = mutate(chance, chance.of(pppFrames), pppFrames);
      return live(bounded(grePacket(bounded(frame), 0, sequence(chance))));
    },
  },
  {
    kind: "packets",
    name: "ack-storm",
    threats: ["G-11"],
    about: "acknowledgments of what was never sent, into live calls and into none",
    packet: (chance) => {
      const octets = acknowledgmentOnly(callId(chance), sequence(chance));
      return chance.happens(0.5) ? live(octets) : stranger(octets);
    },
  },
  {
    kind: "packets",
    name: "reset-storm",
    threats: ["G-13", "T-28"],
    about: "CCP Reset-Requests and -Acks nobody sent, into live calls and into none",
    packet: (chance) => {
      const reset = encodePacket(
        chance.of(CCP_RESETS),
        chance.int(0, 255),
        chance.octets(chance.int(0, 4)),
      );
      const frame = encodeFrame(Protocol.ccp, reset);
      const forStranger = chance.happens(0.25);
      const number = chance.happens(0.5) ? chance.int(0, YOUNG_SEQUENCE_MAX) : sequence(chance);
      if (forStranger) return stranger(grePacket(frame, callId(chance), number));
      return live(forged(chance, frame, number));
    },
  },
];
