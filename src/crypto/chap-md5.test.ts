import { expect, test } from "vitest";
import { octets, vectors } from "../../test/vectors/vectors.js";
import { toHex } from "../base/hex.js";
import { chapMd5 } from "./chap-md5.js";

test("chap-md5: RFC 2865 §7.2", () => {
  const { input, output } = vectors.radius.find(({ id }) => id === "chap-md5")!;
  const secret = new TextEncoder().encode(String(input.secret));
  const response = chapMd5(Number(input.chap_id), secret, octets(input.challenge));
  expect(toHex(response)).toBe(output.response);
});

test("Identifier, secret and challenge each change the response", () => {
  const secret = Uint8Array.of(1, 2);
  const challenge = Uint8Array.of(3, 4);
  const responses = [
    chapMd5(1, secret, challenge),
    chapMd5(2, secret, challenge),
    chapMd5(1, Uint8Array.of(1), challenge),
    chapMd5(1, secret, Uint8Array.of(3)),
  ];
  expect(new Set(responses.map(toHex)).size).toBe(4);
});
