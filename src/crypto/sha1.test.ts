import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toHex } from "../base/hex.js";
import { sha1, wipeSha1 } from "./sha1.js";

function digestOf(message: Uint8Array, length = message.length): string {
  const digest = new Uint8Array(20);
  sha1(message, length, digest);
  return toHex(digest);
}

describe("SHA-1", () => {
  test.each([
    ["", "da39a3ee5e6b4b0d3255bfef95601890afd80709"],
    ["abc", "a9993e364706816aba3e25717850c26c9cd0d89d"],
    [
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
    ],
  ])("RFC 3174 §7.3: %j", (message, digest) => {
    expect(digestOf(new TextEncoder().encode(message))).toBe(digest);
  });

  test("every length around one and two blocks agrees with node:crypto", () => {
    for (let length = 0; length <= 200; length++) {
      const message = Uint8Array.from({ length }, (_, i) => (i * 37 + length) & 255);
      expect(digestOf(message)).toBe(createHash("sha1").update(message).digest("hex"));
    }
  });

  test("any message agrees with node:crypto, whatever was hashed before", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (message) => {
        expect(digestOf(message)).toBe(createHash("sha1").update(message).digest("hex"));
      }),
    );
  });

  test("only the first octets of a longer buffer count", () => {
    const message = new TextEncoder().encode("abcdef");
    expect(digestOf(message, 3)).toBe("a9993e364706816aba3e25717850c26c9cd0d89d");
  });

  test("after a wipe the next digest is right", () => {
    digestOf(new Uint8Array(112).fill(7));
    wipeSha1();
    expect(digestOf(new Uint8Array(0))).toBe("da39a3ee5e6b4b0d3255bfef95601890afd80709");
  });
});
