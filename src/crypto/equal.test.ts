import fc from "fast-check";
import { expect, test } from "vitest";
import { equalInConstantTime } from "./equal.js";

test("equal octets are equal, one changed octet or another length is not", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(), (octets, at) => {
      expect(equalInConstantTime(octets, octets.slice())).toBe(true);
      expect(equalInConstantTime(octets, Uint8Array.of(...octets, 0))).toBe(false);
      if (octets.length === 0) return;
      const other = octets.slice();
      other[at % octets.length]! ^= 1;
      expect(equalInConstantTime(octets, other)).toBe(false);
    }),
  );
});
