import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toHex } from "../base/hex.js";
import { Rc4 } from "./rc4.js";

const ascii = (text: string) => new TextEncoder().encode(text);

function encrypted(key: Uint8Array, message: Uint8Array): Uint8Array {
  const stream = new Rc4();
  stream.schedule(key, key.length);
  const copy = message.slice();
  stream.apply(copy, 0, copy.length);
  return copy;
}

const octetsOf = (minLength: number, maxLength: number) => fc.uint8Array({ minLength, maxLength });

describe("RC4", () => {
  // RFC 6229 §2, first 16 octets of the key stream.
  test.each([
    ["0102030405", "b2396305f03dc027ccc3524a0a1118a8"],
    ["01020304050607", "293f02d47f37c9b633f2af5285feb46b"],
    ["0102030405060708", "97ab8a1bf0afb96132f2f67258da15a8"],
    ["0102030405060708090a0b0c0d0e0f10", "9ac7cc9a609d1ef7b2932899cde41b97"],
  ])("RFC 6229, key %s", (key, stream) => {
    const octets = Uint8Array.from(key.match(/../g)!, (pair) => Number.parseInt(pair, 16));
    expect(toHex(encrypted(octets, new Uint8Array(16)))).toBe(stream);
  });

  test("Key, Plaintext: the common example", () => {
    expect(toHex(encrypted(ascii("Key"), ascii("Plaintext")))).toBe("bbf316e8d940af0ad3");
  });

  test("a reused instance starts anew with each schedule", () => {
    fc.assert(
      fc.property(octetsOf(1, 32), octetsOf(1, 32), octetsOf(0, 200), (before, key, message) => {
        const stream = new Rc4();
        stream.schedule(before, before.length);
        stream.apply(new Uint8Array(77), 0, 77);
        stream.schedule(key, key.length);
        const copy = message.slice();
        stream.apply(copy, 0, copy.length);
        expect(copy).toEqual(encrypted(key, message));
      }),
    );
  });

  test("two calls make the same stream as one, and touch only their range", () => {
    fc.assert(
      fc.property(octetsOf(1, 16), octetsOf(3, 200), fc.nat(), (key, message, cut) => {
        const middle = 1 + (cut % (message.length - 1));
        const stream = new Rc4();
        stream.schedule(key, key.length);
        const copy = Uint8Array.of(9, ...message, 9);
        stream.apply(copy, 1, 1 + middle);
        stream.apply(copy, 1 + middle, 1 + message.length);
        expect(copy).toEqual(Uint8Array.of(9, ...encrypted(key, message), 9));
      }),
    );
  });

  test("a stream kept elsewhere goes on from there", () => {
    const stream = new Rc4();
    stream.schedule(ascii("Key"), 3);
    stream.apply(new Uint8Array(5), 0, 5);
    const elsewhere = new Uint8Array(260);
    stream.keep(elsewhere, 1, 258);
    const copy = new Rc4();
    copy.take(elsewhere, 1, 258);
    const tried = new Uint8Array(8);
    copy.apply(tried, 0, 8);
    const meant = new Uint8Array(8);
    stream.apply(meant, 0, 8);
    expect(tried).toEqual(meant);
  });

  test("only the first octets of a longer key count", () => {
    const stream = new Rc4();
    stream.schedule(ascii("Key and more"), 3);
    const copy = ascii("Plaintext");
    stream.apply(copy, 0, copy.length);
    expect(toHex(copy)).toBe("bbf316e8d940af0ad3");
  });

  test("wiped: the stream of the key is gone", () => {
    const stream = new Rc4();
    stream.schedule(ascii("Key"), 3);
    stream.wipe();
    const copy = ascii("Plaintext");
    stream.apply(copy, 0, copy.length);
    expect(toHex(copy)).not.toBe("bbf316e8d940af0ad3");
  });
});
