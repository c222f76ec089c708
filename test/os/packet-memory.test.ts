// Batches of datagrams through memory that pure code wrote: what was asked for is what the wire has.
import { describe, expect, test } from "vitest";
import { parseIpv4 } from "../../src/base/ip.js";
import {
  IOVEC_BASE,
  IOVEC_LENGTH,
  IOVEC_OCTETS,
  MMSGHDR_FLAGS,
  MMSGHDR_LENGTH,
  MMSGHDR_OCTETS,
  MSG_TRUNC,
  SEND_BASE,
  SEND_DESTINATION,
  SEND_LENGTH,
  SEND_RECORD_OCTETS,
  SEND_SOURCE,
  SLOT_OCTETS,
} from "../../src/base/kernel-layout.js";
import { Descriptor } from "../../src/os/descriptor.js";
import { openGreSockets } from "../../src/os/gre-socket.js";
import { readv, socketPair, writev } from "../../src/os/libc.js";
import { PacketMemory, ReceiveBatch, SendBatch } from "../../src/os/packet-memory.js";
import { eventually, held, isRoot, joined } from "./namespace.js";

const EAGAIN = -11;
const EINVAL = -22;
const A1 = parseIpv4("198.51.100.1")!;
const A2 = parseIpv4("198.51.100.2")!;
const B = parseIpv4("198.51.100.9")!;
const COUNT = 8;

/** Slots, headers, then vectors or records, one after the other from 64. */
function places(each: number) {
  const headers = 64 + COUNT * SLOT_OCTETS;
  return { slots: 64, headers, last: headers + COUNT * MMSGHDR_OCTETS, each };
}

/** TypeScript knows it from the browser's types only. */
const { WebAssembly } = globalThis as unknown as {
  WebAssembly: { Memory: new (terms: { initial: number }) => { buffer: ArrayBuffer } };
};

function memory(kind: "plain" | "wasm"): PacketMemory {
  if (kind === "plain") return new PacketMemory(new Uint8Array(65_536));
  return new PacketMemory(new Uint8Array(new WebAssembly.Memory({ initial: 1 }).buffer));
}

function sendBatch(packets: PacketMemory) {
  const { slots, headers, last } = places(SEND_RECORD_OCTETS);
  const batch = new SendBatch(packets, { count: COUNT, slots, headers, records: last });
  const write = (i: number, octets: number, from: number, to: number) => {
    const record = last + i * SEND_RECORD_OCTETS;
    packets.octets.set([0x30, 0x01, 0x88, 0x0b, 0, 0, 0, i], slots + i * SLOT_OCTETS);
    packets.view.setBigUint64(record + SEND_LENGTH, BigInt(octets), true);
    packets.view.setUint32(record + SEND_DESTINATION, to);
    packets.view.setUint32(record + SEND_SOURCE, from);
  };
  return { batch, slots, records: last, write };
}

function receiveBatch(packets: PacketMemory) {
  const { slots, headers, last } = places(IOVEC_OCTETS);
  const batch = new ReceiveBatch(packets, { count: COUNT, slots, headers, vectors: last });
  const seen = (i: number) => {
    const at = slots + i * SLOT_OCTETS;
    const header = headers + i * MMSGHDR_OCTETS;
    return {
      octets: packets.view.getUint32(header + MMSGHDR_LENGTH, true),
      truncated: (packets.view.getUint32(header + MMSGHDR_FLAGS, true) & MSG_TRUNC) !== 0,
      source: packets.view.getUint32(at + 12),
      number: packets.view.getUint8(at + 20 + 7),
    };
  };
  return { batch, seen };
}

describe.runIf(isRoot)("batches between two namespaces", () => {
  for (const kind of ["plain", "wasm"] as const) {
    test(`${kind} memory: each with its own length, source and place, from any index on`, async () => {
      using net = joined(["198.51.100.1/24", "198.51.100.2/24"], ["198.51.100.9/24"]);
      using sender = held(net.a.inside(openGreSockets));
      using receiver = held(net.b.inside(openGreSockets));
      const out = sendBatch(memory(kind));
      const into = receiveBatch(memory(kind));
      for (let i = 0; i < COUNT; i++) out.write(i, 16 + i, i % 2 === 0 ? A1 : A2, B);
      const { receive } = sender.descriptors;
      expect(into.batch.fill(receiver.descriptors.receive)).toBe(EAGAIN);
      expect(out.batch.send(receive, 0, 3)).toBe(3);
      expect(out.batch.send(receive, 3, 3)).toBe(0);
      expect(out.batch.send(receive, 3, COUNT)).toBe(COUNT - 3);
      const seen: ReturnType<typeof into.seen>[] = [];
      while (seen.length < COUNT) {
        const count = await eventually(() => {
          const result = into.batch.fill(receiver.descriptors.receive);
          return result === EAGAIN ? undefined : result;
        });
        for (let i = 0; i < count; i++) seen.push(into.seen(i));
      }
      expect(seen).toEqual(
        Array.from({ length: COUNT }, (_, number) => ({
          octets: 20 + 16 + number,
          truncated: false,
          source: number % 2 === 0 ? A1 : A2,
          number,
        })),
      );
    });
  }

  test("one is refused: those before it went, and the next call from there says why", () => {
    using net = joined(["198.51.100.1/24"], ["198.51.100.9/24"]);
    using sender = held(net.a.inside(openGreSockets));
    const out = sendBatch(memory("plain"));
    for (let i = 0; i < COUNT; i++) out.write(i, 16, A1, B);
    // Larger than the link, and Don't Fragment.
    out.write(2, 1_900, A1, B);
    const { receive } = sender.descriptors;
    expect(out.batch.send(receive, 0, COUNT)).toBe(2);
    expect(out.batch.send(receive, 2, COUNT)).toBe(-90);
    expect(out.batch.send(receive, 3, COUNT)).toBe(COUNT - 3);
  });

  test("an index outside the batch is an error, never a read beyond it", () => {
    const { batch } = sendBatch(memory("plain"));
    for (const [from, to] of [
      [-1, 2],
      [COUNT + 1, COUNT + 1],
      [0, COUNT + 1],
      [3, 2],
      [Number.NaN, 3],
      [0, Number.NaN],
      [0.5, 3],
    ] as const) {
      expect(batch.send(0, from, to)).toBe(EINVAL);
    }
  });
});

describe("packet memory", () => {
  test("vectors written with base plus offset are gathered and scattered by the kernel", () => {
    const [a, b] = held(socketPair());
    using _a = new Descriptor(a);
    using _b = new Descriptor(b);
    const packets = memory("wasm");
    packets.octets.set(new TextEncoder().encode("one two"), 1_000);
    const vector = (at: number, offset: number, octets: number) => {
      packets.setAddress(at + IOVEC_BASE, offset);
      packets.view.setBigUint64(at + IOVEC_LENGTH, BigInt(octets), true);
    };
    vector(0, 1_004, 3);
    vector(16, 1_003, 1);
    vector(32, 1_000, 3);
    const vectors = packets.table(0, IOVEC_OCTETS, 3);
    expect(writev(a, vectors.at(0)!, 3)).toBe(7);
    vector(0, 2_000, 5);
    vector(16, 3_000, 100);
    expect(readv(b, vectors.at(0)!, 2)).toBe(7);
    const text = (at: number, octets: number) =>
      new TextDecoder().decode(packets.octets.subarray(at, at + octets));
    expect([text(2_000, 5), text(3_000, 2)]).toEqual(["two o", "ne"]);
    expect(vectors.at(3)).toBeUndefined();
  });

  test("places that do not fit are refused at the start", () => {
    expect(() => memory("plain").table(65_530, 16, 1)).toThrow(RangeError);
    expect(() => memory("plain").table(-16, 16, 1)).toThrow(RangeError);
    const slots = 65_536 - SLOT_OCTETS;
    const terms = { count: 2, slots, headers: 0, vectors: 128 };
    expect(() => new ReceiveBatch(memory("plain"), terms)).toThrow(RangeError);
  });

  test("what the record's places are named after is where the layout has them", () => {
    const packets = memory("plain");
    const { records, write } = sendBatch(packets);
    write(1, 5, A1, B);
    const record = records + SEND_RECORD_OCTETS;
    expect(packets.view.getBigUint64(record + SEND_BASE, true)).toBe(
      BigInt(packets.base + 64 + SLOT_OCTETS),
    );
  });
});
