import { expect, test } from "vitest";
import { enhancedPacket, interfaceDescription, LinkType, sectionHeader } from "./pcapng.js";

function whole(block: Uint8Array) {
  const view = new DataView(block.buffer);
  expect(block.length % 4).toBe(0);
  expect(view.getUint32(4, true)).toBe(block.length);
  expect(view.getUint32(block.length - 4, true)).toBe(block.length);
  return view;
}

test("a section of unknown length, version 1.0", () => {
  const view = whole(sectionHeader());
  expect(view.getUint32(0, true)).toBe(0x0a0d0d0a);
  expect(view.getUint32(8, true)).toBe(0x1a2b3c4d);
  expect(view.getUint16(12, true)).toBe(1);
  expect(view.getBigInt64(16, true)).toBe(-1n);
});

test("an interface, its options padded to four octets and ended", () => {
  const block = interfaceDescription(LinkType.ppp, "inner", "PPP");
  const view = whole(block);
  expect(view.getUint16(8, true)).toBe(9);
  expect([...block.subarray(16, 28)]).toEqual([2, 0, 5, 0, 105, 110, 110, 101, 114, 0, 0, 0]);
  expect(view.getUint32(block.length - 8, true)).toBe(0);
});

test.each([0, 1, 2, 3, 4, 1_499, 65_535])(
  "a packet of %i octets: padded, its own length told",
  (n) => {
    const packet = Uint8Array.from({ length: n }, (_, i) => i);
    const nanoseconds = 1_790_000_000_123_456_789n;
    const block = enhancedPacket(1, nanoseconds, packet, "sent");
    const view = whole(block);
    expect(view.getUint32(8, true)).toBe(1);
    const high = BigInt(view.getUint32(12, true));
    expect((high << 32n) | BigInt(view.getUint32(16, true))).toBe(nanoseconds);
    expect([view.getUint32(20, true), view.getUint32(24, true)]).toEqual([n, n]);
    expect(block.subarray(28, 28 + n)).toEqual(packet);
    // epb_flags: outbound.
    expect([...block.subarray(block.length - 16, block.length - 4)]).toEqual([
      2, 0, 4, 0, 2, 0, 0, 0, 0, 0, 0, 0,
    ]);
  },
);
