import fc from "fast-check";
import { expect, test } from "vitest";
import { fromHex, toHex } from "./hex.js";

test("octets to digits and back", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (octets) => {
      expect(toHex(octets)).toBe(Buffer.from(octets).toString("hex"));
      expect(fromHex(toHex(octets))).toEqual(octets);
      expect(fromHex(toHex(octets).toUpperCase())).toEqual(octets);
    }),
  );
});

test.each(["0", "0g", "0x00", " 00", "00 ", "+1", "00\n", "é0"])("%j is no octets", (text) => {
  expect(fromHex(text)).toBeUndefined();
});
