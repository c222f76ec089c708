import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toHex } from "../../base/hex.js";
import { decodePacket, encodePacket } from "./packet.js";

const packet = Uint8Array.of(1, 7, 0, 8, 9, 9, 9, 9);
const withLength = (length: number) => {
  const changed = packet.slice();
  changed[2] = length >>> 8;
  changed[3] = length & 255;
  return changed;
};

test("code, identifier and exactly Length octets; the rest is padding", () => {
  const padded = decodePacket(Uint8Array.of(...packet, 5, 5));
  expect(padded.ok && padded.value).toEqual({
    code: 1,
    identifier: 7,
    data: Uint8Array.of(9, 9, 9, 9),
  });
});

describe("Length", () => {
  test.each([0, 1, 2, 3, 9, 65_535])("%i of 8 octets: malformed", (length) => {
    expect(decodePacket(withLength(length))).toEqual({ ok: false, field: "Length", found: length });
  });

  test.each([4, 7, 8])("%i of 8 octets: read", (length) => {
    const read = decodePacket(withLength(length));
    expect(read.ok && read.value.data.length).toBe(length - 4);
  });
});

test("every truncation is malformed", () => {
  for (let size = 0; size < packet.length; size++) {
    expect(decodePacket(packet.subarray(0, size)).ok).toBe(false);
  }
});

test("what is written is read back", () => {
  const octet = fc.integer({ min: 0, max: 255 });
  fc.assert(
    fc.property(octet, octet, fc.uint8Array({ maxLength: 1_500 }), (code, identifier, data) => {
      const read = decodePacket(encodePacket(code, identifier, data));
      expect(read.ok && [read.value.code, read.value.identifier, toHex(read.value.data)]).toEqual([
        code,
        identifier,
        toHex(data),
      ]);
    }),
  );
});
