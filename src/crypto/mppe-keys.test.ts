import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cryptoVector, octets, vectors } from "../../test/vectors/vectors.js";
import { toHex } from "../base/hex.js";
import { InvariantBroken } from "../base/invariant.js";
import {
  type KeyBits,
  MppeKey,
  sessionKey,
  startKeysMsChapV1,
  startKeysMsChapV2,
} from "./mppe-keys.js";
import { lmPasswordHash, ntPasswordHash } from "./ms-chap.js";
import { Rc4 } from "./rc4.js";

function encrypted(key: Uint8Array, message: Uint8Array): string {
  const stream = new Rc4();
  stream.schedule(key, key.length);
  const copy = message.slice();
  stream.apply(copy, 0, copy.length);
  return toHex(copy);
}

describe("MS-CHAPv1 keys: RFC 3079 §2.5", () => {
  const ntHash = ntPasswordHash("clientPass");
  const lmHash = lmPasswordHash("clientPass");
  const challenge = octets("102db5df085d3041");

  test("mppe-mschapv1-40", () => {
    const { output } = cryptoVector("mppe-mschapv1-40");
    const { bits64 } = startKeysMsChapV1({ ntHash, lmHash }, challenge);
    const key = toHex(sessionKey(bits64!.send, 40));
    expect(key).toBe(output.session_key40);
    expect(key.slice(6)).toBe(String(output.getkey8).slice(6));
  });

  test("mppe-mschapv1-56", () => {
    const { output } = cryptoVector("mppe-mschapv1-56");
    const { bits64 } = startKeysMsChapV1({ ntHash, lmHash }, challenge);
    expect(toHex(sessionKey(bits64!.receive, 56))).toBe(output.session_key56);
  });

  test("mppe-mschapv1-128", () => {
    const { input, output } = cryptoVector("mppe-mschapv1-128");
    const { bits128 } = startKeysMsChapV1({ ntHash }, octets(input.challenge8));
    expect(toHex(bits128.send)).toBe(output.initial_session_key);
    expect(toHex(bits128.receive)).toBe(output.initial_session_key);
    expect(toHex(sessionKey(bits128.send, 128))).toBe(output.session_key128);
  });

  test("without an LM hash there is nothing for 40 and 56 bits", () => {
    expect(startKeysMsChapV1({ ntHash }, challenge).bits64).toBeUndefined();
  });

  test("the directions own their arrays: wiping one leaves the other and the hash", () => {
    const { bits128, bits64 } = startKeysMsChapV1({ ntHash, lmHash }, challenge);
    bits128.send.fill(0);
    bits64!.send.fill(0);
    expect(toHex(bits128.receive)).toBe("a8947850cfc0acc1d1789fb62ddcddb0");
    expect(bits64!.receive).toEqual(lmHash.slice(0, 8));
    expect(lmHash).toEqual(lmPasswordHash("clientPass"));
  });
});

describe("MS-CHAPv2 keys: RFC 3079 §3.5", () => {
  const ntHash = ntPasswordHash("clientPass");
  const message = new TextEncoder().encode("test message");

  test.each([40, 56, 128] as const)("mppe-mschapv2-%i", (bits) => {
    const { input, output } = cryptoVector(`mppe-mschapv2-${bits}`);
    const keys = startKeysMsChapV2(ntHash, octets(input.nt_response), "server");
    const { send, receive } = bits === 128 ? keys.bits128 : keys.bits64;
    expect(toHex(send)).toBe(output.send_start_key);
    expect(toHex(receive)).toBe(output.recv_start_key);
    expect(toHex(sessionKey(send, bits))).toBe(output.send_session_key);
    expect(toHex(sessionKey(receive, bits))).toBe(output.recv_session_key);
    expect(encrypted(sessionKey(send, bits), message)).toBe(output.rc4_send_of_ascii_test_message);
  });

  test("what the server sends with, the client receives with", () => {
    const response = octets(cryptoVector("mschapv2").output.nt_response);
    const server = startKeysMsChapV2(ntHash, response, "server");
    const client = startKeysMsChapV2(ntHash, response, "client");
    expect(client.bits128.receive).toEqual(server.bits128.send);
    expect(client.bits128.send).toEqual(server.bits128.receive);
    expect(client.bits64.send).toEqual(server.bits64.receive);
    expect(server.bits128.send).not.toEqual(server.bits128.receive);
  });
});

describe("key change: RFC 3078 §7.3", () => {
  const { input, output } = cryptoVector("mppe-rekey");
  const cases: [KeyBits, unknown, unknown][] = [
    [128, input.send_start_key128, output.session_keys128_initial_then_after_each_rekey],
    [40, input.send_start_key40_56, output.session_keys40],
    [56, input.send_start_key40_56, output.session_keys56],
  ];

  test.each(cases)("mppe-rekey, %i bits", (bits, start, expected) => {
    const key = new MppeKey(octets(start), bits);
    for (const session of expected as string[]) {
      expect(toHex(key.octets)).toBe(session);
      key.step();
    }
  });

  test("mppe_stateless128: each packet decrypts under the key after one more step", () => {
    const key = new MppeKey(octets(input.send_start_key128), 128);
    for (const { session_key, plaintext, mppe } of vectors.mppe_stateless128) {
      key.step();
      expect(toHex(key.octets)).toBe(session_key);
      expect(encrypted(key.octets, octets(mppe).slice(2))).toBe(plaintext);
    }
  });

  test.each([40, 56, 128] as const)(
    "%i bits: keys step apart though they share scratch",
    (bits) => {
      fc.assert(
        fc.property(
          fc.uint8Array({ minLength: 16, maxLength: 16 }),
          fc.uint8Array({ minLength: 16, maxLength: 16 }),
          fc.array(fc.boolean(), { maxLength: 20 }),
          (one, two, choices) => {
            const keys = [new MppeKey(one, bits), new MppeKey(two, bits)] as const;
            const alone = [new MppeKey(one, bits), new MppeKey(two, bits)] as const;
            for (const first of choices) keys[first ? 0 : 1].step();
            for (const first of choices) if (first) alone[0].step();
            for (const first of choices) if (!first) alone[1].step();
            expect(keys[0].octets).toEqual(alone[0].octets);
            expect(keys[1].octets).toEqual(alone[1].octets);
          },
        ),
      );
    },
  );

  test("a key kept elsewhere and taken from there goes on where it stood", () => {
    for (const bits of [40, 56, 128] as const) {
      const key = new MppeKey(octets(input.send_start_key128), bits);
      const elsewhere = new Uint8Array(40);
      key.step();
      key.keep(elsewhere, 20, 4);
      const other = new MppeKey(new Uint8Array(16), bits);
      other.take(elsewhere, 4, 20);
      other.step();
      key.step();
      expect(other.octets).toEqual(key.octets);
      other.keep(elsewhere, 20);
      expect(elsewhere.subarray(20, 20 + key.octets.length)).toEqual(key.octets);
      expect(elsewhere.subarray(36)).toEqual(new Uint8Array(4));
    }
  });

  test("40 and 56 bits leave their fixed octets after every step", () => {
    const key40 = new MppeKey(new Uint8Array(8).fill(5), 40);
    const key56 = new MppeKey(new Uint8Array(8).fill(5), 56);
    for (let i = 0; i < 50; i++) {
      expect([...key40.octets.subarray(0, 3)]).toEqual([0xd1, 0x26, 0x9e]);
      expect(key56.octets[0]).toBe(0xd1);
      expect(key40.octets.length + key56.octets.length).toBe(16);
      key40.step();
      key56.step();
    }
  });

  test("wiped: session and start are gone, and the caller's start key is untouched", () => {
    const start = octets(input.send_start_key128);
    const key = new MppeKey(start, 128);
    key.wipe();
    expect(key.octets).toEqual(new Uint8Array(16));
    expect(toHex(start)).toBe(input.send_start_key128);
    const known = new MppeKey(start, 128);
    known.step();
    key.step();
    expect(key.octets).not.toEqual(known.octets);
  });

  test("a start key too short is our own bug", () => {
    expect(() => new MppeKey(new Uint8Array(8), 128)).toThrow(InvariantBroken);
    expect(() => new MppeKey(new Uint8Array(7), 40)).toThrow(InvariantBroken);
  });
});
