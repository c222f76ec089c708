import { describe, expect, test } from "vitest";
import { toHex } from "../../base/hex.js";
import { decodeMppeOption, encodeMppeOption } from "./ccp.js";
import { encodeOptions, optionUint32 } from "./options.js";

const read = (bits: number) => {
  const option = decodeMppeOption(optionUint32(18, bits));
  if (!option.ok) throw new Error(option.field);
  return option.value;
};

describe("Supported Bits (RFC 3078 §2)", () => {
  test.each([
    [0x01000040, { stateless: true, strengths: [128], others: false }],
    [0x00000020, { stateless: false, strengths: [40], others: false }],
    [0x01000080, { stateless: true, strengths: [56], others: false }],
    [0x010000e1, { stateless: true, strengths: [128, 56, 40], others: true }],
    [0x00000001, { stateless: false, strengths: [], others: true }],
    [0x00000050, { stateless: false, strengths: [128], others: true }],
    [0x80000040, { stateless: false, strengths: [128], others: true }],
    [0, { stateless: false, strengths: [], others: false }],
  ])("%i", (bits, meaning) => {
    expect(read(bits)).toEqual(meaning);
  });

  test("any other number of octets than four: malformed", () => {
    for (const size of [0, 1, 2, 3, 5, 253]) {
      expect(decodeMppeOption({ type: 18, data: new Uint8Array(size) }).ok).toBe(false);
    }
  });

  test("what is written is read back; the octets are RFC 3078's", () => {
    expect(toHex(encodeOptions([encodeMppeOption({ stateless: true, strengths: [128] })]))).toBe(
      "120601000040",
    );
    for (const stateless of [false, true]) {
      for (const strengths of [[40], [56], [128], [128, 56, 40]] as const) {
        const back = decodeMppeOption(encodeMppeOption({ stateless, strengths }));
        expect(back).toEqual({ ok: true, value: { stateless, strengths, others: false } });
      }
    }
  });
});
