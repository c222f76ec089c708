import { describe, expect, test } from "vitest";
import { octets, vectors } from "../../test/vectors/vectors.js";
import {
  coherencyCountOf,
  coherencyDistance,
  ENCRYPTED,
  FLUSHED,
  readMppeHeader,
  writeMppeHeader,
} from "./mppe.js";

describe("MPPE header, RFC 3078 §3.1", () => {
  for (const { coherency, mppe } of vectors.mppe_stateless128) {
    test(`count ${coherency}: A and D set, and written the same`, () => {
      const packet = octets(mppe);
      const header = readMppeHeader(packet, 0, packet.length)!;
      expect(header & 0xf000).toBe(FLUSHED | ENCRYPTED);
      expect(coherencyCountOf(header)).toBe(coherency);
      const written = packet.slice();
      written.fill(0, 0, 2);
      writeMppeHeader(written, 0, FLUSHED | ENCRYPTED, coherency);
      expect(written).toEqual(packet);
    });
  }

  test("PPP-MPPE-2OCT and shorter: no header without ciphertext", () => {
    expect(readMppeHeader(octets("9000"), 0, 2)).toBeUndefined();
    expect(readMppeHeader(octets("90"), 0, 1)).toBeUndefined();
    expect(readMppeHeader(octets("900011"), 0, 3)).toBe(0x9000);
  });

  test("distances wrap at 4096", () => {
    expect(coherencyDistance(4095, 0)).toBe(1);
    expect(coherencyDistance(0, 4095)).toBe(4095);
    expect(coherencyDistance(7, 7)).toBe(0);
  });
});
