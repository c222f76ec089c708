import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cryptoVector, octets } from "../../test/vectors/vectors.js";
import { toHex } from "../base/hex.js";
import { desEncrypt, expandDesKey } from "./des.js";

describe("DES", () => {
  test("des-ecb: one block", () => {
    const { input, output } = cryptoVector("des-ecb");
    const encrypted = desEncrypt(octets(input.key), octets(input.plaintext));
    expect(toHex(encrypted)).toBe(output.ciphertext);
  });

  test("des-key-expand: RFC 2433 §B.3", () => {
    const { input, output } = cryptoVector("des-key-expand");
    const raw = input.raw7 as string[];
    expect(raw.map((key) => toHex(expandDesKey(octets(key))))).toEqual(output.key8);
  });

  test("an expanded key keeps its 56 bits in order and has odd parity in each octet", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 7, maxLength: 7 }), (key7) => {
        const bits = (key: Uint8Array) => [...key].map((o) => o.toString(2).padStart(8, "0"));
        const key8 = bits(expandDesKey(key7));
        expect(key8.map((octet) => octet.slice(0, 7)).join("")).toBe(bits(key7).join(""));
        for (const octet of key8) expect(octet.replaceAll("0", "").length % 2).toBe(1);
      }),
    );
  });
});
