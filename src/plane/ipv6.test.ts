// IPv6 through two engines: what passes, whole and in order, and what stops at either end.
import { describe, expect, test } from "vitest";
import {
  global6,
  LEASED6,
  local6,
  OUTSIDE6,
  open6,
  syn6,
  TCP6,
  udp6,
} from "../../test/plane/ipv6.js";
import {
  Bench,
  FLOW,
  installClient,
  installServer,
  packet6,
  type Setting,
  tagOf,
} from "../../test/plane/pair.js";
import { read16, write16 } from "../wire/ip-octets.js";
import { ALL_NODES, upperChecksum6 } from "../wire/ipv6.js";
import type { DropReason } from "./drop-reason.js";

const MPPE = { bits: 128, stateful: false } as const;
const HOP_BY_HOP = 0;
const FRAGMENT = 44;

function pairOf(setting: Setting = {}) {
  const server = new Bench();
  const client = new Bench();
  // No IPv4 at all: each family opens by itself.
  installServer(server, { ...setting, network: false });
  installClient(client, { ...setting, network: false });
  open6(server, client);
  server.events.length = 0;
  const up = (...packets: Uint8Array[]) => {
    for (const packet of packets) client.packet(packet);
    for (const gre of client.gre.splice(0)) server.datagram(gre);
    return server.tun.splice(0);
  };
  const down = (...packets: Uint8Array[]) => {
    for (const packet of packets) server.packet(packet);
    for (const gre of server.gre.splice(0)) client.datagram(gre);
    return client.tun.splice(0);
  };
  return { server, client, up, down };
}

describe("IPv6 without IPv4", () => {
  const modes = [
    undefined,
    MPPE,
    { bits: 40, stateful: false },
    { bits: 128, stateful: true },
    { bits: 56, stateful: true },
  ] as const;
  for (const encryption of modes) {
    const name = encryption ? `MPPE-${encryption.bits}, ${encryption.stateful}` : "plain";
    test(`${name}: packets of every size, both ways, octet for octet`, () => {
      const { up, down, client, server } = pairOf({ encryption, mru: 1_400 });
      for (let length = 52; length <= 1_396; length += 8) {
        const sent = udp6(LEASED6, OUTSIDE6, length, length);
        const answer = udp6(OUTSIDE6, LEASED6, length, length);
        expect(up(sent.slice())).toEqual([sent]);
        expect(down(answer.slice())).toEqual([answer]);
      }
      expect([server.engine.reorderOctets, client.engine.reorderOctets]).toEqual([0, 0]);
    });
  }

  test("link-local both ways, and any address of the leased /64", () => {
    const { down } = pairOf();
    expect(down(udp6(local6(1), local6(2), 7))).toHaveLength(1);
    expect(down(udp6(OUTSIDE6, global6(1, 200), 8))).toHaveLength(1);
  });

  test("out of order in GRE: in order at the TUN, none lost", () => {
    const { server, client } = pairOf({ encryption: MPPE });
    for (let tag = 0; tag < 12; tag++) client.packet(udp6(LEASED6, OUTSIDE6, tag));
    const sent = client.gre.splice(0);
    server.datagram(sent[0]!);
    for (const gre of sent.slice(1).reverse()) server.datagram(gre);
    expect(server.tun.map(tagOf)).toEqual([...Array(12).keys()]);
  });

  test("IPv4 stays closed until it opens", () => {
    const { server, up } = pairOf();
    const packet = packet6(LEASED6, OUTSIDE6);
    packet[0] = 0x45;
    expect(up(packet)).toEqual([]);
    expect(server.tun).toEqual([]);
  });
});

/** As client and server see it: what comes out, or why nothing did. */
function outcome(packet: Uint8Array, setting: Setting = {}): DropReason | "tun" | undefined {
  const { server, client } = pairOf(setting);
  // Past the client's own checks, as a hostile client would be.
  const frame = new Uint8Array(2 + packet.length);
  frame.set([0x00, 0x57]);
  frame.set(packet, 2);
  client.command({ kind: "Send", flow: FLOW, frame });
  for (const gre of client.gre.splice(0)) server.datagram(gre);
  if (server.tun.length > 0) return "tun";
  server.pass(1_000);
  const [told] = server.of("Counters");
  return Object.keys(told?.drops ?? {})[0] as DropReason | undefined;
}

describe("a hostile IPv6 packet", () => {
  const whole = () => udp6(LEASED6, OUTSIDE6, 1, 80);
  const changed = (at: number, ...values: number[]) => {
    const packet = whole();
    packet.set(values, at);
    return packet;
  };
  const cases: [string, Uint8Array, DropReason | "tun"][] = [
    ["whole", whole(), "tun"],
    ["octets beyond its length", Uint8Array.of(...whole(), 0, 0, 0, 0), "tun"],
    ["no upper layer at all (59)", packet6(LEASED6, OUTSIDE6, 59, 0), "tun"],
    ["a hop-by-hop header", packet6(LEASED6, OUTSIDE6, HOP_BY_HOP, 16), "tun"],
    ["a fragment", packet6(LEASED6, OUTSIDE6, FRAGMENT, 64), "tun"],
    ["a fragment header cut short", packet6(LEASED6, OUTSIDE6, FRAGMENT, 3), "tun"],
    ["TCP cut before its options", packet6(LEASED6, OUTSIDE6, TCP6, 13), "tun"],
    ["version 4 in IPv6's protocol", changed(0, 0x45), "ip-version"],
    ["version 0", changed(0, 0), "ip-version"],
    ["Payload Length one beyond", changed(4, 0, 41), "ip-length"],
    ["Payload Length 65535", changed(4, 255, 255), "ip-length"],
    ["39 octets", whole().subarray(0, 39), "ip-truncated"],
    ["nothing", new Uint8Array(0), "ip-truncated"],
    ["from ::1", changed(8, ...new Array(15).fill(0), 1), "source-refused"],
    ["from ::ffff:a.b.c.d", changed(8, ...mapped()), "source-refused"],
    ["to ::ffff:a.b.c.d", changed(24, ...mapped()), "destination-refused"],
    ["to ::1", changed(24, ...new Array(15).fill(0), 1), "destination-refused"],
    ["to a site's multicast group", changed(24, 0xff, 5), "broadcast"],
    ["from a multicast group", changed(8, ...ALL_NODES), "source-refused"],
  ];
  for (const [name, packet, expected] of cases) {
    test(`${name}: ${expected}`, () => expect(outcome(packet)).toBe(expected));
  }

  test("in the clear where encryption is agreed on: refused, the session goes on", () => {
    expect(outcome(whole(), { encryption: MPPE })).toBe("plaintext-refused");
  });

  test("each length it claims: never more than came goes out", () => {
    for (let claimed = 0; claimed <= 41; claimed++) {
      const { server, client } = pairOf();
      const packet = changed(4, 0, claimed);
      client.command({ kind: "Send", flow: FLOW, frame: Uint8Array.of(0, 0x57, ...packet) });
      for (const gre of client.gre.splice(0)) server.datagram(gre);
      const lengths = server.tun.map((out) => out.length);
      expect(lengths).toEqual(claimed > 40 ? [] : [40 + claimed]);
    }
  });

  function mapped(): number[] {
    return [...new Array(10).fill(0), 255, 255, 8, 8, 8, 8];
  }
});

describe("MSS of IPv6", () => {
  const mssOf = (packet: Uint8Array) => {
    expect(upperChecksum6(packet, 0, 40, packet.length, TCP6)).toBe(0);
    return read16(packet, 62);
  };

  test("clamped both ways to what passes both ways, checksum right", () => {
    const { up, down } = pairOf({ encryption: MPPE, mru: 1_400 });
    expect(mssOf(down(syn6(OUTSIDE6, LEASED6, 1_440))[0]!)).toBe(1_400 - 4 - 60);
    expect(mssOf(up(syn6(LEASED6, OUTSIDE6, 1_440))[0]!)).toBe(1_400 - 4 - 60);
  });

  test("left alone when it says less, when clamping is off, and behind an extension header", () => {
    expect(mssOf(pairOf().down(syn6(OUTSIDE6, LEASED6, 1_000))[0]!)).toBe(1_000);
    const off = pairOf({ terms: { clampMss: false } });
    expect(mssOf(off.down(syn6(OUTSIDE6, LEASED6, 1_440))[0]!)).toBe(1_440);
    const hidden = syn6(OUTSIDE6, LEASED6, 1_440);
    hidden[6] = HOP_BY_HOP;
    write16(hidden, 40, 0x0600);
    expect(pairOf().down(hidden.slice())).toEqual([hidden]);
  });
});

describe("towards a session", () => {
  test("to nobody's /64, to nobody's link-local address, to everybody: counted", () => {
    const { server, down } = pairOf();
    expect(down(udp6(OUTSIDE6, global6(2, 9), 1))).toEqual([]);
    expect(down(udp6(local6(1), local6(3), 1))).toEqual([]);
    expect(down(udp6(local6(1), ALL_NODES, 1))).toEqual([]);
    expect(server.engine.dropped("no-flow")).toBe(2);
    expect(server.engine.dropped("broadcast")).toBe(1);
  });

  test("before it opened and after it closed: nothing, whatever the family beside it does", () => {
    const { server, down } = pairOf();
    server.command({ kind: "Network6", flow: FLOW, network: undefined });
    server.gre.length = 0;
    expect(down(udp6(OUTSIDE6, LEASED6, 1))).toEqual([]);
    expect(server.engine.dropped("no-flow")).toBe(1);
  });
});
