// The two engines beside each other: what one puts out, counts and refuses, the other does too, octet for
// octet, whatever comes. Runs that the lane joined are compared as the packets the kernel makes of them.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { SLOT_OCTETS, VNET_OCTETS } from "../../src/base/kernel-layout.js";
import { plane as limits } from "../../src/limits.js";
import { DROP_REASONS } from "../../src/plane/drop-reason.js";
import {
  BOXES_OCTETS,
  DROPS_MAX,
  FIXED_OCTETS,
  RECEIVE_SLOTS,
  RECEIVE_SLOTS_MAX,
  RECORD_OCTETS,
  SEND_SLOTS,
  SEND_SLOTS_MAX,
  SENT_KEPT,
} from "../../src/plane/layout.js";
import { PlaneMemory } from "../../src/plane/memory.js";
import { finishChecksum, sum16, write16, write32 } from "../../src/wire/ip-octets.js";
import { TCP, UDP, writeIpv4 } from "../../src/wire/ipv4.js";
import { segmentsOf } from "./lane.js";
import {
  Bench,
  CLIENT,
  chance,
  datagram,
  FLOW,
  GATEWAY,
  installClient,
  installServer,
  LEASED,
  OUTSIDE,
  packet6,
  SERVER,
  type Setting,
  tagOf,
  udp,
} from "./pair.js";
import { sameOf, withoutIdentification } from "./same.js";

const ACK = 0x10;
const PSH = 0x08;
const SYN = 0x02;
const FIN = 0x01;

type Segment = {
  sequence: number;
  payload: number;
  flags?: number;
  port?: number;
  window?: number;
};

/** A TCP segment with a right checksum. */
function tcp(source: number, destination: number, segment: Segment): Uint8Array {
  const { sequence, payload, flags = ACK, port = 80, window = 500 } = segment;
  const octets = new Uint8Array(40 + payload);
  write16(octets, 20, port);
  write16(octets, 22, 443);
  write32(octets, 24, sequence);
  write32(octets, 28, 77);
  octets[32] = 0x50;
  octets[33] = flags;
  write16(octets, 34, window);
  for (let i = 40; i < octets.length; i++) octets[i] = 31 * i + sequence;
  writeIpv4(octets, 0, octets.length, TCP, source, destination);
  const pseudo = sum16(octets, 12, 20) + TCP + octets.length - 20;
  write16(octets, 36, finishChecksum(sum16(octets, 20, octets.length, pseudo)));
  return octets;
}

type Super = { readonly header: Uint8Array; readonly packet: Uint8Array };

/** What the kernel hands out with offloads: one packet, its checksum left out, cut every `size`. */
function superPacket(packet: Uint8Array, size: number): Super {
  const header = new Uint8Array(VNET_OCTETS);
  const view = new DataView(header.buffer);
  const udpPacket = packet[9] === UDP;
  const length = udpPacket ? 28 : 40;
  const several = packet.length - length > size;
  header[0] = 1;
  header[1] = several ? (udpPacket ? 5 : 1) : 0;
  view.setUint16(2, length, true);
  view.setUint16(4, several ? size : 0, true);
  view.setUint16(6, 20, true);
  view.setUint16(8, udpPacket ? 6 : 16, true);
  const copy = packet.slice();
  let pseudo = sum16(copy, 12, 20) + copy[9]! + copy.length - 20;
  while (pseudo > 0xffff) pseudo = (pseudo & 0xffff) + (pseudo >>> 16);
  write16(copy, udpPacket ? 26 : 36, pseudo);
  return { header, packet: copy };
}

/** The same as it is without offloads. */
function plainOf({ header, packet }: Super): Uint8Array[] {
  if (header[1] !== 0) return segmentsOf(header, packet);
  const copy = packet.slice();
  const field = copy[9] === UDP ? 26 : 36;
  const sum = finishChecksum(sum16(copy, 20, copy.length));
  write16(copy, field, copy[9] === UDP && sum === 0 ? 0xffff : sum);
  return [copy];
}

function twins(setting: Setting) {
  const alone = new Bench(undefined, undefined, "typescript");
  const lane = new Bench(undefined, undefined, "wasm");
  const client = new Bench(undefined, undefined, "typescript");
  for (const server of [alone, lane]) installServer(server, setting);
  installClient(client, setting);
  return { alone, lane, client };
}

const OTHERS = [0x0a630009, 0x7f000001, 0xe0000001, GATEWAY, SERVER, CLIENT, 0x0a630001];

/** What a client may say in one go, honest or not. */
function saying(any: () => number, state: { sequence: number }): Uint8Array[] {
  const int = (n: number) => Math.floor(any() * n);
  const kind = any();
  if (kind < 0.5) {
    const count = 1 + int(40);
    const size = [1_348, 1_348, 536, 1][int(4)]!;
    return Array.from({ length: count }, () => {
      const payload = any() < 0.1 ? int(size) : size;
      const flags = any() < 0.05 ? ACK | [PSH, SYN, FIN, 0x20][int(4)]! : ACK;
      const port = any() < 0.2 ? 81 : 80;
      const window = any() < 0.05 ? 400 : 500;
      const { sequence } = state;
      state.sequence = (sequence + payload) >>> 0;
      const packet = tcp(LEASED, OUTSIDE, { sequence, payload, flags, port, window });
      if (any() < 0.02) packet[36] = packet[36]! ^ 1;
      return packet;
    });
  }
  if (kind < 0.7) return [udp(LEASED, OUTSIDE, int(1e6), 32 + int(1_300))];
  if (kind < 0.8) return [udp(LEASED, OTHERS[int(OTHERS.length)]!, int(1e6))];
  if (kind < 0.9) return [udp(OTHERS[int(OTHERS.length)]!, OUTSIDE, int(1e6))];
  return [packet6(new Uint8Array(16).fill(1), new Uint8Array(16).fill(2))];
}

/** What a network, or whoever is on it, does to datagrams. */
function disturbed(all: Uint8Array[], any: () => number, worse: number): Uint8Array[] {
  const out: Uint8Array[] = [];
  for (const one of all) {
    const luck = any();
    if (luck < worse) continue;
    if (luck < 2 * worse) out.push(one);
    if (luck < 3 * worse) {
      const cut = one.slice(0, Math.floor(any() * one.length));
      out.push(cut);
      continue;
    }
    if (luck < 5 * worse) {
      const broken = one.slice();
      const at = any() < 0.5 ? Math.floor(any() * 44) : Math.floor(any() * broken.length);
      broken[at] = Math.floor(any() * 256);
      out.push(broken);
      if (any() < 0.5) out.push(one);
      continue;
    }
    if (luck < 6 * worse && out.length > 0) out.splice(out.length - 1, 0, one);
    else out.push(one);
  }
  return out;
}

/** What the kernel has for the client: super-packets, single ones, some too large. */
function towards(any: () => number): Super[] {
  const int = (n: number) => Math.floor(any() * n);
  return Array.from({ length: 1 + int(4) }, () => {
    const large = any() < 0.1 ? 1_500 : 1_348;
    if (any() < 0.3) return superPacket(udp(OUTSIDE, LEASED, int(1e6), 40 + int(3_000)), large);
    const payload = any() < 0.5 ? int(60_000) : int(1_348);
    const flags = ACK | (any() < 0.2 ? [PSH, FIN, SYN][int(3)]! : 0);
    const destination = any() < 0.05 ? 0x0a630063 : LEASED;
    return superPacket(
      tcp(OUTSIDE, destination, { sequence: int(2 ** 32), payload, flags }),
      large,
    );
  });
}

const MODES: (Setting & { name: string })[] = [
  { name: "in the clear" },
  ...([40, 56, 128] as const).flatMap((bits) =>
    [false, true].map((stateful) => ({
      name: `MPPE-${bits} ${stateful ? "stateful" : "stateless"}`,
      encryption: { bits, stateful },
    })),
  ),
  { name: "with the RFC's send window", terms: { sendWindow: "rfc" } },
  {
    name: "clients may reach each other and this host",
    terms: { clientToClient: true, reachHost: true },
  },
];

describe.each(MODES)("$name", (setting) => {
  for (const worse of [0, 0.01, 0.1]) {
    test(`${worse * 100} % of everything that can befall a packet`, () => {
      for (let seed = 1; seed <= 6; seed++) {
        const any = chance(seed * 7919 + worse * 1000);
        const pair = twins(setting);
        const state = { sequence: seed };
        for (let step = 0; step < 30; step++) {
          pair.client.packets(saying(any, state));
          if (any() < 0.1) {
            const frame = Uint8Array.of(0xff, 0x03, 0xc0, 0x21, 9, step, 0, 8, 1, 2, 3, 4);
            pair.client.command({ kind: "Send", flow: FLOW, frame });
          }
          const sent = disturbed(pair.client.gre.splice(0), any, worse);
          for (let at = 0; at < sent.length; at += RECEIVE_SLOTS_MAX) {
            const batch = sent.slice(at, at + RECEIVE_SLOTS_MAX);
            pair.alone.datagrams(batch);
            pair.lane.datagrams(batch);
          }
          const down = towards(any);
          pair.alone.packets(down.flatMap(plainOf));
          pair.lane.packets(down);
          const back = pair.lane.gre.slice();
          sameOf(pair);
          if (any() < 0.5) for (const one of back) pair.client.datagram(one);
          pair.client.tun.length = 0;
          const ms = any() < 0.2 ? Math.floor(any() * 3_000) : Math.floor(any() * 20);
          for (const bench of [pair.alone, pair.lane, pair.client]) bench.pass(ms);
          sameOf(pair);
        }
        for (const bench of [pair.alone, pair.lane]) {
          bench.command({ kind: "Remove", flow: FLOW });
          bench.pass(5_000);
        }
        sameOf(pair);
      }
    });
  }
});

const ENCRYPTED = MODES.filter(({ encryption }) => encryption !== undefined);

describe.each(ENCRYPTED)("$name, thousands of packets lost in a row", (setting) => {
  test("the same is read after each loss, and the same refused", () => {
    const pair = twins(setting);
    const give = (all: Uint8Array[]) => {
      for (let at = 0; at < all.length; at += RECEIVE_SLOTS_MAX) {
        pair.alone.datagrams(all.slice(at, at + RECEIVE_SLOTS_MAX));
        pair.lane.datagrams(all.slice(at, at + RECEIVE_SLOTS_MAX));
      }
    };
    let tag = 0;
    let delivered = 0;
    for (const lost of [0, 300, 2_100, 4_095, 4_096, 9_000, 20_000]) {
      for (let i = 0; i < lost; i++) pair.client.packet(udp(LEASED, OUTSIDE, tag++, 40));
      pair.client.gre.length = 0;
      for (let ms = 0; ms < 300; ms++) {
        pair.client.packet(udp(LEASED, OUTSIDE, tag++, 40));
        give(pair.client.gre.splice(0));
        for (const bench of [pair.alone, pair.lane]) bench.pass(1);
        delivered += pair.lane.tun.length;
        sameOf(pair);
      }
    }
    // The largest is walked in pieces. Stateful, a flag packet is waited for: nobody here asks for one.
    expect(delivered).toBeGreaterThan(
      setting.encryption?.stateful ? 7 * (300 - 256) : 7 * 300 - 100,
    );
  });
});

describe("the lane alone", () => {
  test("a run of a stream's segments is one write; two streams' are two", () => {
    const { lane, client } = twins({ encryption: { bits: 128, stateful: false } });
    const packets = Array.from({ length: 40 }, (_, i) =>
      tcp(LEASED, OUTSIDE, { sequence: 1_000 * (i >> 1), payload: 1_000, port: 80 + (i & 1) }),
    );
    client.packet(udp(LEASED, OUTSIDE));
    lane.datagrams(client.gre.splice(0));
    lane.writes = 0;
    lane.tun.length = 0;
    client.packets(packets);
    lane.datagrams(client.gre.splice(0));
    expect(lane.writes).toBe(2);
    const hex = (all: Uint8Array[]) => all.map((one) => Buffer.from(one).toString("hex")).sort();
    expect(hex(lane.tun.map(withoutIdentification))).toEqual(
      hex(packets.map(withoutIdentification)),
    );
  });

  test("a socket that is full in the middle of a batch: that rest is counted as dropped", () => {
    const { lane } = twins({});
    lane.packet(udp(OUTSIDE, LEASED, 0));
    lane.gre.length = 0;
    lane.sendErrors = [0, 0, -11];
    lane.packets(Array.from({ length: 5 }, (_, i) => udp(OUTSIDE, LEASED, i)));
    expect(lane.gre.map(tagOf)).toEqual([0, 1]);
    expect(lane.engine.dropped("send-full")).toBe(3);
    lane.pass(2_000);
    const counters = lane.of("Counters").at(-1)!.flows[0]!.counters;
    expect(counters).toMatchObject({ sentPackets: 3, sentOctets: 300, dropped: 3 });
  });

  test("a path that is too narrow: sent again in pieces, told once, and so from then on", () => {
    const { lane } = twins({});
    lane.packet(udp(OUTSIDE, LEASED, 0));
    lane.gre.length = 0;
    lane.sendErrors = [0, -90, -90];
    lane.packets([1, 2, 3].map((tag) => udp(OUTSIDE, LEASED, tag)));
    expect(lane.gre.map(tagOf)).toEqual([1, 2, 3]);
    expect(lane.of("Trouble")).toEqual([{ kind: "Trouble", call: "send", errno: "EMSGSIZE" }]);
    lane.packet(udp(OUTSIDE, LEASED, 4));
    expect(lane.dontFragment.at(-1)).toBe(false);
  });

  test("a TUN that takes nothing: each packet of a run is counted", () => {
    const { lane, client } = twins({});
    client.packet(udp(LEASED, OUTSIDE));
    lane.datagrams(client.gre.splice(0));
    lane.writeErrors = [-105];
    client.packets([0, 1, 2].map((i) => tcp(LEASED, OUTSIDE, { sequence: 100 * i, payload: 100 })));
    lane.datagrams(client.gre.splice(0));
    expect(lane.engine.dropped("tun-write-failed")).toBe(3);
  });

  test("a datagram longer than its slot: no call's", () => {
    const { lane } = twins({});
    lane.datagram(datagram(CLIENT, SERVER, new Uint8Array(SLOT_OCTETS)));
    expect(lane.engine.dropped("gre-payload-large")).toBe(1);
  });
});

describe("what fuzzing found", () => {
  // A keep-alive of ordinary GRE is 4 octets: not ours, and nobody's attack.
  test.each([
    [[0x00, 0x00, 0x00, 0x00], "gre-version"],
    [[0x30, 0x01, 0x08, 0x00, 0x00], "gre-protocol"],
    [[0x30, 0x01, 0x88, 0x0b, 0x00, 0x00, 0x00], "gre-truncated"],
    [[0x30, 0x01, 0x88], "gre-truncated"],
  ] as const)("GRE of %j: %s, with the lane and without", (gre, reason) => {
    for (const bench of Object.values(twins({})).slice(0, 2)) {
      bench.datagram(datagram(CLIENT, SERVER, Uint8Array.from(gre)));
      expect(bench.engine.dropped(reason)).toBe(1);
    }
  });
});

describe("what both engines and the kernel's structures agree on", () => {
  test("each reason of the lane stands at its place in the union", () => {
    const text = readFileSync(
      new URL("../../src/plane/assembly/drops.ts", import.meta.url),
      "utf8",
    );
    const places = [...text.matchAll(/export const ([A-Z0-9_]+): i32 = (\d+);/g)];
    expect(places.length).toBeGreaterThan(10);
    for (const [, name, place] of places) {
      expect(DROP_REASONS[Number(place)]).toBe(name!.toLowerCase().replaceAll("_", "-"));
    }
    expect(DROP_REASONS.length).toBeLessThanOrEqual(DROPS_MAX);
  });

  test("the layout is as limits.ts says, and no region reaches into the next", () => {
    expect(RECEIVE_SLOTS_MAX).toBe(limits.batchPackets);
    expect(SENT_KEPT).toBe(limits.sendQueuePacketsMax);
    // As docs/LIMITS.md adds it up.
    expect(RECORD_OCTETS).toBe(256 + 8 * SENT_KEPT);
    expect(BOXES_OCTETS).toBe(2 * 256);
    expect(FIXED_OCTETS).toBe(1_970_176);
    expect(RECEIVE_SLOTS + RECEIVE_SLOTS_MAX * SLOT_OCTETS).toBeLessThanOrEqual(SEND_SLOTS);
    expect(PlaneMemory.octetsFor(0)).toBeGreaterThanOrEqual(FIXED_OCTETS);
    expect(SEND_SLOTS_MAX * SLOT_OCTETS).toBe(524_288);
  });
});
