// Packets in fragments, whatever their order: RFC 791 §3.2, RFC 5722.
import { describe, expect, test } from "vitest";
import { Chance } from "../../src/base/chance.js";
import { isRefusal, type UdpSocket } from "../../src/client/tcp/contract.js";
import { stack as bounds } from "../../src/limits.js";
import { ByHand, packet } from "./by-hand.js";
import { THEIRS } from "./network.js";
import { big } from "./view.js";

const MORE = 0x2000;
const UDP = 17;
const payload = new Chance(7).octets(4_000);

function bound(hand: ByHand): UdpSocket {
  const socket = hand.stack.bindUdp();
  if (isRefusal(socket)) throw new Error(socket.limit);
  return socket;
}

/** A datagram, checksum left out, as the payload of IP. */
function datagram(socket: UdpSocket, octets = payload): Uint8Array {
  const length = 8 + octets.length;
  const header = [53, socket.localPort, length, 0].flatMap(big.octets16);
  return Uint8Array.from([...header, ...octets]);
}

type Cut = { readonly start: number; readonly end: number; readonly last?: boolean };

/** [start, end) of a datagram as a fragment of packet `id`. */
function fragment(whole: Uint8Array, cut: Cut, id = 1): Uint8Array {
  const { start, end, last = end === whole.length } = cut;
  return packet(UDP, whole.subarray(start, end), (last ? 0 : MORE) | (start >> 3), id);
}

function cuts(length: number, size = 1_376): Cut[] {
  const count = Math.ceil(length / size);
  return Array.from({ length: count }, (_, at) => {
    return { start: at * size, end: Math.min((at + 1) * size, length) };
  });
}

describe("a datagram in fragments", () => {
  test.each([
    ["in order", [0, 1, 2]],
    ["the last first", [2, 1, 0]],
    ["one of them twice", [1, 0, 1, 1, 2]],
  ])("%s: it comes whole, once", (_, order) => {
    const hand = new ByHand();
    const socket = bound(hand);
    const whole = datagram(socket);
    for (const at of order) {
      hand.stack.handlePacket(fragment(whole, cuts(whole.length)[at]!), hand.now);
    }
    expect(socket.receive()).toEqual({ remote: THEIRS, remotePort: 53, octets: payload });
    expect(socket.receive()).toBeUndefined();
    expect(hand.stack.memoryOctets).toBe(0);
  });

  test("those of several packets do not mix", () => {
    const hand = new ByHand();
    const socket = bound(hand);
    const each = [1, 2, 3].map((seed) => new Chance(seed).octets(4_000));
    const wholes = each.map((octets) => datagram(socket, octets));
    for (const cut of cuts(4_008)) {
      for (const [id, whole] of wholes.entries()) {
        hand.stack.handlePacket(fragment(whole, cut, id), hand.now);
      }
    }
    for (const octets of each) expect(socket.receive()?.octets).toEqual(octets);
  });

  test("the largest there is comes whole; one octet more is refused", () => {
    const hand = new ByHand();
    const socket = bound(hand);
    const whole = datagram(socket, new Uint8Array(65_507));
    for (const cut of cuts(whole.length)) hand.stack.handlePacket(fragment(whole, cut), hand.now);
    expect(socket.receive()?.octets.length).toBe(65_507);
    const beyond = packet(UDP, new Uint8Array(8), 65_512 >> 3, 2);
    hand.stack.handlePacket(beyond, hand.now);
    expect(hand.stack.counters()["ip-fragment-length"]).toBe(1);
  });
});

describe("hostile fragments", () => {
  /** Two of three fragments came; then `hostile`; then the third. */
  function amid(hostile: (whole: Uint8Array) => Uint8Array) {
    const hand = new ByHand();
    const socket = bound(hand);
    const whole = datagram(socket);
    const [first, second, third] = cuts(whole.length);
    const all = [
      fragment(whole, first!),
      fragment(whole, second!),
      hostile(whole),
      fragment(whole, third!),
    ];
    for (const octets of all) hand.stack.handlePacket(octets, hand.now);
    return { got: socket.receive()?.octets, counters: hand.stack.counters(), hand };
  }

  test.each([
    ["other octets in the same place", { start: 0, end: 1_376 }],
    ["across two", { start: 1_368, end: 1_400 }],
    ["a last one within", { start: 800, end: 1_000, last: true }],
  ] as const)("%s: the packet is spoilt", (_, cut) => {
    const { got, counters, hand } = amid((whole) =>
      fragment(
        whole.map((octet) => ~octet),
        cut,
      ),
    );
    expect(got).toBeUndefined();
    expect(counters["ip-fragment-overlap"]).toBeGreaterThan(0);
    expect(hand.stack.memoryOctets).toBe(0);
  });

  test.each([
    ["no octets", 0],
    ["not a multiple of eight", 15],
  ])("%s: refused, and the packet comes whole", (_, octets) => {
    const { got, counters } = amid(() => packet(UDP, new Uint8Array(octets), MORE | 500, 1));
    expect(got).toEqual(payload);
    expect(counters["ip-fragment-length"]).toBe(1);
  });

  test("many packets begun: so many wait, in so much memory, for so long", () => {
    const hand = new ByHand();
    const socket = bound(hand);
    const whole = datagram(socket, new Uint8Array(65_507));
    for (let id = 0; id < 100; id++) {
      for (const cut of cuts(whole.length).slice(1)) {
        hand.stack.handlePacket(fragment(whole, cut, id), hand.now);
      }
    }
    const most = bounds.reassembliesMax * 65_535;
    expect(hand.stack.memoryOctets).toBe(most);
    expect(hand.stack.counters()["ip-reassembly-full"]).toBe(100 - bounds.reassembliesMax);
    hand.pass(bounds.reassemblyMs);
    expect(hand.stack.memoryOctets).toBe(0);
    expect(hand.stack.counters()["ip-reassembly-late"]).toBe(bounds.reassembliesMax);
  });

  test("a last one before what came: the packet is spoilt", () => {
    const hand = new ByHand();
    const whole = datagram(bound(hand));
    hand.stack.handlePacket(fragment(whole, { start: 2_000, end: 2_008 }), hand.now);
    hand.stack.handlePacket(fragment(whole, { start: 800, end: 808, last: true }), hand.now);
    expect(hand.stack.counters()).toEqual({ "ip-fragment-overlap": 1 });
  });

  test("a packet of gaps: so many are kept", () => {
    const hand = new ByHand();
    const whole = datagram(bound(hand));
    for (let start = 0; start + 8 < whole.length; start += 16) {
      hand.stack.handlePacket(fragment(whole, { start, end: start + 8, last: false }), hand.now);
    }
    expect(hand.stack.counters()["ip-fragment-gaps"]).toBe(250 - bounds.fragmentGapsMax);
  });
});
