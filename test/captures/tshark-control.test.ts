import { describe, expect, test } from "vitest";
import { toHex } from "../../src/base/hex.js";
import type { MessageLayout } from "../../src/wire/pptp/field-table.js";
import {
  type ControlMessage,
  controlMessageLayouts,
  encodeControlMessage,
} from "../../src/wire/pptp/index.js";
import { needPeer } from "../peers.js";
import { complaints, dissectedMessages, inTcp, TSHARK } from "./foreign.js";

const layouts: readonly MessageLayout<ControlMessage["kind"]>[] = controlMessageLayouts;

/** A message with every field at one end of its range, or at a number of its own. */
function sample(table: MessageLayout, form: "least" | "most" | "distinct"): ControlMessage {
  let next = 0x11;
  const values = Object.entries(table.fields).flatMap(([key, field]) => {
    if (field.form === "reserved") return [];
    if (field.form === "text") {
      const text = { least: "", most: "x".repeat(field.width), distinct: `the ${key}` }[form];
      return [[key, text.slice(0, field.width)]];
    }
    next += 0x0101;
    const listed = Object.values(field.listed ?? {});
    const most = listed.length > 0 ? Math.max(...listed) : field.max;
    const distinct = listed[next % Math.max(listed.length, 1)] ?? next % (field.max + 1);
    return [[key, { least: listed[0] ?? 0, most, distinct }[form]]];
  });
  return { kind: table.kind, ...Object.fromEntries(values) } as ControlMessage;
}

const messages = layouts.flatMap((table) =>
  (["least", "most", "distinct"] as const).map((form) => ({
    name: `${table.abbreviation}, fields ${form}`,
    table,
    octets: encodeControlMessage(sample(table, form)),
  })),
);
const packets = messages.map(({ octets }, at) => inTcp(octets, at));

describe.runIf(needPeer(TSHARK.commands, TSHARK.aptPackages))(
  "tshark reads every control message we build",
  () => {
    test("three of each of the 15", () => {
      expect(messages).toHaveLength(45);
    });

    test("without a complaint", () => {
      expect(complaints(packets)).toEqual([]);
    });

    test("caught: a message cut short, or with a wrong cookie", () => {
      const [, , , whole] = messages;
      const wrong = whole!.octets.slice();
      wrong[4] = 0;
      const bad = [inTcp(whole!.octets.subarray(0, 20), 0), inTcp(wrong, 1)];
      expect(complaints(bad).map(({ packet }) => packet)).toEqual([0, 1]);
    });

    test("every field where our table has it, as wide, with the same octets", () => {
      const header = [0, 2, 4, 8, 10].map((offset) => ({ offset, width: offset === 4 ? 4 : 2 }));
      dissectedMessages(packets).forEach((theirs, at) => {
        const { name, table, octets } = messages[at]!;
        const ours = [...header, ...Object.values(table.fields)].map(({ offset, width }) => {
          // tshark 4.0.17 shows 64 of the 128 octets of Call Statistics (RFC 2637 §2.13).
          const size = table.abbreviation === "CDN" && width === 128 ? 64 : width;
          return { offset, size, hex: toHex(octets.subarray(offset, offset + size)) };
        });
        expect([name, theirs]).toEqual([name, ours]);
      });
    });
  },
);
