// Somebody who may log in and is hostile all the same, or who guesses at it: what he says comes at the right place of
// the sequence and, where he likes, encrypted as agreed, so that nothing of it is turned away before it is read.
import type { Chance } from "../base/chance.js";
import type { Ipv4 } from "../base/ip.js";
import { storm as bounds } from "../limits/storm.js";
import { write16 } from "../wire/ip-octets.js";
import { encodeFrame } from "../wire/ppp/frame.js";
import { LcpCode } from "../wire/ppp/lcp.js";
import { encodePacket } from "../wire/ppp/packet.js";
import { Protocol } from "../wire/ppp/protocols.js";
import { writeUdp } from "../wire/udp.js";
import { mutate } from "./mutator.js";
import { pppFrames } from "./samples.js";
import type { CutScenario, Ends, Uttered } from "./scenario.js";

const HEADER_OCTETS = 2;
const PACKET_OCTETS_MAX = 1_400;
const MUTATED = 24;
const FLOOD = 48;
/** RFC 1962 §5.5. */
const CCP_RESET_REQUEST = 14;
const ANYBODY: Ipv4 = 0xcb00_7107;

const either = (chance: Chance) => (chance.happens(0.5) ? "rst" : "fin");
const goes = (chance: Chance) => ({ octets: 0, how: either(chance) }) as const;

/** Protocol and an IPv4 packet, as MPPE encrypts them. */
function data(chance: Chance, source: Ipv4, destination: Ipv4): Uint8Array {
  const packet = new Uint8Array(20 + 8 + 32);
  const port = chance.int(1, 65_535);
  const octets = writeUdp(
    packet,
    source,
    port,
    destination,
    chance.int(1, 65_535),
    new Uint8Array(32),
  );
  const plain = new Uint8Array(2 + octets);
  write16(plain, 0, Protocol.ipv4);
  plain.set(packet.subarray(0, octets), 2);
  return plain;
}

const cut = (octets: Uint8Array) => octets.subarray(0, PACKET_OCTETS_MAX);
const plainly = (octets: Uint8Array): Uttered => ({ octets: cut(octets), sealed: false });
const sealed = (octets: Uint8Array): Uttered => ({ octets: cut(octets), sealed: true });

/** A frame changed as it stands, changed and then encrypted, or encrypted and then changed. */
function mutated(chance: Chance, { inner, peersInner }: Ends): Uttered {
  const frame = chance.of(pppFrames);
  const good = chance.happens(0.5)
    ? frame.subarray(HEADER_OCTETS)
    : data(chance, inner, peersInner);
  const kind = chance.unit();
  if (kind < 0.4) return plainly(mutate(chance, frame, pppFrames));
  if (kind < 0.7) return sealed(mutate(chance, good, pppFrames));
  const own = chance.fork();
  return { ...sealed(good), spoil: (packet) => cut(mutate(own, packet, [packet])) };
}

function control(protocol: number, code: number, identifier: number, data: Uint8Array): Uttered {
  return plainly(encodeFrame(protocol, encodePacket(code, identifier & 255, data)));
}

/** Well formed, too much of it, or where it does not belong. */
function flood(chance: Chance, number: number, { inner, peersInner, server }: Ends): Uttered {
  switch (number % 6) {
    case 0:
      return control(Protocol.lcp, LcpCode.echoRequest, number, chance.octets(16));
    case 1:
      return control(Protocol.ccp, CCP_RESET_REQUEST, number, new Uint8Array(0));
    case 2:
      return sealed(data(chance, ANYBODY, peersInner));
    case 3:
      return sealed(data(chance, inner, server));
    case 4:
      return plainly(new Uint8Array([0xff, 0x03, ...data(chance, inner, peersInner)]));
    default:
      return control(chance.int(1, 0x3fff) * 2 + 1, chance.int(1, 15), number, chance.octets(8));
  }
}
export const sessionScenarios: readonly CutScenario[] = [
  {
    kind: "cuts",
    floods: true,
    name: "session-mutated",
    threats: [
      "T-11",
      "T-12",
      "T-14",
      "T-15",
      "T-16",
      "T-17",
      "T-18",
      "T-19",
      "T-39",
      "G-13",
      "G-15",
    ],
    about: "a session's own frames of every protocol changed at random, before MPPE or after it",
    cut: goes,
    utter: (chance, _number, ends) => Array.from({ length: MUTATED }, () => mutated(chance, ends)),
    staysMs: bounds.insideMs,
    atOnce: bounds.insidersMax,
  },
  {
    kind: "cuts",
    floods: true,
    name: "session-floods",
    threats: ["T-07", "T-18", "T-39", "T-40", "G-13", "G-21", "G-22", "G-23"],
    about:
      "echoes, resets, plain packets, packets of others and to the server, in a session's place",
    cut: goes,
    utter: (chance, _number, ends) =>
      Array.from({ length: FLOOD }, (_, at) => flood(chance, at, ends)),
    staysMs: bounds.insideMs,
    atOnce: bounds.insidersMax,
  },
  {
    kind: "cuts",
    floods: true,
    name: "session-gaps",
    threats: ["G-10", "G-12"],
    about: "a session that leaves out every second number of its sequence",
    cut: goes,
    utter: (chance, _number, { inner, peersInner }) =>
      Array.from({ length: FLOOD }, () => ({
        ...sealed(data(chance, inner, peersInner)),
        skips: 1,
      })),
    staysMs: bounds.insideMs,
    atOnce: bounds.insidersMax,
  },
  {
    kind: "cuts",
    floods: true,
    name: "log-in-churn",
    threats: ["T-06", "G-19", "G-24", "G-25", "G-28", "G-29", "G-30"],
    about: "sessions that come up and are gone at once, one after the other",
    cut: goes,
    utter: () => [],
    atOnce: bounds.insidersMax,
  },
  {
    kind: "cuts",
    floods: true,
    name: "guesses",
    threats: ["T-41", "G-16", "G-18"],
    about: "log-ins with a wrong password, under the user's name and under invented ones",
    cut: goes,
    guess: (chance, number, { name }) => ({
      name: chance.happens(0.5) ? name : `guess-${number % 1_000}`,
      password: `wrong-${chance.word()}`,
    }),
  },
  {
    kind: "cuts",
    byName: true,
    floods: true,
    name: "pool-exhaustion",
    threats: ["G-19"],
    about: "sessions that stay until the user has no more or the pool is empty, so when named",
    cut: goes,
    utter: () => [],
    staysMs: bounds.exhaustMs,
    atOnce: bounds.exhaustMax,
    exhausts: true,
  },
];
