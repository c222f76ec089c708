// Spoilt SOCKS requests, datagram headers and DNS answers: values, never exceptions; in pieces as whole.
import { expect, test } from "vitest";
import type { Chance } from "../../src/base/chance.js";
import { decodeAnswer, encodeQuestion } from "../../src/client/proxy/dns-message.js";
import {
  decodeDatagramHeader,
  decodeGreeting,
  decodeRequest,
} from "../../src/client/proxy/socks-message.js";
import { decodeRequest4 } from "../../src/client/proxy/socks4-message.js";
import { proxy } from "../../src/limits.js";
import { mutate } from "../../src/storm/mutator.js";
import { answered, encodedName } from "../dns.js";
import { fuzz } from "./seeds.js";

const letters = "abcdefghijklmnopqrstuvwxyz0123456789-";
const label = (chance: Chance, most: number) =>
  Array.from({ length: chance.int(1, most) }, () => chance.of([...letters])).join("");
const nameOf = (chance: Chance) =>
  Array.from({ length: chance.int(1, 5) }, () => label(chance, 40)).join(".");

const requests = [
  Uint8Array.of(5, 1, 0, 1, 192, 168, 50, 2, 0, 80),
  Uint8Array.of(5, 1, 0, 3, 8, ...Buffer.from("web.test"), 0x1f, 0x90),
  Uint8Array.of(5, 3, 0, 4, ...new Uint8Array(15), 1, 0, 80),
  Uint8Array.of(5, 2, 0, 2),
  Uint8Array.of(4, 1, 0, 80, 192, 168, 50, 2, 97, 0),
  Uint8Array.of(4, 1, 0, 80, 0, 0, 0, 1, 0, ...Buffer.from("web.test"), 0),
  Uint8Array.of(0, 0, 0, 1, 10, 0, 0, 7, 0, 53, 9, 8, 7),
];

test("SOCKS octets of any kind: a value that lies within them, or more is wanted", () => {
  const kinds = { more: 0, malformed: 0, good: 0 };
  fuzz(8_000, (chance) => {
    const octets = mutate(chance, chance.of(requests), requests);
    for (const decode of [decodeGreeting, decodeRequest, decodeRequest4, decodeDatagramHeader]) {
      const result = decode(octets);
      if (result === undefined) kinds.more++;
      else if (!result.ok) kinds.malformed++;
      else {
        kinds.good++;
        expect(result.value.octets).toBeLessThanOrEqual(octets.length);
        // What comes after changes nothing, and nothing before its end was enough.
        const { octets: end } = result.value;
        expect(decode(octets.slice(0, end))).toEqual(result);
        if (decode !== decodeDatagramHeader)
          expect(decode(octets.slice(0, end - 1))).toBeUndefined();
      }
    }
  });
  for (const count of Object.values(kinds)) expect(count).toBeGreaterThan(100);
});

test("a request that is not whole never asks for more than the bound", () => {
  fuzz(2_000, (chance) => {
    const octets = chance.octets(proxy.requestOctetsMax);
    octets.set([5, 1, 0, chance.of([1, 3, 4])]);
    expect(decodeRequest(octets)).toBeDefined();
    octets.set([5, chance.int(0, 255)]);
    expect(decodeGreeting(octets)).toBeDefined();
  });
});

test("DNS answers: those that were asked for are read, spoilt ones give an address or a reason", () => {
  let good = 0;
  let bad = 0;
  fuzz(2_500, (chance) => {
    const name = nameOf(chance);
    const id = chance.int(0, 65_535);
    if (encodeQuestion(id, name) === undefined) return;
    const alias = nameOf(chance);
    const address = { owner: alias, type: 1, data: [...chance.octets(4)] };
    const whole = answered(id, name, [
      { owner: name, type: 5, data: [...encodedName(alias)] },
      address,
    ]);
    const [a, b, c, d] = address.data;
    const expected = ((a! << 24) | (b! << 16) | (c! << 8) | d!) >>> 0;
    expect(decodeAnswer(whole, id, name)).toMatchObject({ value: { addresses: [expected] } });
    const answer = decodeAnswer(mutate(chance, whole, [whole]), id, name);
    if (answer.ok) {
      good++;
      expect(answer.value.addresses.length).toBeLessThanOrEqual(proxy.nameRecordsMax);
    } else bad++;
  });
  expect(good).toBeGreaterThan(200);
  expect(bad).toBeGreaterThan(200);
});
