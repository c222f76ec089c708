import { describe, expect, test } from "vitest";
import { vectors } from "../../test/vectors/vectors.js";
import { toHex } from "../base/hex.js";
import { md4 } from "./md4.js";

describe("md4", () => {
  const known = vectors.crypto.filter(({ id }) => id.startsWith("md4:"));

  test("vectors.json holds the six of RFC 1320 §A.5 that it names", () => {
    expect(known).toHaveLength(6);
  });

  test.each(known)("$id, $source", ({ input, output }) => {
    expect(toHex(md4(new TextEncoder().encode(String(input.ascii))))).toBe(output.md4);
  });

  test("the seventh of RFC 1320 §A.5: letters and digits, 62 octets", () => {
    const capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const message = `${capitals}${capitals.toLowerCase()}0123456789`;
    expect(toHex(md4(new TextEncoder().encode(message)))).toBe("043f8582f241db351ce627e153e7f0e4");
  });

  test("lengths around a block: all digests differ, the message stays as it was", () => {
    const digests = new Set<string>();
    for (let length = 0; length <= 130; length++) {
      const message = new Uint8Array(length).fill(0x61);
      digests.add(toHex(md4(message)));
      expect(message.every((octet) => octet === 0x61)).toBe(true);
    }
    expect(digests.size).toBe(131);
  });
});
