// RFC 2637 §4 on the wire: which address a packet leaves from, whether it may be fragmented.
import { describe, expect, test } from "vitest";
import { parseIpv4 } from "../../src/base/ip.js";
import { SLOT_OCTETS } from "../../src/base/kernel-layout.js";
import { isOsError } from "../../src/os/errors.js";
import { type GreSocket, openGreSockets } from "../../src/os/gre-socket.js";
import { ReceiveSlots } from "../../src/os/packet-memory.js";
import { eventually, held, isRoot, joined, type Namespace } from "./namespace.js";

const EAGAIN = -11;
const EMSGSIZE = -90;
const A1 = parseIpv4("198.51.100.1")!;
const A2 = parseIpv4("198.51.100.2")!;
const B = parseIpv4("198.51.100.9")!;

function opened(namespace: Namespace): GreSocket {
  return held(namespace.inside(openGreSockets));
}

function enhancedGre(payload: number, flags = 0x3001, protocol = 0x880b): Uint8Array {
  const packet = new Uint8Array(12 + payload);
  const view = new DataView(packet.buffer);
  view.setUint16(0, flags);
  view.setUint16(2, protocol);
  view.setUint16(4, payload);
  view.setUint16(6, 4711);
  packet.fill(0x5a, 12);
  return packet;
}

async function receivedBy(socket: GreSocket, slots: ReceiveSlots): Promise<number> {
  return eventually(() => {
    const count = socket.readBatch(slots);
    return count === EAGAIN ? undefined : count;
  });
}

function datagram(slots: ReceiveSlots, slot: number) {
  const at = slot * SLOT_OCTETS;
  const view = new DataView(slots.octets.buffer, at, slots.lengths[slot]!);
  const header = (view.getUint8(0) & 15) * 4;
  return {
    protocol: view.getUint8(9),
    dontFragment: (view.getUint16(6) & 0x4000) !== 0,
    source: view.getUint32(12),
    destination: view.getUint32(16),
    gre: slots.octets.slice(at + header, at + slots.lengths[slot]!),
  };
}

describe.runIf(isRoot)("GRE between two namespaces", () => {
  test("a packet leaves from the address that was asked for, with and without Don't Fragment", async () => {
    using net = joined(["198.51.100.1/24", "198.51.100.2/24"], ["198.51.100.9/24"]);
    using sender = opened(net.a);
    using receiver = opened(net.b);
    const slots = new ReceiveSlots();
    const packet = enhancedGre(40);
    for (const source of [A1, A2]) {
      for (const dontFragment of [true, false]) {
        expect(sender.send(packet, 0, 52, source, B, dontFragment)).toBe(52);
        expect(await receivedBy(receiver, slots)).toBe(1);
        const { gre, ...header } = datagram(slots, 0);
        expect(header).toEqual({ protocol: 47, dontFragment, source, destination: B });
        expect(gre).toEqual(packet);
      }
    }
    expect(receiver.readBatch(slots)).toBe(EAGAIN);
  });

  test("an address that is not ours is refused", () => {
    using net = joined(["198.51.100.1/24"], ["198.51.100.9/24"]);
    using sender = opened(net.a);
    expect(sender.send(enhancedGre(0), 0, 12, A2, B, true)).toBeLessThan(0);
  });

  test("larger than the link: refused with Don't Fragment, whole at the peer without", async () => {
    using net = joined(["198.51.100.1/24"], ["198.51.100.9/24"], 1000);
    using sender = opened(net.a);
    using receiver = opened(net.b);
    const packet = enhancedGre(1400);
    const slots = new ReceiveSlots();
    expect(sender.send(packet, 0, packet.length, A1, B, true)).toBe(EMSGSIZE);
    expect(sender.send(packet, 0, packet.length, A1, B, false)).toBe(packet.length);
    expect(await receivedBy(receiver, slots)).toBe(1);
    expect(datagram(slots, 0).gre).toEqual(packet);
  });

  test("a batch is at most its slots; what is longer than a slot is marked", async () => {
    using net = joined(["198.51.100.1/24"], ["198.51.100.9/24"]);
    using sender = opened(net.a);
    using receiver = opened(net.b);
    const slots = new ReceiveSlots(4);
    const long = enhancedGre(3000);
    sender.send(long, 0, long.length, A1, B, false);
    for (let i = 0; i < 5; i++) sender.send(enhancedGre(i), 0, 12 + i, A1, B, true);
    const seen: number[][] = [];
    while (seen.length < 6) {
      const count = await receivedBy(receiver, slots);
      expect(count).toBeLessThanOrEqual(4);
      for (let i = 0; i < count; i++) seen.push([slots.lengths[i]!, slots.truncated[i]!]);
    }
    expect(seen).toEqual([
      [SLOT_OCTETS, 1],
      [32, 0],
      [33, 0],
      [34, 0],
      [35, 0],
      [36, 0],
    ]);
  });

  test("the form filter takes enhanced GRE with a key and nothing else", async () => {
    using net = joined(["198.51.100.1/24"], ["198.51.100.9/24"]);
    using sender = opened(net.a);
    using receiver = opened(net.b);
    expect(receiver.attachFormFilter()).toBe(0);
    const slots = new ReceiveSlots();
    for (const strange of [
      enhancedGre(8, 0x3000),
      enhancedGre(8, 0x1001),
      enhancedGre(8, 0x3001, 0x0800),
      new Uint8Array(1),
    ]) {
      sender.send(strange, 0, strange.length, A1, B, true);
    }
    const good = enhancedGre(3);
    sender.send(good, 0, good.length, A1, B, true);
    expect(await receivedBy(receiver, slots)).toBe(1);
    expect(datagram(slots, 0).gre).toEqual(good);
  });

  test("several receivers: each datagram at one of them, by its Call ID; odd ones at the first", async () => {
    using net = joined(["198.51.100.1/24"], ["198.51.100.9/24"]);
    using sender = opened(net.a);
    const shards = [0, 1, 2].map((index) =>
      held(net.b.inside(() => openGreSockets({ index, of: 3 }))),
    );
    using _first = shards[0]!;
    using _second = shards[1]!;
    using _third = shards[2]!;
    const callIds = [0, 1, 2, 3, 4_711, 32_768, 65_534, 65_535];
    for (const callId of callIds) {
      const packet = enhancedGre(2);
      new DataView(packet.buffer).setUint16(6, callId);
      sender.send(packet, 0, packet.length, A1, B, true);
    }
    const odd = [enhancedGre(2, 0x3000), enhancedGre(2, 0x3001, 0x0800), new Uint8Array(7)];
    for (const packet of odd) sender.send(packet, 0, packet.length, A1, B, true);
    const slots = new ReceiveSlots();
    const seen = await Promise.all(
      shards.map(async (shard, index) => {
        const expected = callIds.filter((callId) => callId % 3 === index);
        const wanted = expected.length + (index === 0 ? odd.length : 0);
        const found: Uint8Array[] = [];
        await eventually(() => {
          const count = shard.readBatch(slots);
          for (let i = 0; i < count; i++) found.push(datagram(slots, i).gre);
          return found.length >= wanted || undefined;
        });
        expect(shard.readBatch(slots)).toBe(EAGAIN);
        const numbers = found.slice(0, expected.length).map((gre) => gre[6]! * 256 + gre[7]!);
        expect(numbers).toEqual(expected);
        return found.slice(expected.length);
      }),
    );
    expect(seen).toEqual([odd, [], []]);
  });

  test("a watch calls back while datagrams wait, and never after the socket is closed", async () => {
    using net = joined(["198.51.100.1/24"], ["198.51.100.9/24"]);
    using sender = opened(net.a);
    const receiver = opened(net.b);
    const slots = new ReceiveSlots();
    let calls = 0;
    const watch = receiver.watch(() => {
      calls++;
      receiver.readBatch(slots);
    });
    expect(isOsError(watch)).toBe(false);
    expect(receiver.watch(() => {})).toMatchObject({ errno: "EEXIST" });
    sender.send(enhancedGre(8), 0, 20, A1, B, true);
    await eventually(() => (calls > 0 ? calls : undefined));
    const { receive } = receiver.descriptors;
    receiver[Symbol.dispose]();
    receiver[Symbol.dispose]();
    const before = calls;
    // The number may be given to another at once; that one is not ours to close or read.
    using stranger = opened(net.b);
    expect(stranger.descriptors.receive).toBe(receive);
    sender.send(enhancedGre(8), 0, 20, A1, B, true);
    expect(await receivedBy(stranger, slots)).toBe(1);
    expect(calls).toBe(before);
    expect(receiver.readBatch(slots)).toBe(-9);
  });

  test("bounds outside the packet are an error, never a read beyond it", () => {
    using net = joined(["198.51.100.1/24"], ["198.51.100.9/24"]);
    using sender = opened(net.a);
    const packet = enhancedGre(8);
    for (const [offset, end] of [
      [-1, 5],
      [0, 21],
      [9, 8],
      [Number.NaN, 8],
      [0, Number.NaN],
    ] as const) {
      expect(sender.send(packet, offset, end, A1, B, true)).toBe(-22);
    }
  });
});
