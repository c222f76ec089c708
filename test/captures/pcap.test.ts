import fc from "fast-check";
import { expect, test } from "vitest";
import { ETHERNET, RAW_IPV4, readPcap, writePcap } from "./pcap.js";

test("what is written is read, a millisecond apart", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 60 })), (packets) => {
      const read = readPcap(writePcap(RAW_IPV4, packets), RAW_IPV4);
      expect(read.map(({ octets }) => octets)).toEqual(packets);
      read.forEach(({ seconds }, index) => {
        expect(seconds).toBeCloseTo(1 + index / 1_000);
      });
    }),
  );
});

test("the other octet order is read too", () => {
  const words = [0xa1b2c3d4, 0x00020004, 0, 0, 65_535, ETHERNET, 7, 500_000, 4, 4, 0x01020304];
  const file = new Uint8Array(4 * words.length);
  words.forEach((word, at) => {
    new DataView(file.buffer).setUint32(4 * at, word);
  });
  expect(readPcap(file, ETHERNET)).toEqual([{ seconds: 7.5, octets: Uint8Array.of(1, 2, 3, 4) }]);
});

test("another format, another link type, a file cut short: errors", () => {
  const file = writePcap(ETHERNET, [new Uint8Array(10)]);
  expect(() => readPcap(new Uint8Array(24), ETHERNET)).toThrow("no classic pcap");
  expect(() => readPcap(file, RAW_IPV4)).toThrow("another link type");
  expect(() => readPcap(file.subarray(0, file.length - 1), ETHERNET)).toThrow("cut short");
});
