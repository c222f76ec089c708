// Hostile GRE and PPP in every phase of a session, towards the server and (a hostile server's) towards
// the caller: no exception, bounded answers, nothing kept after the disconnect.
import { describe, expect, test } from "vitest";
import { Chance } from "../../src/base/chance.js";
import { joined, mutate } from "../../src/storm/mutator.js";
import { greHeaderOctets, writeGre } from "../../src/wire/gre.js";
import { read16, read32 } from "../../src/wire/ip-octets.js";
import { datagram } from "../plane/pair.js";
import { POLICY } from "../ppp/pair.js";
import { CallerSide, Pair, ServerSide } from "./bench.js";
import { controlMessages, pppFrames, startRequest, vectorsOf } from "./corpus.js";
import { fuzz, seed } from "./seeds.js";
import { segments } from "./segments.js";

/** A Configure-Request of 12 + 8 octets gets Nak, our own Request and an acknowledgment. */
const AMPLIFICATION = 8;
/** Restart timers, Echo-Requests, Terminate-Requests: what a session says by itself in a trial. */
const OWN_OCTETS = 4_096;
/** A log-in is this many steps, from SCCRQ to the network phase, and some more. */
const LOGIN_STEPS = 60;

const greVectors = vectorsOf("gre").flatMap(({ send }) => send);
const PLAIN = { ...POLICY, encryption: { require: false, bits: [], stateful: false } };
const STATEFUL = {
  ...POLICY,
  encryption: { require: true, bits: [128], stateful: true, askStateful: true },
} as const;

/** The GRE header of what the good peer said last, so that the call is known and the number good. */
function wrap(chance: Chance, like: Uint8Array, frame: Uint8Array, ahead: number): Uint8Array {
  const flags = like[21]!;
  const acknowledgment = (flags & 0x80) !== 0 && chance.happens(0.5) ? 1 : undefined;
  const start = greHeaderOctets(true, acknowledgment !== undefined);
  const gre = new Uint8Array(start + frame.length);
  const sequence = (like[20]! & 0x10) === 0 ? ahead : read32(like, 28) + ahead;
  writeGre(gre, 0, read16(like, 26), frame.length, sequence >>> 0, acknowledgment);
  gre.set(frame, start);
  return gre;
}

/** A hostile datagram in the place of the next one from `source` to `destination`. */
function hostile(chance: Chance, heard: readonly Uint8Array[], ahead: number): Uint8Array {
  const like = heard.at(-1)!;
  const [source, destination] = [read32(like, 12), read32(like, 16)];
  if (chance.happens(0.05)) return mutate(chance, like, heard);
  if (chance.happens(0.1)) return datagram(source, destination, mutate(chance, like, heard));
  if (chance.happens(0.1)) {
    return datagram(source, destination, mutate(chance, chance.of(greVectors), greVectors));
  }
  const recorded = chance.of(heard).slice(20 + 12);
  const good = chance.happens(0.4) ? recorded : chance.of(pppFrames);
  const frame = chance.happens(0.3) ? good : mutate(chance, good, pppFrames);
  const sequence = chance.happens(0.9) ? ahead : chance.of([0, 3, 17, 256, 2_000, 2 ** 31]);
  return datagram(source, destination, wrap(chance, like, frame.slice(0, 1_500), sequence));
}

describe.each([
  ["encryption required", POLICY],
  ["stateful encryption", STATEFUL],
  ["no encryption", PLAIN],
])("session under fuzz, %s", (name, policy) => {
  test("GRE and PPP towards the server, in every phase", () => {
    const server = new ServerSide(new Chance(seed), policy);
    const caller = new CallerSide(new Chance(seed + 1), policy);
    let sessionsUp = 0;
    fuzz(700, (chance) => {
      const pair = new Pair(server, caller).run(chance.int(4, LOGIN_STEPS));
      if (caller.isUp) sessionsUp++;
      pair.cut();
      const before = server.greOctets + server.controlOctets;
      const { delivered } = server;
      let octetsIn = 0;
      const heard = pair.toServer.length > 0 ? pair.toServer : undefined;
      for (let units = chance.int(1, 60), ahead = 1; heard && units > 0; units--) {
        const packet = hostile(chance, heard, ahead++);
        server.datagram(packet);
        octetsIn += packet.length;
        if (chance.happens(0.05)) server.pass(chance.int(1, 4_000));
      }
      const out = server.greOctets + server.controlOctets - before;
      const most = octetsIn * AMPLIFICATION + OWN_OCTETS;
      if (out > most) throw new Error(`${out} octets out for ${octetsIn} in`);
      if (policy.encryption.require && server.delivered > delivered) {
        throw new Error("data was taken from somebody without the key");
      }
      server.checkEmpty();
      caller.checkEmpty();
    });
    expect(sessionsUp, name).toBeGreaterThan(20);
  }, 120_000);

  test("a hostile server's GRE, PPP and control messages towards the caller (T-35)", () => {
    const server = new ServerSide(new Chance(seed + 2), policy);
    const caller = new CallerSide(new Chance(seed + 3), policy);
    fuzz(700, (chance) => {
      const pair = new Pair(server, caller).run(chance.int(1, LOGIN_STEPS));
      pair.cut();
      const before = caller.octetsOut;
      let octetsIn = 0;
      const { toCaller } = pair;
      const control = [...controlMessages, ...pair.controlToCaller];
      for (let units = chance.int(1, 60), ahead = 1; units > 0; units--) {
        if (chance.happens(0.1) || toCaller.length === 0) {
          const octets = mutate(chance, chance.of(control), control);
          for (const segment of segments(chance, octets)) caller.octets(segment);
          octetsIn += octets.length;
        } else {
          const packet = hostile(chance, toCaller, ahead++);
          caller.datagram(packet);
          octetsIn += packet.length;
        }
        if (chance.happens(0.05)) caller.pass(chance.int(1, 4_000));
      }
      const out = caller.octetsOut - before;
      const most = octetsIn * (148 / 16) + OWN_OCTETS;
      if (out > most) throw new Error(`${out} octets out for ${octetsIn} in`);
      caller.checkEmpty();
      server.checkEmpty();
    });
  }, 120_000);
});

describe("a log-in cut off (T-24)", () => {
  const server = new ServerSide(new Chance(seed + 4));
  const caller = new CallerSide(new Chance(seed + 5));

  test("after every step, by FIN or by RST: nothing is kept at either end", () => {
    let sessionsUp = 0;
    for (let steps = 0; steps < LOGIN_STEPS; steps++) {
      new Pair(server, caller).run(steps).cut();
      if (caller.isUp) sessionsUp++;
      server.checkEmpty();
      caller.checkEmpty();
    }
    expect(sessionsUp).toBeGreaterThan(0);
  });

  test("after every octet of the control connection: nothing is kept", () => {
    const stream = joined(startRequest, controlMessages[6]!);
    for (let octets = 0; octets <= stream.length; octets++) {
      server.connect();
      for (let at = 0; at < octets; at++) server.octets(stream.slice(at, at + 1));
      server.checkEmpty();
    }
    expect(server.server.connections).toBe(0);
  });
});

describe("every negative vector, sent by a hostile server (T-35)", () => {
  const server = new ServerSide(new Chance(seed));
  const caller = new CallerSide(new Chance(seed));

  test.each(vectorsOf("control"))("$id: the call ends and nothing is kept", ({ send }) => {
    for (let steps = 0; steps < LOGIN_STEPS; steps += 3) {
      const pair = new Pair(server, caller).run(steps);
      pair.cut();
      for (const octets of send) caller.octets(octets);
      caller.pass(200_000);
      caller.checkEmpty();
      server.checkEmpty();
    }
  });

  test.each(vectorsOf("ppp"))("$id: nothing is kept", ({ send }) => {
    for (let steps = 6; steps < LOGIN_STEPS; steps += 3) {
      const pair = new Pair(server, caller).run(steps);
      pair.cut();
      const like = pair.toCaller.at(-1);
      if (like === undefined) continue;
      const [source, destination] = [read32(like, 12), read32(like, 16)];
      for (const [index, frame] of send.entries()) {
        const gre = wrap(new Chance(steps), like, frame, index + 1);
        caller.datagram(datagram(source, destination, gre));
      }
      caller.pass(200_000);
      caller.checkEmpty();
      server.checkEmpty();
    }
  });
});
