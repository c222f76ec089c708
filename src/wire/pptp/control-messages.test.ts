import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../base/hex.js";
import type { CallClearRequest } from "./call-clear-request.js";
import type { PacCallId, PnsCallId } from "./call-id.js";
import type { Field, MessageLayout } from "./field-table.js";
import {
  type ControlMessage,
  controlMessageLayouts,
  decodeControlHeader,
  decodeControlMessage,
  encodeControlMessage,
  oddities,
  printControlMessage,
} from "./index.js";

type Vector = {
  readonly type: number;
  readonly name: string;
  readonly hex: string;
  readonly length: number;
  readonly fields: readonly {
    readonly name: string;
    readonly offset: number;
    readonly size: number;
    readonly value: number | string;
  }[];
};
const vectors = (
  JSON.parse(
    readFileSync(new URL("../../../test/vectors/vectors.json", import.meta.url), "utf8"),
  ) as { control_messages: readonly Vector[] }
).control_messages;

const layouts: readonly MessageLayout[] = controlMessageLayouts;

function octetsOf(vector: Vector): Uint8Array {
  return fromHex(vector.hex)!;
}

function put(octets: Uint8Array, offset: number, width: number, value: number): Uint8Array {
  const changed = octets.slice();
  const view = new DataView(changed.buffer);
  if (width === 1) view.setUint8(offset, value);
  else if (width === 2) view.setUint16(offset, value);
  else view.setUint32(offset, value);
  return changed;
}

function arbitraryOf(field: Field): fc.Arbitrary<number | string> {
  if (field.form === "text") {
    return fc
      .array(fc.integer({ min: 1, max: 255 }), { maxLength: field.width })
      .map((codes) => String.fromCharCode(...codes));
  }
  return fc.integer({ min: 0, max: field.form === "number" ? field.max : 0 });
}

function arbitraryMessage(table: MessageLayout): fc.Arbitrary<ControlMessage> {
  const entries = Object.entries(table.fields).filter(([, field]) => field.form !== "reserved");
  const values = Object.fromEntries(entries.map(([key, field]) => [key, arbitraryOf(field)]));
  return fc
    .record(values)
    .map((message) => ({ kind: table.kind, ...message }) as unknown as ControlMessage);
}

describe("the tables against RFC 2637", () => {
  test("15 messages, indexed by their Control Message Type", () => {
    expect(layouts.map(({ type }) => type)).toEqual(Array.from({ length: 15 }, (_, i) => i + 1));
  });

  test.each(layouts)(
    "$abbreviation: fields follow one another from octet 12 to its end",
    (table) => {
      let offset = 12;
      for (const field of Object.values(table.fields)) {
        expect([field.name, field.offset]).toEqual([field.name, offset]);
        offset += field.width;
      }
      expect(offset).toBe(table.length);
    },
  );

  test.each(vectors)("$name: same places and widths as the checked vector", (vector) => {
    const table = layouts[vector.type - 1]!;
    expect(table.length).toBe(vector.length);
    const ours = Object.values(table.fields).map(({ offset, width }) => [offset, width]);
    expect(ours).toEqual(vector.fields.slice(5).map(({ offset, size }) => [offset, size]));
  });
});

describe.each(vectors)("$name", (vector) => {
  const octets = octetsOf(vector);
  const table = layouts[vector.type - 1]!;

  test("the vector decodes to its fields and encodes to the same octets", () => {
    const read = decodeControlMessage(octets);
    if (!read.ok) throw new Error(`${read.field}: ${read.found}`);
    const values = read.value as unknown as Record<string, unknown>;
    for (const [key, field] of Object.entries(table.fields)) {
      const expected = vector.fields.find(({ offset }) => offset === field.offset)!;
      if (field.form === "reserved") expect(values).not.toHaveProperty(key);
      else expect([key, values[key]]).toEqual([key, expected.value]);
    }
    expect(values.kind).toBe(vector.name.replaceAll("-", "").replace("WAN", "Wan"));
    expect(toHex(encodeControlMessage(read.value))).toBe(vector.hex);
    expect(oddities(octets)).toEqual([]);
    expect(printControlMessage(read.value).startsWith(table.abbreviation)).toBe(true);
  });

  test("every truncation is malformed, and one octet more", () => {
    for (let length = 0; length < octets.length; length++) {
      expect(decodeControlMessage(octets.subarray(0, length))).toMatchObject({
        ok: false,
        field: "Length",
        found: length,
      });
    }
    expect(decodeControlMessage(Uint8Array.of(...octets, 0))).toMatchObject({ field: "Length" });
  });

  test.each([0, 1, vector.length - 1, vector.length + 1, 65535])(
    "Length %d is malformed",
    (length) => {
      const changed = put(octets, 0, 2, length);
      expect(decodeControlMessage(changed)).toEqual({ ok: false, field: "Length", found: length });
      expect(decodeControlHeader(changed.subarray(0, 12))).toMatchObject({ ok: false });
    },
  );

  test.each([
    [2, 2, 0, "PPTP Message Type"],
    [2, 2, 2, "PPTP Message Type"],
    [4, 4, 0, "Magic Cookie"],
    [4, 4, 0x4d3c2b1a, "Magic Cookie"],
    [8, 2, 0, "Control Message Type"],
    [8, 2, 16, "Control Message Type"],
    [8, 2, 65535, "Control Message Type"],
  ])("header octets %d (%d wide) = %d: malformed %s", (offset, width, value, field) => {
    expect(decodeControlMessage(put(octets, offset, width, value))).toEqual({
      ok: false,
      field,
      found: value,
    });
  });

  test("each field's bounds: above max malformed, reserved or unlisted taken and named", () => {
    const reservedHeader = put(octets, 10, 2, 1);
    expect(decodeControlMessage(reservedHeader)).toEqual(decodeControlMessage(octets));
    expect(oddities(reservedHeader)).toEqual(["Reserved0"]);
    for (const field of Object.values(table.fields)) {
      if (field.form === "text") {
        const full = octets.slice();
        full.fill(0xff, field.offset, field.offset + field.width);
        const read = decodeControlMessage(full);
        expect(read.ok && Object.values(read.value)).toContain("\xff".repeat(field.width));
        continue;
      }
      const top = 2 ** (8 * field.width) - 1;
      const changed = put(octets, field.offset, field.width, top);
      if (field.form === "number" && field.max < top) {
        const { name } = field;
        expect(decodeControlMessage(changed)).toEqual({ ok: false, field: name, found: top });
        const above = put(octets, field.offset, field.width, field.max + 1);
        expect(decodeControlMessage(above)).toMatchObject({ ok: false, field: name });
        const at = put(octets, field.offset, field.width, field.max);
        expect(decodeControlMessage(at).ok).toBe(true);
        continue;
      }
      expect(decodeControlMessage(changed).ok).toBe(true);
      const named = field.form === "reserved" || field.listed !== undefined;
      expect(oddities(changed)).toEqual(named ? [field.name] : []);
    }
  });

  test("round trip of any values", () => {
    fc.assert(
      fc.property(arbitraryMessage(table), (message) => {
        const written = encodeControlMessage(message);
        expect(written.length).toBe(table.length);
        expect(decodeControlMessage(written)).toEqual({ ok: true, value: message });
      }),
    );
  });
});

test("any octets: a value, never an exception; what decodes encodes to what decodes the same", () => {
  const near = fc
    .tuple(fc.constantFrom(...vectors), fc.array(fc.tuple(fc.nat(219), fc.nat(255))))
    .map(([vector, changes]) => {
      const octets = octetsOf(vector);
      for (const [at, value] of changes) if (at < octets.length) octets[at] = value;
      return octets;
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 256 }), near), (octets) => {
      const read = decodeControlMessage(octets);
      if (!read.ok) return;
      expect(printControlMessage(read.value)).not.toMatch(/\p{C}/u);
      expect(decodeControlMessage(encodeControlMessage(read.value))).toEqual(read);
    }),
    { numRuns: 500 },
  );
});

test("a string longer than its field, or beyond Latin-1, is cut and marked, never an overrun", () => {
  const read = decodeControlMessage(octetsOf(vectors[0]!));
  if (!read.ok || read.value.kind !== "StartControlConnectionRequest") throw new Error("vector");
  const message = { ...read.value, hostName: "ф".repeat(70), vendorString: "v".repeat(70) };
  const written = decodeControlMessage(encodeControlMessage(message));
  expect(written).toMatchObject({
    value: { hostName: "?".repeat(64), vendorString: "v".repeat(64) },
  });
});

test("printed: listed values by their words, the peer's strings escaped", () => {
  const read = decodeControlMessage(octetsOf(vectors[1]!));
  if (!read.ok || read.value.kind !== "StartControlConnectionReply") throw new Error("vector");
  const line = printControlMessage({ ...read.value, resultCode: 5, hostName: "a\u001b[2J" });
  expect(line).toContain("resultCode=5(versionNotSupported)");
  expect(line).toContain('hostName="a\\u{1b}[2J"');
});

test("Call IDs of the two ends do not mix", () => {
  const pac = 1 as PacCallId;
  const pns: PnsCallId = 1 as PnsCallId;
  // @ts-expect-error Call-Clear-Request carries the PNS's
  const swapped: CallClearRequest = { kind: "CallClearRequest", callId: pac };
  expect(swapped).toEqual({ kind: "CallClearRequest", callId: pns });
});
