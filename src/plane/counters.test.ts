// What is counted for a session, and when it counts as idle: accounting and limits live on it.
import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { LEASED6, OUTSIDE6, open6, udp6 } from "../../test/plane/ipv6.js";
import {
  Bench,
  chance,
  echo,
  FLOW,
  GATEWAY,
  installClient,
  installServer,
  LEASED,
  OUTSIDE,
  type Setting,
  udp,
} from "../../test/plane/pair.js";
import { plane as limits } from "../limits.js";
import type { FlowCounters } from "../wire/worker-link.js";

const MPPE = { bits: 128, stateful: false } as const;
const LCP_ECHO = Uint8Array.of(0xff, 0x03, 0xc0, 0x21, 9, 2, 0, 8, 1, 2, 3, 4);

function pairOf(setting: Setting = { encryption: MPPE }) {
  const server = new Bench();
  const client = new Bench();
  installServer(server, setting);
  installClient(client, setting);
  const settle = (keep: () => boolean = () => true) => {
    for (const gre of client.gre.splice(0)) if (keep()) server.datagram(gre);
    for (const gre of server.gre.splice(0)) if (keep()) client.datagram(gre);
  };
  const pass = (ms: number) => {
    server.pass(ms);
    client.pass(ms);
    settle();
  };
  return { server, client, settle, pass };
}

/** The last word on the flow. */
function counted(bench: Bench): FlowCounters {
  bench.command({ kind: "Remove", flow: FLOW });
  return bench.of("Removed").at(-1)!.counters;
}

const octetsOf = (packets: readonly Uint8Array[]) =>
  packets.reduce((sum, { length }) => sum + length, 0);

describe("counters of a session", () => {
  property.prop([
    fc.integer({ min: 1, max: 0x7fffffff }),
    fc.constantFrom(undefined, MPPE, { bits: 128, stateful: true } as const),
    fc.constantFrom(0, 0.05, 0.3),
  ])(
    "received is what the TUN got, sent is what went out, each with its inner octets",
    (seed, encryption, loss) => {
      const random = chance(seed);
      const { server, client, settle, pass } = pairOf({ encryption });
      const sent: Uint8Array[] = [];
      for (let i = 0; i < 150; i++) {
        const length = 40 + Math.floor(random() * 1_300);
        if (random() < 0.5) client.packet(udp(LEASED, OUTSIDE, i, length));
        else {
          const packet = udp(OUTSIDE, LEASED, i, length);
          sent.push(packet);
          server.packet(packet);
        }
        if (random() < 0.3) settle(() => random() >= loss);
        if (random() < 0.1) pass(random() * 200);
      }
      settle(() => random() >= loss);
      pass(1_000);
      const counters = counted(server);
      expect(counters).toMatchObject({
        receivedPackets: server.tun.length,
        receivedOctets: octetsOf(server.tun),
        sentPackets: sent.length,
        sentOctets: octetsOf(sent),
        overRateUp: 0,
        overRateDown: 0,
      });
      if (loss === 0) expect(counters).toMatchObject({ dropped: 0, lost: 0 });
      expect(counted(client)).toMatchObject({
        receivedPackets: client.tun.length,
        receivedOctets: octetsOf(client.tun),
      });
    },
  );

  test("lost: the numbers that never came; reordered: the frames that waited", () => {
    const { server, client } = pairOf();
    for (let tag = 0; tag < 10; tag++) client.packet(udp(LEASED, OUTSIDE, tag));
    const sent = client.gre.splice(0);
    for (const at of [0, 2, 1, 3, 6, 7, 8, 9]) server.datagram(sent[at]!);
    server.pass(limits.reorderMs);
    expect(counted(server)).toMatchObject({ receivedPackets: 8, lost: 2, reordered: 5 });
  });

  test("what one session does shows in no other's", () => {
    const { server, client, settle } = pairOf({});
    const second = { slot: 1, generation: 1 };
    server.command({
      kind: "Install",
      flow: second,
      localAddress: 0xc6120101,
      peerAddress: 0xc6120103,
      callId: 7,
      peersCallId: 7,
      peersWindow: 64,
      peersProcessingDelay: 0,
      end: "gateway",
      encryptionRequired: false,
    });
    for (let i = 0; i < 5; i++) client.packet(udp(OUTSIDE, LEASED, i));
    client.packet(udp(LEASED, OUTSIDE));
    settle();
    server.command({ kind: "Remove", flow: second });
    const { idleMs: _, ...others } = server.of("Removed")[0]!.counters;
    expect(Object.values(others).every((count) => count === 0)).toBe(true);
    expect(counted(server)).toMatchObject({ receivedPackets: 1, dropped: 5 });
  });

  test("told within a second of a change, and not again without one", () => {
    const { server, client, settle } = pairOf();
    client.packet(udp(LEASED, OUTSIDE));
    settle();
    server.events.length = 0;
    server.pass(limits.countersEveryMs);
    expect(server.of("Counters")).toHaveLength(1);
    server.pass(60_000);
    expect(server.of("Counters")).toHaveLength(1);
  });
});

describe("idle", () => {
  const IDLE = 10_000;

  const data: [string, (pair: ReturnType<typeof pairOf>) => void][] = [
    ["a packet from the client", ({ client }) => client.packet(udp(LEASED, OUTSIDE))],
    ["a packet towards it", ({ server }) => server.packet(udp(OUTSIDE, LEASED))],
    ["an Echo to the gateway", ({ client }) => client.packet(echo(LEASED, GATEWAY))],
  ];
  for (const [name, act] of data) {
    test(`${name} ends it`, () => {
      const pair = pairOf();
      pair.pass(IDLE);
      act(pair);
      pair.settle();
      pair.pass(3_000);
      expect(counted(pair.server).idleMs).toBe(3_000);
    });
  }

  const noData: [string, (pair: ReturnType<typeof pairOf>) => void][] = [
    ["nothing", () => {}],
    [
      "LCP from the peer",
      ({ client }) => {
        client.command({ kind: "Send", flow: FLOW, frame: LCP_ECHO });
      },
    ],
    [
      "LCP of ours",
      ({ server }) => {
        server.command({ kind: "Send", flow: FLOW, frame: LCP_ECHO });
      },
    ],
    ["a packet that is refused", ({ client }) => client.packet(udp(OUTSIDE, LEASED))],
    [
      "a packet too large for the peer",
      ({ server }) => {
        server.packet(udp(OUTSIDE, LEASED, 1, 1_450));
      },
    ],
    [
      "a packet that does not decrypt",
      ({ client, server }) => {
        client.packet(udp(LEASED, OUTSIDE));
        const [gre] = client.gre.splice(0);
        gre!.fill(0, 40);
        server.datagram(gre!);
      },
    ],
  ];
  for (const [name, act] of noData) {
    test(`${name} does not`, () => {
      const pair = pairOf();
      pair.pass(IDLE / 2);
      act(pair);
      pair.settle();
      pair.pass(IDLE / 2);
      expect(counted(pair.server).idleMs).toBe(IDLE);
    });
  }

  test("our own router advertisements do not, however often they go", () => {
    const pair = pairOf();
    open6(pair.server, pair.client);
    for (let i = 0; i < 4; i++) pair.pass(limits.advertiseEveryMs);
    expect(pair.client.tun.length).toBeGreaterThanOrEqual(4);
    expect(counted(pair.server).idleMs).toBe(4 * limits.advertiseEveryMs);
  });

  test("IPv6 data does, either way", () => {
    const pair = pairOf();
    open6(pair.server, pair.client);
    pair.pass(IDLE);
    pair.client.packet(udp6(LEASED6, OUTSIDE6, 1));
    pair.settle();
    pair.pass(1_000);
    pair.server.packet(udp6(OUTSIDE6, LEASED6, 1));
    pair.pass(2_000);
    expect(counted(pair.server).idleMs).toBe(2_000);
  });
});
