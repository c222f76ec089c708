import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../base/hex.js";
import {
  decodeOptions,
  encodeOptions,
  optionUint16,
  optionUint32,
  readUint16,
  readUint32,
  sameOctets,
} from "./options.js";

const read = (hex: string, most = 64) => decodeOptions(fromHex(hex)!, most);

describe("option Length (T-11)", () => {
  test.each(["0100", "0101", "010400", "01", "0104057801", "0104057805ff", "01ff"])("%s", (hex) => {
    expect(read(hex).ok).toBe(false);
  });

  test("2 is an option without data; the list may be empty", () => {
    expect(read("0702")).toMatchObject({ ok: true, value: [{ type: 7 }] });
    expect(read("")).toEqual({ ok: true, value: [] });
  });

  test("255 octets of one option", () => {
    const one = `01ff${"aa".repeat(253)}`;
    const options = read(one);
    expect(options.ok && options.value[0]!.data.length).toBe(253);
    expect(read(one.slice(0, -2)).ok).toBe(false);
  });
});

test("one option more than allowed: malformed, whatever it is", () => {
  expect(read("7702".repeat(64)).ok).toBe(true);
  expect(read("7702".repeat(65))).toEqual({ ok: false, field: "Options", found: "too many" });
});

test("every truncation of a list either ends between options or is malformed", () => {
  const whole = "010405780305c22381050611223344";
  const between = new Set([0, 4, 9, 15]);
  for (let size = 0; size <= whole.length / 2; size++) {
    expect(read(whole.slice(0, 2 * size)).ok).toBe(between.has(size));
  }
});

test("what is written is read back; any octets at all are a value", () => {
  const option = fc.record({
    type: fc.integer({ min: 0, max: 255 }),
    data: fc.uint8Array({ maxLength: 253 }),
  });
  fc.assert(
    fc.property(fc.array(option, { maxLength: 8 }), (options) => {
      const back = decodeOptions(encodeOptions(options), 8);
      expect(back.ok && back.value.map(({ type, data }) => [type, toHex(data)])).toEqual(
        options.map(({ type, data }) => [type, toHex(data)]),
      );
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (any) => {
      const options = decodeOptions(any, 64);
      if (options.ok) expect(sameOctets(encodeOptions(options.value), any)).toBe(true);
    }),
  );
});

test("numbers: exactly two or four octets, unsigned", () => {
  expect(readUint16(optionUint16(1, 65_535))).toEqual({ ok: true, value: 65_535 });
  expect(readUint32(optionUint32(5, 0xffffffff))).toEqual({ ok: true, value: 0xffffffff });
  for (const size of [0, 1, 3, 4, 5]) {
    expect(readUint16({ type: 1, data: new Uint8Array(size) }).ok).toBe(false);
  }
  for (const size of [0, 1, 2, 3, 5, 8]) {
    expect(readUint32({ type: 1, data: new Uint8Array(size) }).ok).toBe(false);
  }
});
