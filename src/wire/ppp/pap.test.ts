import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../base/hex.js";
import {
  decodeAuthenticateRequest,
  decodeMessage,
  encodeAuthenticateRequest,
  encodeMessage,
} from "./pap.js";

describe("Authenticate-Request", () => {
  test("two counted fields; what follows is padding", () => {
    const read = decodeAuthenticateRequest(fromHex("0475736572027077ffff")!);
    expect(read.ok && [toHex(read.value.peerId), toHex(read.value.password)]).toEqual([
      "75736572",
      "7077",
    ]);
  });

  test("both may be empty", () => {
    expect(decodeAuthenticateRequest(fromHex("0000")!).ok).toBe(true);
  });

  test("every truncation is malformed", () => {
    const whole = fromHex("0475736572027077")!;
    for (let size = 0; size < whole.length; size++) {
      expect(decodeAuthenticateRequest(whole.subarray(0, size)).ok).toBe(false);
    }
  });

  test("what is written is read back", () => {
    const field = fc.uint8Array({ maxLength: 255 });
    fc.assert(
      fc.property(field, field, (peerId, password) => {
        const read = decodeAuthenticateRequest(encodeAuthenticateRequest({ peerId, password }));
        expect(read.ok && [toHex(read.value.peerId), toHex(read.value.password)]).toEqual([
          toHex(peerId),
          toHex(password),
        ]);
      }),
    );
  });
});

describe("message of Ack and Nak", () => {
  test("counted; none at all is an empty one", () => {
    expect(decodeMessage(encodeMessage(Uint8Array.of(1, 2)))).toEqual({
      ok: true,
      value: Uint8Array.of(1, 2),
    });
    expect(decodeMessage(new Uint8Array())).toEqual({ ok: true, value: new Uint8Array() });
  });

  test("longer than what came: malformed", () => {
    expect(decodeMessage(Uint8Array.of(1)).ok).toBe(false);
    expect(decodeMessage(Uint8Array.of(255, 1, 2)).ok).toBe(false);
  });
});
