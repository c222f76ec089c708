import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sampleOctets } from "../../../test/control-peer.js";
import { toHex } from "../../base/hex.js";
import { control } from "../../limits.js";
import { controlMessageLayouts } from "../../wire/pptp/index.js";
import { Framer } from "./framer.js";

const all = controlMessageLayouts.map(({ kind }) => sampleOctets(kind));

function put16(octets: Uint8Array, offset: number, value: number): Uint8Array {
  const changed = octets.slice();
  new DataView(changed.buffer).setUint16(offset, value);
  return changed;
}

/** All messages of these chunks in hexadecimal, and `malformed FIELD` where it stopped. */
function cut(chunks: readonly Uint8Array[], framer = new Framer()): string[] {
  const read: string[] = [];
  for (const chunk of chunks) {
    framer.feed(chunk);
    for (;;) {
      const frame = framer.next();
      if (frame.kind === "need-more") break;
      if (frame.kind === "malformed") return [...read, `malformed ${frame.malformed.field}`];
      read.push(toHex(frame.octets));
    }
    expect(framer.heldOctets).toBeLessThan(control.messageOctetsMax);
  }
  return read;
}

test("any cut of a stream of messages gives the same messages", () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...all), { maxLength: 8 }),
      fc.array(fc.nat(400)),
      (messages, sizes) => {
        const stream = Uint8Array.from(messages.flatMap((octets) => [...octets]));
        const chunks: Uint8Array[] = [];
        let at = 0;
        for (const size of sizes) {
          chunks.push(stream.subarray(at, at + size));
          at = Math.min(at + size, stream.length);
        }
        chunks.push(stream.subarray(at));
        expect(cut(chunks)).toEqual(messages.map(toHex));
      },
    ),
  );
});

describe.each(controlMessageLayouts.map((table) => ({ table, name: table.abbreviation })))(
  "$name",
  ({ table }) => {
    const octets = sampleOctets(table.kind);

    test("octet by octet, and two in one chunk", () => {
      expect(cut([...octets].map((octet) => Uint8Array.of(octet)))).toEqual([toHex(octets)]);
      const twice = Uint8Array.of(...octets, ...octets);
      expect(cut([twice])).toEqual([toHex(octets), toHex(octets)]);
    });

    test("every truncation is held, and waits for the rest", () => {
      for (let length = 0; length < octets.length; length++) {
        const framer = new Framer();
        expect(cut([octets.subarray(0, length)], framer)).toEqual([]);
        expect(framer.heldOctets).toBe(length);
        expect(cut([octets.subarray(length)], framer)).toEqual([toHex(octets)]);
        expect(framer.heldOctets).toBe(0);
      }
    });

    test.each([0, 1, 11, 12, table.length - 1, table.length + 1, 221, 65535])(
      "Length %d stops at the header",
      (length) => {
        // 12 octets, and what else is promised is not waited for.
        const wrong = put16(octets, 0, length).subarray(0, 12);
        const expected = length === table.length ? [] : ["malformed Length"];
        expect(cut([wrong])).toEqual(expected);
        expect(cut([...wrong].map((octet) => Uint8Array.of(octet)))).toEqual(expected);
      },
    );
  },
);

test("malformed is for ever: good octets after it are not looked at", () => {
  const framer = new Framer();
  expect(cut([put16(all[0]!, 4, 0)], framer)).toEqual(["malformed Magic Cookie"]);
  expect(cut([all[0]!], framer)).toEqual(["malformed Magic Cookie"]);
  expect(framer.heldOctets).toBe(0);
});

test("any octets: each message takes at least 12 of them, and nothing throws", () => {
  const chunk = fc.oneof(fc.uint8Array({ maxLength: 400 }), fc.constantFrom(...all));
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 10 }), (chunks) => {
      const octets = chunks.reduce((sum, { length }) => sum + length, 0);
      expect(cut(chunks).length).toBeLessThanOrEqual(octets / 12 + 1);
    }),
  );
});
