// Hostile octets at the data path, by the rows of docs/SECURITY-MODEL.md's threats that no other test of
// this room shows: nothing throws, nothing is kept, nothing leaks out of one packet into another.
import { describe, expect, test, vi } from "vitest";
import { dhcpInform } from "../../test/plane/dhcp.js";
import { LEASED6, local6, OUTSIDE6, open6, udp6 } from "../../test/plane/ipv6.js";
import {
  Bench,
  CLIENT,
  chance,
  datagram,
  echo,
  FLOW,
  GATEWAY,
  installClient,
  installServer,
  LEASED,
  OUTSIDE,
  SERVER,
  type Setting,
  tagOf,
  udp,
} from "../../test/plane/pair.js";
import { octets, vectors } from "../../test/vectors/vectors.js";
import { MppeKey } from "../crypto/mppe-keys.js";
import { plane as limits } from "../limits.js";
import { writeGre } from "../wire/gre.js";
import { write16, write32 } from "../wire/ip-octets.js";
import { writeIpv4Checksum } from "../wire/ipv4.js";

const MPPE = { bits: 128, stateful: false } as const;
const STATEFUL = { bits: 128, stateful: true } as const;
const IP_OCTETS = 20;
/** Of a datagram: where its sequence number is, when it carries one. */
const SEQUENCE_AT = IP_OCTETS + 8;
/** Where the MPPE header is behind a header without acknowledgment and a protocol field of one octet. */
const MPPE_AT = SEQUENCE_AT + 4 + 1;

function pairOf(setting: Setting = {}) {
  const server = new Bench();
  const client = new Bench();
  installServer(server, setting);
  installClient(client, setting);
  server.events.length = 0;
  client.events.length = 0;
  return { server, client };
}

/** A frame in GRE towards `callId`, as a datagram of its own. */
function framed(frame: Uint8Array, sequence: number, callId = 0x5678, from = CLIENT): Uint8Array {
  const gre = new Uint8Array(12 + frame.length);
  writeGre(gre, 0, callId, frame.length, sequence, undefined);
  gre.set(frame, 12);
  return datagram(from, SERVER, gre);
}

function random(length: number, next: () => number): Uint8Array {
  return Uint8Array.from({ length }, () => Math.floor(next() * 256));
}

/** Octets of GRE that went out, without their IP headers: what could be had for what was sent. */
function greOctets(datagrams: readonly Uint8Array[]): number {
  return datagrams.reduce((sum, { length }) => sum + length - IP_OCTETS, 0);
}

describe("T-39: MPPE has no integrity", () => {
  for (const encryption of [MPPE, STATEFUL]) {
    test(`stateful ${encryption.stateful}: any one bit turned costs that packet at most`, () => {
      const { server, client } = pairOf({ encryption });
      let tag = 0;
      const honest = () => {
        client.packet(udp(LEASED, OUTSIDE, ++tag, 60));
        return client.gre.splice(0)[0]!;
      };
      server.datagram(honest());
      const bits = 8 * honest().length;
      for (let bit = 8 * IP_OCTETS; bit < bits; bit++) {
        // A number that was changed is another packet's: loss.test.ts has what comes of that.
        if (bit >= 8 * SEQUENCE_AT && bit < 8 * (SEQUENCE_AT + 4)) continue;
        const turned = honest();
        turned[bit >>> 3]! ^= 0x80 >>> (bit & 7);
        server.datagram(turned);
        // Stateful, where the history may be another now, the peer was asked and flushes.
        if (encryption.stateful) client.command({ kind: "Flush", flow: FLOW, side: "send" });
        server.datagram(honest());
        server.pass(200);
        expect(tagOf(server.tun.at(-1)!), `bit ${bit}`).toBe(tag);
      }
      expect(server.engine.flows).toBe(1);
      expect(server.of("KeysLost")).toEqual([]);
    });
  }

  test("T-40: keys taken away where encryption is required: silence both ways, not plaintext", () => {
    const { server, client } = pairOf({ encryption: MPPE });
    for (const bench of [server, client]) {
      bench.command({ kind: "Encrypt", flow: FLOW, terms: undefined });
      bench.gre.length = 0;
    }
    server.packet(udp(OUTSIDE, LEASED));
    client.packet(udp(LEASED, OUTSIDE));
    client.command({
      kind: "Send",
      flow: FLOW,
      frame: Uint8Array.of(0x21, ...udp(LEASED, OUTSIDE)),
    });
    expect(server.gre).toEqual([]);
    for (const gre of client.gre.splice(0)) server.datagram(gre);
    expect(server.tun).toEqual([]);
    expect(server.engine.dropped("not-encrypted")).toBe(1);
    expect(server.engine.dropped("plaintext-refused")).toBe(1);
  });
});

describe("G-09: GRE of no call", () => {
  test("20,000 datagrams from anywhere: none answered, none kept, told once a second", () => {
    const { server, client } = pairOf({ encryption: MPPE });
    const next = chance(9);
    for (let i = 0; i < 20_000; i++) {
      const source = Math.floor(next() * 0xffffffff);
      // Our call's own number too, from everybody but its peer.
      const callId = i % 2 === 0 ? 0x5678 : Math.floor(next() * 0x10000);
      server.datagram(framed(random(20, next), i, callId, source === CLIENT ? 1 : source));
      if (i % 4_000 === 0) server.pass(1_000);
    }
    expect(server.engine.dropped("unknown-call")).toBe(20_000);
    expect([server.gre.length, server.tun.length, server.engine.reorderOctets]).toEqual([0, 0, 0]);
    expect(server.engine.flows).toBe(1);
    server.pass(2_000);
    expect(server.events.every(({ kind }) => kind === "Counters")).toBe(true);
    expect(server.events.length).toBeLessThanOrEqual(7);
    expect(server.engine.pollTimeout()).toBeUndefined();
    client.packet(udp(LEASED, OUTSIDE, 5));
    server.datagram(client.gre[0]!);
    expect(server.tun.map(tagOf)).toEqual([5]);
  });
});

describe("G-10, G-13: blind injection into a live call", () => {
  for (const encryption of [MPPE, STATEFUL]) {
    test(`stateful ${encryption.stateful}: less goes out than came in, the session loses nothing`, () => {
      const { server, client } = pairOf({ encryption });
      const next = chance(13);
      let came = 0;
      for (let i = 0; i < 4_000; i++) {
        const frame = random(3 + Math.floor(next() * 80), next);
        frame.set([0xfd, 0x90 | (frame[1]! & 0x0f)]);
        // In the half of the numbers that is not behind; the low ones are loss.test.ts's.
        const sequence = 0x1000 + Math.floor(next() * 0x7fff0000);
        const forged = framed(frame, sequence >>> 0);
        came += forged.length - IP_OCTETS;
        server.datagram(forged);
        server.pass(0.5);
        if (i % 40 !== 0) continue;
        client.packet(udp(LEASED, OUTSIDE, i / 40, 60));
        for (const gre of client.gre.splice(0)) {
          came += gre.length - IP_OCTETS;
          server.datagram(gre);
        }
      }
      server.pass(1_000);
      expect(server.tun.map(tagOf)).toEqual([...Array(100).keys()]);
      expect(greOctets(server.gre)).toBeLessThanOrEqual(came);
      expect(server.engine.reorderOctets).toBe(0);
    });
  }
});

describe("a forged frame that took the number of an honest one", () => {
  const frames: [string, Uint8Array][] = [
    ["nothing", new Uint8Array(0)],
    ["half a protocol", Uint8Array.of(0x00)],
    ["LCP Echo-Request", Uint8Array.of(0xc0, 0x21, 9, 1, 0, 8, 1, 2, 3, 4)],
    ["an unknown protocol", Uint8Array.of(0x80, 0x99, 1, 2)],
    ["IPv4 in the clear", Uint8Array.of(0x21, ...udp(LEASED, OUTSIDE, 9, 40))],
    ["MPPE of nothing", Uint8Array.of(0xfd)],
    ["MPPE of noise", Uint8Array.of(0xfd, 0x90, 0x02, 1, 2, 3, 4, 5, 6, 7, 8)],
  ];
  for (const encryption of [MPPE, STATEFUL]) {
    for (const [name, frame] of frames) {
      test(`${name}, stateful ${encryption.stateful}: no other is lost over it`, () => {
        const { server, client } = pairOf({ encryption });
        for (let tag = 0; tag < 20; tag++) client.packet(udp(LEASED, OUTSIDE, tag));
        for (const [tag, gre] of client.gre.entries()) {
          // The one that comes first has the number: 2, and three in a row from 8 on.
          if (tag === 2 || (tag >= 8 && tag < 11)) server.datagram(framed(frame, tag));
          server.datagram(gre);
        }
        expect(server.tun.map(tagOf)).toEqual([...Array(20).keys()]);
        expect(server.of("ResetNeeded")).toEqual([]);
      });

      test(`${name}, stateful ${encryption.stateful}, up to 256 ahead: those behind it all count`, () => {
        for (const ahead of [1, 2, 17, 200, 256]) {
          const { server, client } = pairOf({ encryption });
          for (let tag = 0; tag < 20; tag++) {
            client.packet(udp(LEASED, OUTSIDE, tag));
            for (const gre of client.gre.splice(0)) server.datagram(gre);
            if (tag === 5) {
              server.datagram(framed(frame, 6 + ahead));
              server.pass(limits.reorderMs);
            }
            server.pass(500);
          }
          expect(server.tun.map(tagOf), `${ahead}`).toEqual([...Array(20).keys()]);
          expect(server.of("KeysLost")).toEqual([]);
        }
      });
    }
  }

  test("thousands of LCP frames between two packets: no keys are lost over them", () => {
    const { server, client } = pairOf({ encryption: MPPE });
    const frame = Uint8Array.of(0xc0, 0x21, 10, 1, 0, 8, 1, 2, 3, 4);
    for (let i = 0; i < 5_000; i++) {
      client.command({ kind: "Send", flow: FLOW, frame });
      for (const gre of client.gre.splice(0)) server.datagram(gre);
    }
    client.packet(udp(LEASED, OUTSIDE, 1));
    for (const gre of client.gre.splice(0)) server.datagram(gre);
    expect(server.of("KeysLost")).toEqual([]);
    expect(server.tun.map(tagOf)).toEqual([1]);
  });
});

describe("G-21: what a forged packet is answered with", () => {
  const phases: [string, Setting][] = [
    ["before the network phase", { network: false, encryption: MPPE }],
    ["encrypted", { encryption: MPPE }],
    ["in the clear", {}],
  ];
  for (const [name, setting] of phases) {
    test(`${name}: never more than 1.25 times what came`, () => {
      const { server } = pairOf(setting);
      const next = chance(21);
      let came = 0;
      for (let sequence = 0; sequence < 2_000; sequence++) {
        const { frame } = hostileFrame(next);
        const forged = framed(frame, sequence);
        came += forged.length - IP_OCTETS;
        server.datagram(forged);
        server.pass(next() * 20);
      }
      server.pass(1_000);
      expect(greOctets(server.gre)).toBeLessThanOrEqual(1.25 * came);
      expect(server.engine.flows).toBe(1);
      expect(server.engine.reorderOctets).toBe(0);
    });
  }
});

/** What a peer would like to be answered: echoes, DHCP, solicitations, LCP, or noise. */
function hostileFrame(next: () => number): { frame: Uint8Array } {
  const kinds = [
    () => Uint8Array.of(0x21, ...echo(LEASED, GATEWAY)),
    () => Uint8Array.of(0x21, ...dhcpInform(LEASED)),
    () => Uint8Array.of(0x21, ...udp(LEASED, OUTSIDE, 1, 40)),
    () => Uint8Array.of(0x57, ...udp6(LEASED6, OUTSIDE6, 1)),
    () => Uint8Array.of(0xc0, 0x21, 9, 1, 0, 8, 1, 2, 3, 4),
    () => Uint8Array.of(0xfd, ...random(1 + Math.floor(next() * 40), next)),
    () => random(Math.floor(next() * 60), next),
  ];
  return { frame: kinds[Math.floor(next() * kinds.length)]!() };
}

describe("T-05, T-19: no octet of one packet in another", () => {
  /** All that an end says of its own and all that it only carries, from a flow that is new. */
  function everything(server: Bench, generation: number): Uint8Array[] {
    const client = new Bench();
    installClient(client);
    installServer(server, { mru: 600, install: { flow: { slot: 0, generation } } });
    const flow = { slot: 0, generation };
    server.command({ kind: "Link", flow, peersMru: 600, mru: 600, acfc: true, pfc: true });
    server.command({ kind: "Network4", flow, network: { address: LEASED, routes: [] } });
    const network = { linkLocal: local6(2), ourLinkLocal: local6(1), prefix: LEASED6 };
    server.command({ kind: "Network6", flow, network });
    client.command({
      kind: "Network6",
      flow: FLOW,
      network: { ...network, ourLinkLocal: local6(2) },
    });
    server.pass(2_000);
    for (const packet of [echo(LEASED, GATEWAY), dhcpInform(LEASED), udp(LEASED, OUTSIDE, 3, 48)]) {
      client.packet(packet);
    }
    client.packet(udp6(LEASED6, OUTSIDE6, 4, 52));
    for (const gre of client.gre.splice(0)) server.datagram(gre);
    for (const length of [28, 29, 100, 599]) server.packet(udp(OUTSIDE, LEASED, 1, length));
    // Too large: errors into the TUN, and one that is cut.
    server.packet(udp(OUTSIDE, LEASED, 1, 900));
    server.packet(udp6(OUTSIDE6, LEASED6, 1, 900));
    const cuttable = udp(OUTSIDE, LEASED, 1, 1_300);
    write16(cuttable, 6, 0);
    writeIpv4Checksum(cuttable, 0);
    server.packet(cuttable);
    server.command({ kind: "Send", flow, frame: Uint8Array.of(0xc0, 0x21, 10, 1, 0, 4) });
    server.pass(100);
    server.command({ kind: "Remove", flow });
    return [...server.gre.splice(0), ...server.tun.splice(0)];
  }

  test("an end that carried thousands of packets says the same as a new one, octet for octet", () => {
    const clean = everything(new Bench(), 1);
    expect(clean.length).toBeGreaterThan(12);
    const used = new Bench();
    const other = new Bench();
    installServer(used, { encryption: MPPE });
    installClient(other, { encryption: MPPE });
    open6(used, other);
    const next = chance(5);
    for (let i = 0; i < 3_000; i++) {
      const noise = random(28 + Math.floor(next() * 1_450), next);
      const carried = udp(OUTSIDE, LEASED, i, noise.length);
      carried.set(noise.subarray(28), 28);
      used.packet(carried);
      for (const gre of used.gre.splice(0)) other.datagram(gre);
      const back = udp(LEASED, OUTSIDE, i, Math.min(noise.length, 1_390));
      back.set(noise.subarray(28, back.length), 28);
      other.packet(back);
      for (const gre of other.gre.splice(0)) used.datagram(gre);
      used.datagram(framed(noise.slice(0, 900), i * 7));
      used.pass(1);
    }
    used.command({ kind: "Remove", flow: FLOW });
    used.gre.length = 0;
    used.tun.length = 0;
    used.pass(2_000);
    expect(everything(used, 2)).toEqual(clean);
  });
});

describe("G-13: counts that would cost key changes", () => {
  /** A good packet made one of a forger's: `ahead` further on in sequence and count. */
  function ahead(good: Uint8Array, steps: number): Uint8Array {
    const copy = good.slice();
    copy.fill(0xa5, MPPE_AT + 2);
    const at = new DataView(copy.buffer);
    at.setUint32(SEQUENCE_AT, at.getUint32(SEQUENCE_AT) + steps);
    const count = at.getUint16(MPPE_AT) + steps;
    at.setUint16(MPPE_AT, 0x9000 | (count & 0xfff));
    return copy;
  }

  /** A session, and what its client sends next, each packet 60 octets. */
  function session() {
    const { server, client } = pairOf({ encryption: MPPE });
    let tag = 0;
    const honest = () => {
      client.packet(udp(LEASED, OUTSIDE, ++tag, 60));
      return client.gre.splice(0)[0]!;
    };
    server.datagram(honest());
    return { server, honest };
  }

  test("a run of them far ahead costs less than a key change each, and none of the session", () => {
    const { server, honest } = session();
    const steps = vi.spyOn(MppeKey.prototype, "step");
    const seconds = 20;
    const forgedEachSecond = 500;
    let spent = 0;
    for (let i = 0; i < seconds * 10; i++) {
      const good = honest();
      server.datagram(good);
      steps.mockClear();
      for (let j = 0; j < forgedEachSecond / 10; j++) {
        server.datagram(ahead(good, 1_000 + ((37 * j) % 1_000)));
      }
      spent += steps.mock.calls.length;
      server.pass(100);
    }
    steps.mockRestore();
    const budget = limits.keyStepsBurst + seconds * limits.keyStepsPerSecond;
    // Each that was looked into had one of its own, as a good packet has.
    expect(spent).toBeLessThanOrEqual(Math.ceil((budget * 1_000) / 999));
    expect(spent).toBeLessThan(seconds * forgedEachSecond);
    expect(server.tun).toHaveLength(1 + seconds * 10);
  });

  test("a run of them rounds of the count ahead costs no more than is walked for them, and none of the session", () => {
    const { server, honest } = session();
    const steps = vi.spyOn(MppeKey.prototype, "step");
    const seconds = 20;
    const forgedEachSecond = 500;
    const rounds = 4_096 * limits.keyWrapsMax;
    let spent = 0;
    for (let i = 0; i < seconds * 10; i++) {
      const good = honest();
      server.datagram(good);
      steps.mockClear();
      for (let j = 0; j < forgedEachSecond / 10; j++) {
        server.datagram(ahead(good, 2_100 + ((7_919 * (50 * i + j)) % (rounds - 2_100))));
      }
      spent += steps.mock.calls.length;
      server.pass(100);
    }
    steps.mockRestore();
    // A packet read earns some, and has the walk begun anew from its own key.
    const budget =
      limits.keyWalkBurst +
      seconds * (limits.keyWalkPerSecond + 10 * limits.keyStepsPerPacket) +
      limits.keyStepsBurst;
    expect(spent).toBeGreaterThan(limits.keyWalkBurst / 2);
    expect(spent).toBeLessThanOrEqual(budget);
    expect(server.tun).toHaveLength(1 + seconds * 10);
    expect(server.of("KeysLost")).toEqual([]);
  });

  test("thousands of frames forged 256 ahead of each other: an idle session's next packet counts", () => {
    const { server, honest } = session();
    const frame = Uint8Array.of(0xfd, 0x90, 0x02, 1, 2, 3, 4, 5, 6, 7, 8);
    for (let i = 0; i < 5_000; i++) {
      server.datagram(framed(frame, (1 + 257 * i) >>> 0));
      server.pass(limits.reorderMs);
    }
    expect(server.of("KeysLost")).toEqual([]);
    server.datagram(honest());
    server.datagram(honest());
    expect(server.tun).toHaveLength(3);
    expect(server.of("KeysLost")).toEqual([]);
  });

  test("while they are refused, an honest loss costs what it is", () => {
    const { server, honest } = session();
    const good = honest();
    server.datagram(good);
    for (let i = 0; i < 100; i++) server.datagram(ahead(good, 1_000));
    for (let lost = 0; lost < 200; lost++) honest();
    server.datagram(honest());
    server.pass(limits.reorderMs);
    expect(server.tun).toHaveLength(3);
  });

  test("of 12,000 honest packets in 4 s, 3 in 5 lost: none is refused for its count", () => {
    const { server, honest } = session();
    for (let i = 0; i < 12_000; i++) {
      const packet = honest();
      if (i % 5 < 2) server.datagram(packet);
      if (i % 3 === 0) server.pass(1);
    }
    server.pass(limits.reorderMs);
    expect(server.engine.dropped("mppe-key-budget")).toBe(0);
    expect(server.tun).toHaveLength(1 + 4_800);
  });
});

describe("T-35: a hostile server towards the client's end", () => {
  const taken = ["GRE-PAYLEN-UNDER", "GRE-SEQ-REWIND-1"];
  for (const { id, layer, send } of vectors.negative) {
    if (layer !== "gre") continue;
    test(`${id}: not answered, nothing kept`, () => {
      const { client } = pairOf();
      for (const hex of send) {
        const gre = octets(hex);
        if (id !== "GRE-UNKNOWN-CALLID" && gre.length >= 8) gre.set([0x12, 0x34], 6);
        client.datagram(datagram(SERVER, CLIENT, gre));
      }
      expect(client.of("Frame")).toHaveLength(taken.includes(id) ? 1 : 0);
      expect([client.gre.length, client.tun.length, client.engine.reorderOctets]).toEqual([
        0, 0, 0,
      ]);
      client.pass(1_000);
      expect(client.engine.flows).toBe(1);
    });
  }
});

describe("T-01: any octets at all", () => {
  for (const encryption of [undefined, MPPE, STATEFUL]) {
    const name = encryption === undefined ? "plain" : `stateful ${encryption.stateful}`;
    test(`${name}: 6000 of them, from the network and from the TUN, and the session works`, () => {
      const { server, client } = pairOf({ encryption });
      const next = chance(1);
      for (let i = 0; i < 6_000; i++) {
        const noise = random(Math.floor(next() * 120), next);
        if (next() < 0.3) server.packet(noise);
        else if (next() < 0.5) server.datagram(noise);
        else server.datagram(shapedNoise(noise, next));
        server.pass(next());
      }
      server.pass(2_000);
      server.gre.length = 0;
      server.tun.length = 0;
      expect(server.engine.flows).toBe(1);
      expect(server.engine.reorderOctets).toBe(0);
      client.packet(udp(LEASED, OUTSIDE, 77));
      for (const gre of client.gre.splice(0)) server.datagram(gre);
      expect(server.tun.map(tagOf)).toEqual([77]);
      server.packet(udp(OUTSIDE, LEASED, 78));
      for (const gre of server.gre.splice(0)) client.datagram(gre);
      expect(client.tun.map(tagOf)).toEqual([78]);
    });
  }

  /** Noise that gets as far as the flow, and is out of its window. */
  function shapedNoise(noise: Uint8Array, next: () => number): Uint8Array {
    const shaped = framed(noise, 0x10000 + Math.floor(next() * 0x7fff0000));
    if (next() < 0.3) write32(shaped, SEQUENCE_AT - 4, Math.floor(next() * 0xffffffff));
    return shaped;
  }
});
