import { expect, test } from "vitest";
import { decodeInterfaceIdentifier, encodeInterfaceIdentifier, isZero } from "./ipv6cp.js";

test("eight octets, as a copy; any other number: malformed", () => {
  for (const size of [0, 1, 7, 9, 16]) {
    expect(decodeInterfaceIdentifier({ type: 1, data: new Uint8Array(size) }).ok).toBe(false);
  }
  const data = Uint8Array.of(2, 0x50, 0xff, 0xfe, 0, 0, 0, 1);
  const read = decodeInterfaceIdentifier({ type: 1, data });
  data.fill(0xee);
  expect(read).toEqual({ ok: true, value: Uint8Array.of(2, 0x50, 0xff, 0xfe, 0, 0, 0, 1) });
  const written = encodeInterfaceIdentifier(data);
  data.fill(0);
  expect(written).toEqual({ type: 1, data: new Uint8Array(8).fill(0xee) });
});

test("zero is all of it", () => {
  expect(isZero(new Uint8Array(8))).toBe(true);
  expect(isZero(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1))).toBe(false);
});
