import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { finishChecksum, sum16, write16 } from "./ip-octets.js";
import { clampMss } from "./ip-tcp-mss.js";

/** A TCP header with `options`, checksum over itself and `pseudo`. */
function segment(options: readonly number[], flags = 0x02, pseudo = 0x1234): Uint8Array {
  const padded = [...options];
  while (padded.length % 4 !== 0) padded.push(0);
  const octets = new Uint8Array(20 + padded.length);
  octets[12] = (octets.length / 4) << 4;
  octets[13] = flags;
  octets.set(padded, 20);
  write16(octets, 16, finishChecksum(sum16(octets, 0, octets.length, pseudo)));
  return octets;
}

function sumIsRight(octets: Uint8Array, pseudo = 0x1234): boolean {
  return finishChecksum(sum16(octets, 0, octets.length, pseudo)) === 0;
}

const MSS_1460 = [2, 4, 0x05, 0xb4];

describe("MSS clamp, RFC 9293 §3.7.1", () => {
  test("a SYN that says more is lowered, its checksum right", () => {
    const octets = segment(MSS_1460);
    expect(clampMss(octets, 0, octets.length, 1356)).toBe(true);
    expect((octets[22]! << 8) | octets[23]!).toBe(1356);
    expect(sumIsRight(octets)).toBe(true);
  });

  test("at an odd offset, its checksum right", () => {
    const octets = segment([1, ...MSS_1460]);
    expect(clampMss(octets, 0, octets.length, 1356)).toBe(true);
    expect((octets[23]! << 8) | octets[24]!).toBe(1356);
    expect(sumIsRight(octets)).toBe(true);
  });

  const untouched: [string, Uint8Array][] = [
    ["less already", segment([2, 4, 0x04, 0x00])],
    ["no SYN", segment(MSS_1460, 0x10)],
    ["no MSS option", segment([3, 3, 7])],
    ["after the end of options", segment([0, ...MSS_1460])],
    ["an option of length 0", segment([8, 0, ...MSS_1460])],
    ["an option of length 1", segment([8, 1, ...MSS_1460])],
    ["an option past the end", segment([8, 40, ...MSS_1460])],
    ["an MSS option of length 3", segment([2, 3, 0x05, 0])],
    ["an option cut after its kind", segment([1, 1, 1, 2])],
  ];
  for (const [name, octets] of untouched) {
    test(`${name}: untouched`, () => {
      const before = octets.slice();
      expect(clampMss(octets, 0, octets.length, 1356)).toBe(false);
      expect(octets).toEqual(before);
    });
  }

  test("every truncation is untouched", () => {
    const octets = segment(MSS_1460);
    for (let end = 0; end < octets.length; end++) expect(clampMss(octets, 0, end, 536)).toBe(false);
  });

  property.prop([
    fc.uint8Array({ maxLength: 36 }),
    fc.integer({ min: 1, max: 65_535 }),
    fc.nat(0xffff),
  ])("whatever the options, the checksum stays right", (options, mss, pseudo) => {
    const octets = segment([...options], 0x02, pseudo);
    clampMss(octets, 0, octets.length, mss);
    expect(sumIsRight(octets, pseudo)).toBe(true);
  });
});
