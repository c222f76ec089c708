// The data path as it is alone and with the compiled lane before it: each is the other's reference. An
// input is a list of datagrams, made to reach far by their first octet, of packets the other way, of what the
// peer sent in vain, of what the core says, and of time.
import { strict as assert } from "node:assert";
import { DROP_REASONS } from "../../../src/plane/drop-reason.js";
import { joined } from "../../../src/storm/mutator.js";
import { writeGre } from "../../../src/wire/gre.js";
import { write16 } from "../../../src/wire/ip-octets.js";
import { upperChecksum6 } from "../../../src/wire/ipv6.js";
import { dhcpInform } from "../../plane/dhcp.js";
import { LEASED6, local6, OUTSIDE6, PREFIX, syn6, udp6 } from "../../plane/ipv6.js";
import {
  Bench,
  CLIENT,
  datagram,
  echo,
  FLOW,
  GATEWAY,
  installClient,
  installServer,
  LEASED,
  OUTSIDE,
  packet6,
  SERVER,
  TERMS,
  udp,
} from "../../plane/pair.js";
import { pppFrames, vectorsOf } from "../corpus.js";
import type { Target } from "./hunt.js";

const CALL_ID = 0x5678;
const alone = new Bench(undefined, undefined, "typescript");
const lane = new Bench(undefined, undefined, "wasm");
const both = [alone, lane];

type Form = "datagram" | "gre" | "frame" | "packet";
const FORMS: readonly Form[] = ["datagram", "gre", "frame", "packet"];

/** In the three upper bits of a unit's first octet; all others are something that the peer sent. */
const DOINGS = { tun: 1, time: 2, lost: 3, resync: 4, flush: 5, terms: 6, inform: 7 } as const;
const LOST_MAX = 4_096;
const PADDING_OCTETS = 250;
/** Whatever MTU there is, this is longer. */
const PADDED = 7;

type Setting = {
  readonly stateful?: boolean;
  readonly end?: "gateway" | "host";
  readonly sendWindow?: "off" | "rfc";
};

const closed6 = [OUTSIDE6.with(15, 1), OUTSIDE6.with(15, 2)];

function plane(name: string, { stateful, end = "gateway", sendWindow = "off" }: Setting): Target {
  const encryption = stateful === undefined ? undefined : { bits: 128 as const, stateful };
  const terms = { ...TERMS, sendWindow, hostAddresses6: closed6, dns6: closed6.slice(1) };
  const frames = pppFrames.filter(({ length }) => length < 254);
  const seeds = [
    ...vectorsOf("gre").flatMap(({ send }) => send.map((gre) => unit("gre", gre))),
    ...frames.map((frame) => unit("frame", frame)),
    ...inner.map((one) => unit("packet", one)),
    unit("datagram", datagram(CLIENT, SERVER, new Uint8Array(12))),
    ...outer.flatMap((one) => [doing("tun", one), doing("tun", one, PADDED)]),
    ...losses,
    doing("flush", Uint8Array.of(2)),
    ...[[8], [1], [8, 55, 200], [8, 12, 1, 65]].map((octets) =>
      doing("inform", Uint8Array.from(octets)),
    ),
    // More than a window may be out, and then it is answered.
    joined(
      ...Array.from({ length: 12 }, () => doing("tun", udp(OUTSIDE, LEASED, 7, 40))),
      ...acknowledgments,
      doing("time", Uint8Array.of(90)),
    ),
    ...[0, 1, 2, 3, 4, 5, 6, 7].map((bits) =>
      joined(
        doing("terms", Uint8Array.of(bits)),
        ...inner.map((one) => unit("packet", one)),
        ...outer.map((one) => doing("tun", one)),
      ),
    ),
  ];
  const run = (input: Uint8Array) => {
    for (const bench of both) {
      bench.command({ kind: "Remove", flow: FLOW });
      clear(bench);
      installServer(bench, { encryption, terms, install: { end } });
      bench.command({ kind: "Network6", flow: FLOW, network: PREFIX });
    }
    const client = encryption === undefined ? undefined : new ClientLine(encryption);
    const before = both.map(drops);
    let sequence = 0;
    let lost = 0;
    for (let at = 0; at + 2 <= input.length; at += 2 + input[at + 1]!) {
      const octets = input.slice(at + 2, at + 2 + input[at + 1]!);
      const form = FORMS[input[at]! & 3]!;
      const ahead = (input[at]! >>> 2) & 7;
      if (input[at]! >>> 5 === DOINGS.lost) {
        const count = Math.min((octets[0] ?? 0) * 16, LOST_MAX - lost);
        lost += count;
        if (client === undefined) sequence += count;
        else client.lose(count);
        continue;
      }
      if (doneTo(both, terms, input[at]! >>> 5, octets, ahead)) continue;
      // How far its number is from the next.
      const number = (sequence + ahead) >>> 0;
      const made =
        input[at]! >>> 5 === DOINGS.inform
          ? madeOf("packet", informOf(octets), number, ahead, client)
          : madeOf(form, octets, number, ahead, client);
      if (form !== "datagram" && form !== "gre") sequence = number + 1;
      for (const bench of both) for (const one of made) bench.datagram(one.slice());
    }
    for (const bench of both) bench.pass(2_000);
    const [a, b] = both.map((bench, index) => ({
      drops: drops(bench).map((count, place) => count - before[index]![place]!),
      tun: bench.tun,
      sent: bench.gre.length,
      told: bench.events.map(({ kind }) => kind).filter((kind) => kind !== "Counters"),
    }));
    assert.deepEqual(b, a);
    for (const bench of both) {
      assert.equal(bench.engine.flows, 1);
      bench.command({ kind: "Remove", flow: FLOW });
      assert.equal(bench.engine.flows, 0);
      assert.equal(bench.engine.reorderOctets, 0);
    }
  };
  return { name, seeds, run };
}

const ALL_ROUTERS = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2);

function icmp6(type: number, source: Uint8Array, destination: Uint8Array, about = source) {
  const packet = packet6(source, destination, undefined, 24, 255);
  packet[40] = type;
  packet.set(about, 48);
  write16(packet, 42, upperChecksum6(packet, 0, 40, packet.length, 58));
  return packet;
}

/** What is inside a session, from its peer: to others, to us, and of what is ours to answer. */
const inner: readonly Uint8Array[] = [
  ...[udp(LEASED, OUTSIDE, 7, 60), udp(LEASED, GATEWAY, 7, 60, 53), udp(OUTSIDE, LEASED)],
  ...[echo(LEASED, OUTSIDE), echo(LEASED, GATEWAY)],
  ...[udp(LEASED, SERVER), udp(LEASED, LEASED), udp(LEASED, 0xe000_0001)],
  ...[udp6(LEASED6, OUTSIDE6, 1), udp6(LEASED6, LEASED6, 1), syn6(LEASED6, OUTSIDE6, 1_460)],
  ...closed6.map((address) => udp6(LEASED6, address, 1)),
  ...[udp6(local6(2), OUTSIDE6, 1), udp6(local6(2), local6(1), 1), udp6(OUTSIDE6, LEASED6, 1)],
  ...[icmp6(133, local6(2), ALL_ROUTERS), icmp6(135, local6(2), local6(1), local6(1))],
];

/** A DHCPINFORM, which is longer than a unit: its type, and options before the others. */
function informOf([type = 8, ...options]: Uint8Array): Uint8Array {
  return dhcpInform(LEASED, { type, options });
}

/** From the TUN: towards the session's peer. */
const outer: readonly Uint8Array[] = [
  ...[
    udp(OUTSIDE, LEASED, 7, 60),
    udp(OUTSIDE, LEASED, 7, 60).with(6, 0x40),
    echo(GATEWAY, LEASED),
  ],
  ...[udp(OUTSIDE, OUTSIDE), udp(OUTSIDE, 0xe000_0001)],
  ...[udp6(OUTSIDE6, LEASED6, 1), udp6(local6(1), local6(2), 1), udp6(OUTSIDE6, ALL_ROUTERS, 1)],
  ...[syn6(OUTSIDE6, LEASED6, 1_460), udp6(OUTSIDE6, OUTSIDE6, 1), Uint8Array.of(0x10)],
  tcpSyn(),
];

function tcpSyn(): Uint8Array {
  const packet = udp(OUTSIDE, LEASED, 0, 44);
  packet[9] = 6;
  packet.set([0x60, 2], 32);
  packet.set([2, 4, 5, 0xb4], 40);
  return packet;
}

/** The reply to an LCP Echo that shows whose place is whose. */
const proof = Uint8Array.of(10, 7, 0, 12, 0, 0, 0, 0, 1, 2, 3, 4);

/** So many packets lost, times 16: a few, more than the window, more than MPPE counts, time and again. */
const losses: readonly Uint8Array[] = [[1], [17], [40], [130], [255], [40, 40, 40]].flatMap(
  (all) => {
    const packet = unit("packet", udp(LEASED, OUTSIDE, 7, 40));
    const shown = [
      doing("resync", proof),
      unit("frame", joined(Uint8Array.of(0xff, 3, 0xc0, 0x21), proof)),
    ];
    const each = all.map((count) => doing("lost", Uint8Array.of(count)));
    const wait = doing("time", Uint8Array.of(255));
    const six = unit("packet", udp6(LEASED6, OUTSIDE6, 1));
    return [
      joined(packet, ...each.flatMap((one) => [one, six, packet])),
      joined(packet, ...each.flatMap((one) => [one, packet, packet])),
      joined(
        packet,
        ...each.flatMap((one) => [one, ...shown, packet, wait, packet, ...shown, packet]),
      ),
      joined(
        packet,
        ...each,
        doing("flush", Uint8Array.of(0)),
        packet,
        doing("tun", udp(OUTSIDE, LEASED)),
      ),
    ];
  },
);

/** Of the first so many packets that were sent to it. */
const acknowledgments: readonly Uint8Array[] = [0, 3, 9].map((number) => {
  const gre = new Uint8Array(12);
  writeGre(gre, 0, CALL_ID, 0, undefined, number);
  return unit("gre", gre);
});

/** Whether it was something else than the peer's. */
function doneTo(
  benches: readonly Bench[],
  terms: typeof TERMS,
  what: number,
  octets: Uint8Array,
  ahead: number,
): boolean {
  const [first = 0] = octets;
  for (const bench of benches) {
    switch (what) {
      case DOINGS.tun:
        bench.packet(padded(octets, ahead));
        break;
      case DOINGS.time:
        bench.pass(first * 40);
        break;
      case DOINGS.resync:
        bench.command({ kind: "Resync", flow: FLOW, echoReply: octets.slice() });
        break;
      case DOINGS.flush:
        // Or one longer than any that is a call's.
        if (first & 2) bench.engine.handleTruncated(bench.now);
        else bench.command({ kind: "Flush", flow: FLOW, side: first & 1 ? "receive" : "send" });
        break;
      case DOINGS.terms: {
        const [clientToClient, reachHost, clampMss] = [first & 1, first & 2, (first & 4) ^ 4];
        const gateway = { ...terms, clientToClient: clientToClient > 0, reachHost: reachHost > 0 };
        bench.command({ kind: "Configure", gateway: { ...gateway, clampMss: clampMss > 0 } });
        break;
      }
      default:
        return false;
    }
  }
  return true;
}

/** Longer by so many times as much, and says so. */
function padded(packet: Uint8Array, times: number): Uint8Array {
  const longer = new Uint8Array(packet.length + times * PADDING_OCTETS);
  longer.set(packet);
  if (times === 0 || packet.length < 20) return longer;
  if (packet[0]! >>> 4 === 4) write16(longer, 2, longer.length);
  if (packet[0]! >>> 4 === 6) write16(longer, 4, longer.length - 40);
  return longer;
}

/** Encrypts what it is given as the good peer would. */
class ClientLine {
  static readonly #bench = new Bench(undefined, undefined, "typescript");

  constructor(encryption: { readonly bits: 128; readonly stateful: boolean }) {
    const bench = ClientLine.#bench;
    bench.command({ kind: "Remove", flow: FLOW });
    clear(bench);
    installClient(bench, { encryption });
    const network = { linkLocal: local6(2), ourLinkLocal: local6(2), prefix: undefined };
    bench.command({ kind: "Network6", flow: FLOW, network });
    bench.gre.length = 0;
  }

  /** So many packets that do not arrive. */
  lose(count: number): void {
    const packet = udp(LEASED, OUTSIDE, 0, 40);
    for (let at = 0; at < count; at++) {
      ClientLine.#bench.packet(packet);
      ClientLine.#bench.gre.length = 0;
    }
  }

  /** In the clear, with the next number. */
  frame(frame: Uint8Array): Uint8Array[] {
    ClientLine.#bench.command({ kind: "Send", flow: FLOW, frame });
    return ClientLine.#bench.gre.splice(0);
  }

  datagrams(packet: Uint8Array): Uint8Array[] {
    ClientLine.#bench.packet(packet);
    return ClientLine.#bench.gre.splice(0);
  }
}

function madeOf(
  form: Form,
  octets: Uint8Array,
  sequence: number,
  ahead: number,
  client: ClientLine | undefined,
): readonly Uint8Array[] {
  if (form === "datagram") return [octets];
  if (form === "gre") {
    if (octets.length >= 8) octets.set([CALL_ID >>> 8, CALL_ID & 255], 6);
    return [datagram(CLIENT, SERVER, octets)];
  }
  if (form === "packet" && client !== undefined) return client.datagrams(octets);
  if (form === "frame" && client !== undefined && ahead === 0) return client.frame(octets);
  const protocol = octets[0]! >>> 4 === 6 ? 0x57 : 0x21;
  const frame = form === "packet" ? joined(Uint8Array.of(protocol), octets) : octets;
  const gre = new Uint8Array(12 + frame.length);
  writeGre(gre, 0, CALL_ID, frame.length, sequence, undefined);
  gre.set(frame, 12);
  return [datagram(CLIENT, SERVER, gre)];
}

function doing(what: keyof typeof DOINGS, octets: Uint8Array, times = 0): Uint8Array {
  const cut = octets.subarray(0, 255);
  return joined(Uint8Array.of((DOINGS[what] << 5) | (times << 2), cut.length), cut);
}

function unit(form: Form, octets: Uint8Array): Uint8Array {
  const cut = octets.subarray(0, 255);
  return joined(Uint8Array.of(FORMS.indexOf(form), cut.length), cut);
}

function drops(bench: Bench): number[] {
  return DROP_REASONS.map((reason) => bench.engine.dropped(reason));
}

function clear(bench: Bench): void {
  bench.tun.length = 0;
  bench.gre.length = 0;
  bench.events.length = 0;
  bench.dontFragment.length = 0;
}

export const planes: readonly Target[] = [
  plane("plane-plain", {}),
  plane("plane-stateless", { stateful: false }),
  plane("plane-stateful", { stateful: true }),
  plane("plane-window", { sendWindow: "rfc" }),
  plane("plane-host", { stateful: false, end: "host" }),
];
