import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { octets, vectors } from "../../../test/vectors/vectors.js";
import { toHex } from "../../base/hex.js";
import { decodeFrame, encodeFrame } from "./frame.js";

const information = Uint8Array.of(1, 2, 3);
const read = (hex: string) => {
  const frame = decodeFrame(octets(hex));
  return frame.ok
    ? `${frame.value.protocol.toString(16)} ${toHex(frame.value.information)}`
    : `malformed ${frame.field}`;
};

describe("the four header forms (RFC 1661 §6.5, §6.6)", () => {
  test.each([
    ["ff030021010203", "nothing compressed"],
    ["0021010203", "address and control compressed"],
    ["ff0321010203", "protocol compressed"],
    ["21010203", "both compressed"],
  ])("%s: %s", (hex) => {
    expect(read(hex)).toBe("21 010203");
  });

  test("a two-octet protocol in its two forms", () => {
    expect(read("ff03c021010203")).toBe("c021 010203");
    expect(read("c021010203")).toBe("c021 010203");
  });

  test("an empty information field is a frame", () => {
    expect(read("ff03c021")).toBe("c021 ");
    expect(read("21")).toBe("21 ");
  });
});

describe("malformed", () => {
  test.each([
    ["", "Protocol"],
    ["ff", "Control"],
    ["ff13c021", "Control"],
    ["ff03", "Protocol"],
    ["ff03c0", "Protocol"],
    ["c0", "Protocol"],
    ["c022010203", "Protocol"],
    ["0000", "Protocol"],
  ])("%j", (hex, field) => {
    expect(read(hex)).toBe(`malformed ${field}`);
  });
});

test("what is written is read back, and begins with FF 03 and two octets", () => {
  expect(toHex(encodeFrame(0x0021, information))).toBe("ff030021010203");
  const protocol = fc
    .integer({ min: 0, max: 0xffff })
    .filter((n) => (n & 1) === 1 && n >>> 8 < 0xff);
  fc.assert(
    fc.property(
      protocol.filter((n) => ((n >>> 8) & 1) === 0),
      fc.uint8Array({ maxLength: 1_500 }),
      (number, octetsIn) => {
        const frame = decodeFrame(encodeFrame(number, octetsIn));
        expect(frame.ok && frame.value.protocol).toBe(number);
        expect(frame.ok && toHex(frame.value.information)).toBe(toHex(octetsIn));
      },
    ),
  );
});

test("any octets at all: a value, and a view no longer than what came", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (any) => {
      const frame = decodeFrame(any);
      if (frame.ok) expect(frame.value.information.length).toBeLessThan(any.length);
    }),
  );
});

test("the PPP part of every data frame of the vectors is a frame", () => {
  for (const { gre_hex, name } of vectors.gre_ppp_frames) {
    const gre = octets(gre_hex);
    if ((gre[0]! & 0x10) === 0) continue;
    const header = 12 + ((gre[1]! & 0x80) === 0 ? 0 : 4);
    const frame = decodeFrame(gre.subarray(header));
    expect(frame.ok, name).toBe(true);
  }
});
