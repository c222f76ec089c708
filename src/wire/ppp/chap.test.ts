import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { octets, vectors } from "../../../test/vectors/vectors.js";
import { toHex } from "../../base/hex.js";
import {
  CHANGE_PASSWORD_OCTETS,
  ChapCode,
  decodeAuthenticatorResponse,
  decodeMsChapFailure,
  decodeMsChapV1Response,
  decodeMsChapV2Response,
  decodeValueAndName,
  encodeMsChapFailure,
  encodeMsChapV1Response,
  encodeMsChapV2Response,
  encodeSuccess,
  encodeValueAndName,
} from "./chap.js";
import { decodeFrame } from "./frame.js";
import { decodePacket } from "./packet.js";

const text = (value: string) => new TextEncoder().encode(value);

function packetOf(name: string) {
  const vector = vectors.gre_ppp_frames.find((candidate) => candidate.name === name)!;
  const frame = decodeFrame(octets(vector.gre_hex).subarray(12));
  const packet = frame.ok ? decodePacket(frame.value.information) : frame;
  if (!packet.ok) throw new Error(`${name}: ${packet.field}`);
  return packet.value;
}

describe("frames of RFC 2759 §9", () => {
  test("Challenge", () => {
    const { code, data } = packetOf("chap-challenge");
    const read = decodeValueAndName(data);
    expect(code).toBe(ChapCode.challenge);
    expect(read.ok && toHex(read.value.value)).toBe("5b5d7c7d7b3f2f3e3c2c602132262628");
    expect(read.ok && read.value.name).toEqual(text("srv"));
    expect(read.ok && toHex(encodeValueAndName(read.value))).toBe(toHex(data));
  });

  test("Response", () => {
    const read = decodeValueAndName(packetOf("chap-response").data);
    const response = read.ok ? decodeMsChapV2Response(read.value.value) : read;
    expect(response.ok && toHex(response.value.peerChallenge)).toBe(
      "21402324255e262a28295f2b3a337c7e",
    );
    expect(response.ok && toHex(response.value.ntResponse)).toBe(
      "82309ecd8d708b5ea08faa3981cd83544233114a3d85d6df",
    );
    expect(read.ok && response.ok && toHex(encodeMsChapV2Response(response.value))).toBe(
      read.ok && toHex(read.value.value),
    );
  });

  test("Success and Failure", () => {
    const proof = "407A5589115FD0D6209F510FE9C04566932CDA56";
    const success = packetOf("chap-success").data;
    expect(decodeAuthenticatorResponse(success)).toEqual({ ok: true, value: proof });
    expect(toHex(encodeSuccess(proof, "OK"))).toBe(toHex(success));
    const failure = packetOf("chap-failure").data;
    expect(decodeMsChapFailure(failure)).toMatchObject({
      code: 691,
      retry: true,
      version: 3,
      message: "Access denied",
    });
    const { challenge } = decodeMsChapFailure(failure);
    expect(
      toHex(
        encodeMsChapFailure({
          code: 691,
          retry: true,
          challenge: challenge!,
          version: 3,
          message: "Access denied",
        }),
      ),
    ).toBe(toHex(failure));
  });
});

describe("Value-Size", () => {
  test("none, zero, or more than there is: malformed", () => {
    for (const data of ["", "00", "0075736572", "02aa", "ffaa"]) {
      expect(decodeValueAndName(octets(data)).ok).toBe(false);
    }
    expect(decodeValueAndName(octets("01aa"))).toMatchObject({ ok: true });
  });

  test("MS-CHAP responses have 49 octets and no other number", () => {
    for (let size = 0; size < 256; size++) {
      const right = size === 49;
      expect(decodeMsChapV1Response(new Uint8Array(size)).ok).toBe(right);
      expect(decodeMsChapV2Response(new Uint8Array(size)).ok).toBe(right);
    }
  });

  test("MS-CHAPv1: LM, NT and the flag that says which", () => {
    const response = {
      lmResponse: new Uint8Array(24).fill(1),
      ntResponse: new Uint8Array(24).fill(2),
      useNt: true,
    };
    expect(decodeMsChapV1Response(encodeMsChapV1Response(response))).toEqual({
      ok: true,
      value: response,
    });
    expect(toHex(encodeMsChapV1Response(response))).toBe(`${"01".repeat(24)}${"02".repeat(24)}01`);
  });
});

test("Change-Password has the length of RFC 2759 §7", () => {
  expect(CHANGE_PASSWORD_OCTETS).toBe(4 + 516 + 16 + 16 + 8 + 24 + 2);
});

describe("texts are read by prefix", () => {
  const proof = "0123456789ABCDEF0123456789ABCDEF01234567";

  test.each([
    [`S=${proof}`, proof],
    [`S=${proof} M=Welcome`, proof],
    [`S=${proof.toLowerCase()}`, proof],
    [`M= S=${proof}`, proof],
    ["", undefined],
    ["S=", undefined],
    [`S=${proof}0`, undefined],
    [`S=${proof.slice(1)}`, undefined],
    [`XS=${proof}`, undefined],
    [`S=${proof.slice(0, 39)}G`, undefined],
  ])("%j", (message, found) => {
    const read = decodeAuthenticatorResponse(text(message));
    expect(read.ok ? read.value : undefined).toBe(found);
  });

  test("Failure: fields in any order, challenge optional, message to the end", () => {
    expect(decodeMsChapFailure(text("R=1 E=649 M=E=691 R=0"))).toEqual({
      code: 649,
      retry: true,
      challenge: undefined,
      version: undefined,
      message: "E=691 R=0",
    });
    expect(decodeMsChapFailure(text("E=691 R=1 C=0011223344556677 V=2")).challenge?.length).toBe(8);
    expect(decodeMsChapFailure(text("E=691 C=00112233445566 R=0"))).toMatchObject({
      challenge: undefined,
      retry: false,
    });
    expect(decodeMsChapFailure(text("E=99999999999 R=2"))).toMatchObject({
      code: undefined,
      retry: false,
    });
  });

  test("any octets at all are read without harm", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (any) => {
        decodeAuthenticatorResponse(any);
        expect(decodeMsChapFailure(any).message.length).toBeLessThanOrEqual(any.length);
      }),
    );
  });
});
