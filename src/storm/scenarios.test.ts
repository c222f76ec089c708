import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { octets, vectors } from "../../test/vectors/vectors.js";
import { Chance } from "../base/chance.js";
import { storm as bounds } from "../limits/storm.js";
import { decodeFrame } from "../wire/ppp/frame.js";
import { decodeControlMessage } from "../wire/pptp/index.js";
import { fragmentKinds } from "./fragment-scenarios.js";
import { negativeVectors } from "./negative-vectors.js";
import { controlMessages, pppFrames } from "./samples.js";
import { type HostilePacket, octetsOf, type Scenario } from "./scenario.js";
import { scenarios, scenariosOf } from "./scenarios.js";

const UNITS = 400;
const WHOLE = 700;
const ENDS = { inner: 0x0a630002, peersInner: 0x0a630001, server: 0xc6120101 };

function unitOf(scenario: Scenario, chance: Chance, number: number) {
  if (scenario.kind === "packets") return scenario.packet(chance, number);
  if (scenario.kind === "talks") return scenario.talk(chance, number);
  const credentials = scenario.guess?.(chance, number, { name: "ann", password: "right" });
  const uttered = scenario.utter?.(chance, number, ENDS).map(({ octets: one, spoil }) => {
    return [one, spoil?.(one.slice())];
  });
  return [scenario.cut(chance, number, WHOLE), credentials, uttered];
}

function digest(scenario: Scenario, seed: number): string {
  const chance = new Chance(seed);
  const hash = createHash("sha256");
  for (let number = 0; number < UNITS; number++) {
    const unit = unitOf(scenario, chance, number);
    hash.update(
      JSON.stringify(unit, (_, value) => (value instanceof Uint8Array ? [...value] : value)),
    );
  }
  return hash.digest("hex");
}

test("the negative vectors are those that tests are made of, RADIUS left out", () => {
  const there = vectors.negative.filter(({ layer }) => layer !== "radius");
  expect(negativeVectors).toEqual(
    there.map(({ id, layer, send }) => ({ id, layer, send: send.map(octets) })),
  );
});

test("names are unique, and each stands for known threats", () => {
  const names = scenarios.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, threats, about } of scenarios) {
    expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(threats.length, name).toBeGreaterThan(0);
    for (const threat of threats) expect(threat, name).toMatch(/^[TG]-[0-9]{2}$/);
    expect(about.length, name).toBeLessThan(100);
  }
});

describe.each(scenarios.map((scenario) => [scenario.name, scenario] as const))(
  "%s",
  (_, scenario) => {
    test("the same seed makes the same stream", () => {
      expect(digest(scenario, 1)).toBe(digest(scenario, 1));
    });

    test("bounded: what fits a datagram; what is said, how long and how often", () => {
      const chance = new Chance(2);
      for (let number = 0; number < UNITS; number++) {
        if (scenario.kind === "packets") {
          const { octets: packet, piece, segment } = scenario.packet(chance, number);
          // With both headers of a segment within a datagram of 1,500, too.
          expect(packet.length).toBeLessThanOrEqual(segment === undefined ? 1_480 : 1_460);
          expect((piece ?? segment) !== undefined, `${number}`).toBe(scenario.headed === true);
          if (piece === undefined) continue;
          expect([piece.offset % 8, piece.offset >= 0, piece.offset <= 65_528]).toEqual([
            0,
            true,
            true,
          ]);
          continue;
        }
        if (scenario.kind === "cuts") {
          expect(scenario.cut(chance, number, WHOLE).octets).toBeLessThanOrEqual(WHOLE);
          const uttered = scenario.utter?.(chance, number, ENDS) ?? [];
          expect(uttered.length).toBeLessThanOrEqual(64);
          for (const { octets: one, spoil } of uttered) {
            expect(one.length).toBeLessThanOrEqual(1_400);
            expect(spoil?.(one.slice()).length ?? 0).toBeLessThanOrEqual(1_400);
          }
          continue;
        }
        const talk = scenario.talk(chance, number);
        expect(talk.length).toBeLessThanOrEqual(64);
        expect(octetsOf(talk)).toBeLessThanOrEqual(16_384);
        for (const step of talk) {
          if (step.do === "stay") expect(step.ms).toBeLessThan(bounds.talkMs);
          if (step.do === "dribble") {
            expect(step.octets.length * step.everyMs).toBeLessThan(bounds.talkMs);
          }
        }
      }
    });
  },
);

test("a log-in is cut at each of its octets", () => {
  const cut = scenarios.find(({ name }) => name === "cut-log-in");
  const lengths = Array.from({ length: 325 }, (_, number) =>
    cut?.kind === "talks" ? octetsOf(cut.talk(new Chance(1), number)) : -1,
  );
  expect([...new Set(lengths)].sort((a, b) => a - b)).toEqual(lengths.map((_, octet) => octet));
});

test("a log-in with its PPP is cut at each of its octets, and once at none", () => {
  const cut = scenarios.find(({ name }) => name === "cut-session");
  const places = Array.from({ length: WHOLE + 1 }, (_, number) =>
    cut?.kind === "cuts" ? cut.cut(new Chance(1), number, WHOLE).octets : -1,
  );
  expect(places.sort((a, b) => a - b)).toEqual(places.map((_, octet) => octet));
});

test("the mutator starts from each of the 15 messages, and from frames of every protocol that is spoken", () => {
  const kinds = controlMessages.map((octets) => {
    const read = decodeControlMessage(octets);
    return read.ok ? read.value.kind : undefined;
  });
  expect(new Set(kinds).size).toBe(15);
  expect(kinds).not.toContain(undefined);
  const protocols = pppFrames.map((octets) => {
    const read = decodeFrame(octets);
    return read.ok ? read.value.protocol : undefined;
  });
  // LCP, PAP, CHAP, EAP, CCP, IPCP, IPV6CP, IPv4, MPPE; three that are not spoken, and one that is none.
  const spoken = [
    0xc021,
    0xc023,
    0xc223,
    0xc227,
    0x80fd,
    0x8021,
    0x8057,
    0x0021,
    0x00fd,
    0xc029,
    0x003d,
    0x80fb,
    undefined,
  ];
  expect([...new Set(protocols)].sort()).toEqual([...spoken].sort());
});

test("every order of four messages has its turn, once", () => {
  const orders = scenarios.find(({ name }) => name === "message-orders");
  if (orders?.kind !== "talks" || orders.whole === undefined) throw new Error("none");
  expect(orders.whole).toBe(15 ** 4);
  const seen = new Set<string>();
  const chance = new Chance(1);
  const typeOf = (octets: Uint8Array) => octets[9] ?? 0;
  for (let number = 0; number < orders.whole; number++) {
    const said = orders.talk(chance, number).flatMap((step) => (step.do === "say" ? [step] : []));
    seen.add(
      said
        .slice(1)
        .map(({ octets: one }) => typeOf(one))
        .join(" "),
    );
  }
  expect(seen.size).toBe(orders.whole);
});

test("a session's own frames come as they are, sealed, and spoilt once they are", () => {
  const own = scenarios.find(({ name }) => name === "session-mutated");
  const chance = new Chance(3);
  const uttered = Array.from({ length: 20 }, (_, number) =>
    own?.kind === "cuts" ? (own.utter?.(chance, number, ENDS) ?? []) : [],
  ).flat();
  const kinds = uttered.map(({ sealed, spoil }) => `${sealed} ${spoil !== undefined}`);
  expect([...new Set(kinds)].sort()).toEqual(["false false", "true false", "true true"]);
});

test("fragments: what a kernel joins is well-formed GRE; the rest never is one", () => {
  const fragments = scenarios.find(({ name }) => name === "fragments");
  if (fragments?.kind !== "packets" || fragments.whole === undefined) throw new Error("none");
  expect(fragments.whole).toBe(4 * Object.keys(fragmentKinds).length);
  const chance = new Chance(4);
  const kinds = Object.keys(fragmentKinds);
  const joined = new Map<string, boolean>();
  for (let number = 0; number < fragments.whole; number += 4) {
    const pieces = Array.from({ length: 4 }, (_, at) => fragments.packet(chance, number + at));
    joined.set(kinds[number / 4]!, isJoined(pieces));
  }
  expect([...joined].flatMap(([kind, whole]) => (whole ? [kind] : []))).toEqual([
    "a first without all of the header, then the rest",
    "the same again",
    "backwards",
  ]);
});

/** As RFC 791 joins them, and RFC 5722 §4 leaves what overlaps; the same piece twice counts once. */
function isJoined(pieces: readonly HostilePacket[]): boolean {
  const first = pieces[0]?.piece?.datagram;
  const parts = new Map<string, { from: number; to: number; more: boolean }>();
  for (const { octets: data, piece } of pieces) {
    if (piece === undefined || piece.datagram !== first) continue;
    const [from, to] = [piece.offset, piece.offset + data.length];
    // A piece with more behind it has octets, a multiple of 8 of them.
    if (piece.more && (data.length === 0 || data.length % 8 !== 0)) continue;
    parts.set(`${from}-${to}`, { from, to, more: piece.more });
  }
  let at = 0;
  for (const { from, to, more } of [...parts.values()].sort((a, b) => a.from - b.from)) {
    if (from !== at || to > 65_515) return false;
    at = to;
    if (!more) return at === 96;
  }
  return false;
}

test("a third party's TCP: never the octet that comes next, never an acknowledgment of what was sent", () => {
  const tcp = scenarios.find(({ name }) => name === "live-tcp");
  if (tcp?.kind !== "packets") throw new Error("none");
  const chance = new Chance(5);
  const guesses = Array.from({ length: 2_000 }, (_, number) => tcp.packet(chance, number).segment!);
  const beyond = guesses.flatMap((one) => one.beyond ?? []);
  expect(beyond.length).toBeGreaterThan(800);
  expect(Math.min(...beyond)).toBeGreaterThanOrEqual(2_048);
  expect(Math.max(...beyond)).toBeLessThanOrEqual(16_384);
  const within = new Set(
    guesses.flatMap(({ flags, beyond: at }) => (at === undefined ? [] : flags)),
  );
  // RST, SYN, FIN and data, each within the window.
  expect([...within].sort((a, b) => a - b)).toEqual([0, 2, 4, 8, 16, 17, 18, 20, 24]);
});

test("a row of the threats names all that stand for it; those that run by name only when they are alone", () => {
  const names = (name: string) => scenariosOf(name).map((one) => one.name);
  expect(names("G-09")).toEqual([
    ...["gre-unknown-call", "gre-from-one", "gre-mutated", "fragments"],
  ]);
  expect(names("G-20")).toEqual(["fragments", "live-fragments"]);
  expect(names("G-19")).not.toContain("pool-exhaustion");
  expect(names("pool-exhaustion")).toEqual(["pool-exhaustion"]);
  expect(names("T-20")).toEqual([]);
});
