import { describe, expect, test } from "vitest";
import {
  Bench,
  CLIENT,
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
} from "../../test/plane/pair.js";
import { plane as limits } from "../limits.js";
import { writeGre } from "../wire/gre.js";
import { finishChecksum, read16, sum16, write16 } from "../wire/ip-octets.js";
import { Ipv4Header, readIpv4, TCP, writeIpv4, writeIpv4Checksum } from "../wire/ipv4.js";
import { ICMPV6, upperChecksum6 } from "../wire/ipv6.js";
import { readProtocol } from "./judge.js";

const MPPE = { bits: 128, stateful: false } as const;
const EMSGSIZE = -90;
const ENOBUFS = -105;

function pairOf(setting: Setting = {}) {
  const server = new Bench();
  const client = new Bench();
  installServer(server, setting);
  installClient(client, setting);
  server.events.length = 0;
  return {
    server,
    client,
    down(packet: Uint8Array): Uint8Array[] {
      server.packet(packet);
      for (const gre of server.gre.splice(0)) client.datagram(gre);
      return client.tun.splice(0);
    },
  };
}

/** A packet that may be cut. */
function cuttable(length: number): Uint8Array {
  const packet = udp(OUTSIDE, LEASED, 0x01020304, length);
  write16(packet, 6, 0);
  writeIpv4Checksum(packet, 0);
  return packet;
}

function syn(source: number, destination: number, mss: number): Uint8Array {
  const packet = new Uint8Array(44);
  packet.set([0x60, 0x02], 32);
  packet.set([2, 4, mss >>> 8, mss & 255], 40);
  writeIpv4(packet, 0, packet.length, TCP, source, destination);
  write16(packet, 36, finishChecksum(sum16(packet, 20, 44, sum16(packet, 12, 20) + TCP + 24)));
  return packet;
}

function mssOf(packet: Uint8Array): number {
  expect(finishChecksum(sum16(packet, 20, 44, sum16(packet, 12, 20) + TCP + 24))).toBe(0);
  return read16(packet, 42);
}

describe("the kernel's packet", () => {
  test("to nobody's address, or none at all: counted", () => {
    const { server } = pairOf();
    server.packet(udp(OUTSIDE, 0x0a630063));
    server.packet(new Uint8Array(0));
    server.packet(Uint8Array.of(0x45, 0));
    server.packet(Uint8Array.of(0x60, 0));
    expect(server.engine.dropped("no-flow")).toBe(1);
    expect(server.engine.dropped("ip-version")).toBe(1);
    expect(server.engine.dropped("ip-truncated")).toBe(2);
    expect(server.gre).toHaveLength(0);
  });

  test("header compression as Link says", () => {
    for (const [acfc, pfc, head] of [
      [false, false, [0xff, 0x03, 0x00, 0x21]],
      [true, false, [0x00, 0x21]],
      [false, true, [0xff, 0x03, 0x21]],
      [true, true, [0x21]],
    ] as const) {
      const { server } = pairOf();
      server.command({ kind: "Link", flow: FLOW, peersMru: 1400, mru: 1400, acfc, pfc });
      server.packet(udp(OUTSIDE, LEASED));
      expect([...server.gre[0]!.subarray(32, 32 + head.length)]).toEqual([...head]);
    }
  });

  test("the numbers of a flow start at 0 and go on by one, acknowledgments between them or not", () => {
    const { server, client } = pairOf();
    for (let i = 0; i < 5; i++) {
      client.packet(udp(LEASED, OUTSIDE));
      for (const gre of client.gre.splice(0)) server.datagram(gre);
      server.pass(60);
      server.packet(udp(OUTSIDE, LEASED));
    }
    const data = server.gre.filter((gre) => (gre[20]! & 0x10) !== 0);
    expect(data.map((gre) => gre[31])).toEqual([0, 1, 2, 3, 4]);
    expect(server.gre.length - data.length).toBe(5);
  });
});

describe("larger than the peer's MRU", () => {
  const { down: fits, server: atMru } = pairOf({ encryption: MPPE, mru: 1_400 });
  test("1396 octets pass a MRU of 1400 with MPPE's four, 1397 do not", () => {
    expect(fits(udp(OUTSIDE, LEASED, 1, 1_396))).toHaveLength(1);
    expect(fits(udp(OUTSIDE, LEASED, 1, 1_397))).toHaveLength(0);
    expect(atMru.engine.dropped("over-mru")).toBe(1);
  });

  test("Don't Fragment: fragmentation needed with the MTU that passes, into the TUN", () => {
    const { server, down } = pairOf({ encryption: MPPE, mru: 1_400 });
    const packet = udp(OUTSIDE, LEASED, 1, 1_450);
    expect(down(packet)).toHaveLength(0);
    const [error] = server.tun;
    const header = new Ipv4Header();
    expect(readIpv4(error!, 0, error!.length, header)).toBeUndefined();
    // From the session's side: the kernel takes its own address for a martian.
    expect(header).toMatchObject({ protocol: 1, source: LEASED, destination: OUTSIDE });
    expect([error![20], error![21], read16(error!, 26)]).toEqual([3, 4, 1_396]);
    expect(finishChecksum(sum16(error!, 20, error!.length))).toBe(0);
    expect(error!.subarray(28, 48)).toEqual(packet.subarray(0, 20));
  });

  test("at most 100 such errors a second, and none about an error", () => {
    const { server } = pairOf();
    for (let i = 0; i < 300; i++) server.packet(udp(OUTSIDE, LEASED, 1, 1_450));
    expect(server.tun).toHaveLength(limits.icmpPerSecondMax);
    server.pass(1_000);
    const error = udp(OUTSIDE, LEASED, 1, 1_450);
    error[9] = 1;
    error[20] = 3;
    writeIpv4Checksum(error, 0);
    server.packet(error);
    expect(server.tun).toHaveLength(limits.icmpPerSecondMax);
  });

  test("may be cut: fragments, each within the MRU, that join to the packet", () => {
    const { down, server } = pairOf({ encryption: MPPE, mru: 600 });
    const pieces = down(cuttable(1_400));
    expect(pieces.length).toBe(3);
    for (const piece of pieces) expect(piece.length).toBeLessThanOrEqual(596);
    expect(tagOf(pieces.at(-1)!)).toBe(0x01020304);
    expect(server.tun).toHaveLength(0);
  });

  test("IPv6: packet too big", () => {
    const { server, down } = pairOf();
    const host = Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9);
    const outside = Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 9);
    const linkLocal = Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2);
    server.command({
      kind: "Network6",
      flow: FLOW,
      network: { linkLocal, ourLinkLocal: linkLocal, prefix: host },
    });
    server.gre.length = 0;
    expect(down(packet6(outside, host, 17, 1_400))).toHaveLength(0);
    const [error] = server.tun;
    expect([error![40], read16(error!, 46)]).toEqual([2, 1_400]);
    expect(error!.length).toBe(1_280);
    expect(upperChecksum6(error!, 0, 40, error!.length, ICMPV6)).toBe(0);
  });
});

describe("MSS", () => {
  test("clamped both ways to what passes both ways, checksum right", () => {
    const { server, client, down } = pairOf({ encryption: MPPE, mru: 1_400 });
    const [toPeer] = down(syn(OUTSIDE, LEASED, 1_460));
    expect(mssOf(toPeer!)).toBe(1_400 - 4 - 40);
    client.command({ kind: "Link", flow: FLOW, peersMru: 1500, mru: 1500, acfc: true, pfc: true });
    client.packet(syn(LEASED, OUTSIDE, 1_460));
    for (const gre of client.gre) server.datagram(gre);
    expect(mssOf(server.tun[0]!)).toBe(1_400 - 4 - 40);
  });

  test("left alone when it says less, and when clamping is off", () => {
    expect(mssOf(pairOf().down(syn(OUTSIDE, LEASED, 1_000))[0]!)).toBe(1_000);
    const off = pairOf({ terms: { clampMss: false } });
    expect(mssOf(off.down(syn(OUTSIDE, LEASED, 1_460))[0]!)).toBe(1_460);
  });
});

describe("a narrower path", () => {
  test("EMSGSIZE: sent again without Don't Fragment, told once, the MSS follows", () => {
    const { server, down } = pairOf({ encryption: MPPE });
    server.sendErrors = [EMSGSIZE];
    expect(down(udp(OUTSIDE, LEASED, 7, 1_300)).map(tagOf)).toEqual([7]);
    expect(down(udp(OUTSIDE, LEASED, 8, 1_300)).map(tagOf)).toEqual([8]);
    expect(server.dontFragment).toEqual([true, false, false]);
    expect(server.of("Trouble")).toEqual([{ kind: "Trouble", call: "send", errno: "EMSGSIZE" }]);
    expect(mssOf(down(syn(OUTSIDE, LEASED, 1_460))[0]!)).toBe(1_280 - 44 - 40);
  });

  test("a full socket: the packet is dropped and counted, the next one goes", () => {
    const { server, down } = pairOf({ encryption: MPPE });
    server.sendErrors = [ENOBUFS, -1];
    expect(down(udp(OUTSIDE, LEASED, 1))).toHaveLength(0);
    expect(down(udp(OUTSIDE, LEASED, 2))).toHaveLength(0);
    expect(server.engine.dropped("send-full")).toBe(1);
    expect(server.engine.dropped("send-failed")).toBe(1);
    server.packet(udp(OUTSIDE, LEASED, 3));
    expect(server.gre).toHaveLength(1);
  });
});

describe("send window `rfc`", () => {
  const terms = { sendWindow: "rfc" } as const;
  const install = { peersWindow: 8 };

  function acknowledge(server: Bench, number: number): void {
    const gre = new Uint8Array(12);
    writeGre(gre, 0, 0x5678, 0, undefined, number);
    server.datagram(datagram(CLIENT, SERVER, gre));
  }

  test("four of eight go, the rest wait in order, each acknowledgment lets more go", () => {
    const { server } = pairOf({ terms, install });
    for (let tag = 0; tag < 10; tag++) server.packet(udp(OUTSIDE, LEASED, tag));
    expect(server.gre.map(tagOf)).toEqual([0, 1, 2, 3]);
    acknowledge(server, 1);
    expect(server.gre.map(tagOf)).toEqual([0, 1, 2, 3, 4, 5]);
    acknowledge(server, 5);
    expect(server.gre.map(tagOf)).toEqual([...Array(10).keys()]);
  });

  test("a peer that never acknowledges: time-outs let packets go, one at a time at worst", () => {
    const { server } = pairOf({ terms, install, encryption: MPPE });
    for (let tag = 0; tag < 20; tag++) server.packet(udp(OUTSIDE, LEASED, tag));
    server.pass(120_000);
    expect(server.gre).toHaveLength(20);
  });

  test("64 wait at most; the newest is dropped before it costs a coherency count", () => {
    const { server, client } = pairOf({ terms, install, encryption: MPPE });
    for (let tag = 0; tag < 100; tag++) server.packet(udp(OUTSIDE, LEASED, tag));
    expect(server.engine.dropped("send-queue-full")).toBe(100 - 4 - limits.sendQueuePacketsMax);
    for (let round = 0; round < 200; round++) {
      for (const gre of server.gre.splice(0)) client.datagram(gre);
      client.pass(limits.ackDelayMs);
      for (const gre of client.gre.splice(0)) server.datagram(gre);
    }
    expect(client.tun.map(tagOf)).toEqual([...Array(68).keys()]);
  });
});

describe("commands", () => {
  test("a stale generation is ignored and counted, whatever it asks", () => {
    const { server } = pairOf();
    const flow = { slot: 0, generation: 9 };
    server.command({ kind: "Remove", flow });
    server.command({ kind: "Send", flow, frame: Uint8Array.of(0xc0, 0x21) });
    server.command({ kind: "Network4", flow, network: undefined });
    expect(server.engine.dropped("stale-generation")).toBe(3);
    expect([server.engine.flows, server.gre.length, server.events.length]).toEqual([1, 0, 0]);
  });

  test("Remove tells the last counters and leaves nothing: no timer, no packet, no answer", () => {
    const { server, client, down } = pairOf({ encryption: MPPE });
    client.packet(udp(LEASED, OUTSIDE, 0, 60));
    client.packet(udp(LEASED, OUTSIDE, 1, 60));
    const [first, second] = client.gre.splice(0);
    server.datagram(first!);
    down(udp(OUTSIDE, LEASED, 0, 80));
    server.command({ kind: "Remove", flow: FLOW });
    expect(server.of("Removed")[0]?.counters).toMatchObject({
      receivedPackets: 1,
      receivedOctets: 60,
      sentPackets: 1,
      sentOctets: 80,
    });
    server.datagram(second!);
    expect(server.engine.dropped("unknown-call")).toBe(1);
    expect(down(udp(OUTSIDE, LEASED))).toHaveLength(0);
    server.pass(2_000);
    server.events.length = 0;
    server.pass(100_000);
    expect([server.engine.flows, server.engine.pollTimeout()]).toEqual([0, undefined]);
  });

  test("ten thousand flows in and out: nothing is kept", () => {
    const server = new Bench();
    for (let generation = 1; generation <= 10_000; generation++) {
      installServer(server, { install: { flow: { slot: 0, generation } } });
      server.command({ kind: "Remove", flow: { slot: 0, generation } });
      server.events.length = 0;
    }
    server.pass(5_000);
    expect([server.engine.flows, server.engine.pollTimeout()]).toEqual([0, undefined]);
  });

  test("Install again of a flow that is there: the peer's Call ID and window are learned", () => {
    const client = new Bench();
    installServer(client, { install: { peersCallId: 0, peersWindow: 1 }, network: false });
    installServer(client, { install: { peersCallId: 0x4321, peersWindow: 8 } });
    expect(client.of("Installed")).toHaveLength(2);
    client.packet(udp(OUTSIDE, LEASED));
    expect([...client.gre[0]!.subarray(26, 32)]).toEqual([0x43, 0x21, 0, 0, 0, 0]);
  });

  test("Ping is answered with its nonce", () => {
    const { server } = pairOf();
    server.command({ kind: "Ping", nonce: 77 });
    expect(server.of("Pong")).toEqual([{ kind: "Pong", nonce: 77 }]);
  });

  test("Send larger than a payload may be: dropped", () => {
    const { server } = pairOf();
    server.command({
      kind: "Send",
      flow: FLOW,
      frame: new Uint8Array(limits.payloadOctetsMax + 1),
    });
    server.command({ kind: "Send", flow: FLOW, frame: new Uint8Array(0) });
    expect(server.engine.dropped("frame-large")).toBe(2);
  });

  test("counters of 600 flows that changed: told once a second, 256 a message", () => {
    const server = new Bench();
    installServer(server);
    for (let slot = 1; slot < 600; slot++) {
      const flow = { slot, generation: 1 };
      server.command({
        kind: "Install",
        flow,
        localAddress: SERVER,
        peerAddress: CLIENT,
        callId: slot,
        peersCallId: slot,
        peersWindow: 64,
        peersProcessingDelay: 0,
        end: "gateway",
        encryptionRequired: false,
      });
      server.command({
        kind: "Network4",
        flow,
        network: { address: GATEWAY + 1 + slot, routes: [] },
      });
    }
    for (let slot = 0; slot < 600; slot++) server.packet(udp(OUTSIDE, LEASED + slot));
    server.pass(999);
    expect(server.of("Counters")).toHaveLength(0);
    server.pass(1);
    expect(server.of("Counters").map(({ flows }) => flows.length)).toEqual([256, 256, 88]);
    server.events.length = 0;
    server.pass(10_000);
    expect(server.of("Counters")).toHaveLength(0);
  });
});

test("readProtocol: one octet when odd, two when even, 0 when cut", () => {
  expect(readProtocol(Uint8Array.of(0x21, 0x45), 0, 2)).toBe(0x21);
  expect(readProtocol(Uint8Array.of(0xc0, 0x21), 0, 2)).toBe(0xc021);
  expect(readProtocol(Uint8Array.of(0xc0), 0, 1)).toBe(0);
  expect(readProtocol(new Uint8Array(0), 0, 0)).toBe(0);
});
