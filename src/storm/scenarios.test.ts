import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { octets, vectors } from "../../test/vectors/vectors.js";
import { Chance } from "../base/chance.js";
import { storm as bounds } from "../limits/storm.js";
import { negativeVectors } from "./negative-vectors.js";
import { octetsOf, type Scenario } from "./scenario.js";
import { scenarios } from "./scenarios.js";

const UNITS = 400;
const WHOLE = 700;

function unitOf(scenario: Scenario, chance: Chance, number: number) {
  if (scenario.kind === "packets") return scenario.packet(chance, number);
  if (scenario.kind === "talks") return scenario.talk(chance, number);
  return scenario.cut(chance, number, WHOLE);
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
          const { octets: packet } = scenario.packet(chance, number);
          expect(packet.length).toBeLessThanOrEqual(1_480);
          continue;
        }
        if (scenario.kind === "cuts") {
          expect(scenario.cut(chance, number, WHOLE).octets).toBeLessThanOrEqual(WHOLE);
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
