// Hostile octets on a control connection of the server: only values come of them, nothing is kept
// after the disconnect, and no more goes out than a stated multiple of what came in.
import { describe, expect, test } from "vitest";
import { Chance } from "../../src/base/chance.js";
import { instant } from "../../src/base/instant.js";
import { joined, mutate } from "../../src/storm/mutator.js";
import { ServerSide } from "./bench.js";
import { controlMessages, startRequest, vectorsOf } from "./corpus.js";
import { fuzz, seed } from "./seeds.js";
import { segments } from "./segments.js";

/** Call-Clear-Request, 16 octets, gets Call-Disconnect-Notify, 148. */
const AMPLIFICATION = 148 / 16;
/** What a connection says by itself: Echo-Requests, Stop, a Configure-Request a call. */
const OWN_OCTETS = 2_048;

const vectors = vectorsOf("control").flatMap(({ send }) => send);
const corpus = [...controlMessages, ...vectors];

describe("control connection under fuzz", () => {
  test("streams of the 15 messages, changed, cut and in any order", () => {
    const side = new ServerSide(new Chance(seed));
    let units = 0;
    let answered = 0;
    fuzz(30_000, (chance) => {
      side.connect();
      const before = side.controlOctets + side.greOctets;
      let octetsIn = 0;
      if (chance.happens(0.8)) {
        side.octets(startRequest);
        octetsIn += startRequest.length;
      }
      for (let messages = chance.int(1, 16); messages > 0 && side.connected; messages--) {
        const good = chance.of(corpus);
        const message = chance.happens(0.5) ? good : mutate(chance, good, corpus);
        const octets = chance.happens(0.1) ? joined(message, chance.of(corpus)) : message;
        for (const segment of segments(chance, octets)) side.octets(segment);
        octetsIn += octets.length;
        units++;
        if (chance.happens(0.1)) side.pass(chance.int(1, 70_000));
      }
      const out = side.controlOctets + side.greOctets - before;
      answered += out;
      const most = octetsIn * AMPLIFICATION + OWN_OCTETS;
      if (out > most) throw new Error(`${out} octets out for ${octetsIn} in`);
      side.checkEmpty();
    });
    expect(units).toBeGreaterThan(30_000);
    expect(answered).toBeGreaterThan(0);
    expect(side.server.reasons.snapshot()).not.toEqual({});
  }, 120_000);

  test("calls asked for, refused, cleared and told of in any order", () => {
    const side = new ServerSide(new Chance(seed + 1));
    fuzz(6_000, (chance) => {
      side.connect();
      side.octets(startRequest);
      for (let messages = chance.int(1, 24); messages > 0 && side.connected; messages--) {
        const octets = chance.of(controlMessages).slice();
        // Few Call IDs, so that messages meet calls there are.
        if (octets.length >= 14 && chance.happens(0.8)) octets[13] = chance.int(0, 3);
        side.octets(octets);
        if (chance.happens(0.2)) side.pass(chance.int(1, 3_000));
        if (chance.happens(0.02)) side.loseWorker();
      }
      side.checkEmpty();
    });
  }, 120_000);

  test("every sequence of four messages, on a connection that is established (T-09)", () => {
    const side = new ServerSide(new Chance(seed + 2));
    const kinds = controlMessages.length;
    for (let sequence = 0; sequence < kinds ** 4; sequence++) {
      side.connect();
      side.octets(startRequest);
      for (let left = sequence, at = 0; at < 4; at++, left = Math.floor(left / kinds)) {
        side.octets(controlMessages[left % kinds]!);
      }
      side.checkEmpty();
      // Time passes, so that Call IDs come back from their rest.
      side.now = instant(side.now + 100);
    }
    expect(side.server.reasons.get("invariant-broken")).toBe(0);
  }, 120_000);

  test("every sequence of three messages, from the first octet on (T-09)", () => {
    const side = new ServerSide(new Chance(seed + 3));
    for (const first of controlMessages) {
      for (const second of controlMessages) {
        for (const third of controlMessages) {
          side.connect();
          side.octets(joined(first, second, third));
          side.checkEmpty();
        }
      }
    }
    expect(side.server.connections).toBe(0);
  });
});
