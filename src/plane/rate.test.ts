// A user's rate through two engines: what comes out, what is counted, who shares it.
import { describe, expect, test } from "vitest";
import {
  Bench,
  CLIENT,
  echo,
  FLOW,
  GATEWAY,
  installClient,
  installServer,
  LEASED,
  OUTSIDE,
  packet6,
  SERVER,
  type Setting,
  udp,
} from "../../test/plane/pair.js";
import { plane as limits } from "../limits.js";

const MPPE = { bits: 128, stateful: false } as const;
/** 8 Mbit/s: 1000 octets a millisecond. */
const RATE = 8_000_000;
const BURST = 1_000 * limits.rateBurstMs;
const SECOND = { slot: 1, generation: 1 };
const SECOND_CALL = 0x5679;
const SECOND_LEASED = 0x0a630003;

function pairOf(setting: Setting = {}) {
  const server = new Bench();
  const client = new Bench();
  installServer(server, setting);
  installClient(client, setting);
  server.events.length = 0;
  return { server, client };
}

function rate(bench: Bench, up: number, down: number, flow = FLOW, bucket = 1): void {
  bench.command({ kind: "Rate", flow, bucket, upBitsPerSecond: up, downBitsPerSecond: down });
}

/** So many packets a millisecond for so long, from the client and towards it; octets that came out. */
function run({ server, client }: ReturnType<typeof pairOf>, ms: number, packets = 2) {
  const out = { up: 0, down: 0 };
  for (let i = 0; i < ms; i++) {
    for (let n = 0; n < packets; n++) {
      client.packet(udp(LEASED, OUTSIDE, i, 1_000));
      server.packet(udp(OUTSIDE, LEASED, i, 1_000));
    }
    for (const gre of client.gre.splice(0)) server.datagram(gre);
    for (const gre of server.gre.splice(0)) client.datagram(gre);
    for (const packet of server.tun.splice(0)) out.up += packet.length;
    for (const packet of client.tun.splice(0)) out.down += packet.length;
    server.pass(1);
    client.pass(1);
  }
  return out;
}

describe("a user's rate", () => {
  for (const encryption of [undefined, MPPE, { bits: 128, stateful: true } as const]) {
    const name = encryption === undefined ? "in the clear" : `stateful: ${encryption.stateful}`;
    test(`${name}: twice the rate each way comes out at the rate, the rest is counted`, () => {
      const pair = pairOf({ encryption });
      rate(pair.server, RATE, RATE / 4);
      const out = run(pair, 1_000);
      expect(out.up).toBe(BURST + 999_000);
      expect(out.down).toBe(BURST / 4 + 249_000);
      const dropped = { up: (2_000_000 - out.up) / 1_000, down: (2_000_000 - out.down) / 1_000 };
      expect(pair.server.engine.dropped("rate-up")).toBe(dropped.up);
      expect(pair.server.engine.dropped("rate-down")).toBe(dropped.down);
      pair.server.pass(2_000);
      expect(pair.server.of("Counters").at(-1)!.flows[0]!.counters).toMatchObject({
        receivedOctets: out.up,
        sentOctets: out.down,
        dropped: dropped.up + dropped.down,
        overRateUp: dropped.up,
        overRateDown: dropped.down,
        lost: 0,
      });
      // Dropped before it was numbered and encrypted: the peer sees no gap.
      expect(pair.client.engine.dropped("mppe-discarding")).toBe(0);
    });
  }

  test("without one nothing is held back", () => {
    expect(run(pairOf(), 100)).toEqual({ up: 200_000, down: 200_000 });
  });

  test("is changed and taken off while data goes", () => {
    const pair = pairOf();
    rate(pair.server, RATE, RATE);
    run(pair, 200);
    rate(pair.server, RATE / 2, 0);
    expect(run(pair, 200)).toEqual({ up: 100_000, down: 400_000 });
    rate(pair.server, 0, 0);
    expect(run(pair, 10)).toEqual({ up: 20_000, down: 20_000 });
  });

  test("two sessions of a user share it; another user's is another", () => {
    const { server } = pairOf();
    server.command({
      kind: "Install",
      flow: SECOND,
      localAddress: SERVER,
      peerAddress: CLIENT,
      callId: SECOND_CALL,
      peersCallId: 0x1235,
      peersWindow: 64,
      peersProcessingDelay: 0,
      end: "gateway",
      encryptionRequired: false,
    });
    const network = { address: SECOND_LEASED, routes: [] };
    server.command({ kind: "Network4", flow: SECOND, network });
    const sent = (address: number) => {
      for (let i = 0; i < 200; i++) server.packet(udp(OUTSIDE, address, i, 1_000));
      return server.gre.splice(0).length;
    };
    rate(server, 0, RATE);
    rate(server, 0, RATE, SECOND);
    expect(sent(LEASED)).toBe(100);
    expect(sent(SECOND_LEASED)).toBe(0);
    rate(server, 0, RATE, SECOND, 2);
    expect(sent(SECOND_LEASED)).toBe(100);
  });

  test("counts IPv6 and fragments by the octets of the inner packet", () => {
    const { server, client } = pairOf({ mru: 600 });
    const linkLocal = (last: number) => {
      const address = new Uint8Array(16);
      address.set([0xfe, 0x80]);
      address[15] = last;
      return address;
    };
    const [peers, ours] = [linkLocal(2), linkLocal(1)];
    const network = { linkLocal: peers, ourLinkLocal: ours, prefix: undefined };
    server.command({ kind: "Network6", flow: FLOW, network });
    client.command({ kind: "Network6", flow: FLOW, network: { ...network, linkLocal: ours } });
    rate(server, RATE, RATE);
    server.gre.length = 0;
    for (let i = 0; i < 400; i++) server.packet(packet6(ours, peers, 17, 460));
    expect(server.gre.length).toBe(BURST / 500);
  });

  test("holds for what our own end answers, too", () => {
    const { server, client } = pairOf();
    rate(server, 0, 8_000);
    for (let i = 0; i < 2; i++) server.packet(udp(OUTSIDE, LEASED, i, 1_400));
    for (let i = 0; i < 5; i++) client.packet(echo(LEASED, GATEWAY));
    for (const gre of client.gre.splice(0)) server.datagram(gre);
    // 2800 of 3064 octets are spent: 4 answers of 60.
    expect(server.engine.dropped("rate-down")).toBe(1);
  });

  test("is told of what it refused, though nothing else happens", () => {
    const { server } = pairOf();
    rate(server, 0, 8_000);
    for (let i = 0; i < 3; i++) server.packet(udp(OUTSIDE, LEASED, i, 1_400));
    server.pass(limits.countersEveryMs);
    expect(server.of("Counters").at(-1)?.drops["rate-down"]).toBe(1);
    server.events.length = 0;
    server.packet(udp(OUTSIDE, LEASED, 4, 1_400));
    server.pass(limits.countersEveryMs);
    expect(server.of("Counters").map(({ drops }) => drops["rate-down"])).toEqual([2]);
  });

  test("a packet that may not pass anyway spends nothing", () => {
    const { server, client } = pairOf();
    rate(server, RATE, 0);
    for (let i = 0; i < 200; i++) client.packet(udp(OUTSIDE, LEASED, i, 1_000));
    for (const gre of client.gre.splice(0)) server.datagram(gre);
    expect(server.engine.dropped("source-refused")).toBe(200);
    for (let i = 0; i < 100; i++) client.packet(udp(LEASED, OUTSIDE, i, 1_000));
    for (const gre of client.gre.splice(0)) server.datagram(gre);
    expect(server.tun).toHaveLength(100);
  });

  test("a bucket that is none: said, and the flow keeps what it has", () => {
    const { server, client } = pairOf();
    rate(server, RATE, RATE);
    rate(server, 0, 0, FLOW, limits.rateBucketsMax);
    expect(server.events).toEqual([{ kind: "Trouble", call: "rate bucket", errno: "ERANGE" }]);
    expect(run({ server, client }, 100).up).toBe(BURST + 99_000);
  });

  test("of a flow that is gone: stale", () => {
    const { server } = pairOf();
    rate(server, RATE, RATE, { slot: 0, generation: 2 });
    expect(server.engine.dropped("stale-generation")).toBe(1);
  });
});
