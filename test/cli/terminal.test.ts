import { expect, test } from "vitest";
import { askHidden, type HiddenTerminal } from "../../src/cli/hidden-input.js";
import { duration, json, moment, octets, pairs, table, widthOf } from "../../src/cli/table.js";

function terminal() {
  const heard = new Set<(chunk: Buffer | string) => void>();
  const modes: boolean[] = [];
  const fake: HiddenTerminal & { type(chunk: Buffer | string): void; modes: boolean[] } = {
    modes,
    setRawMode: (raw) => modes.push(raw),
    resume: () => undefined,
    pause: () => undefined,
    on: (_event, hear) => heard.add(hear),
    off: (_event, hear) => heard.delete(hear),
    type: (chunk) => {
      for (const hear of [...heard]) hear(chunk);
    },
  };
  return fake;
}

const euro = Buffer.from("€");

test.each([
  ["a line", ["geheim\r"], "geheim"],
  ["letter by letter", ["a", "b", "\n"], "ab"],
  ["a rubout", ["ab\u007f\u007f\u007fc\r"], "c"],
  ["a line taken back", ["abc\u0015d\r"], "d"],
  ["a character in two pieces", [euro.subarray(0, 1), euro.subarray(1), "\r"], "€"],
  ["arrows and other control characters are not part of it", ["a\u0001b\r"], "ab"],
  ["given up", ["abc\u0003"], undefined],
  ["end on an empty line", ["\u0004"], undefined],
  ["end after a text", ["abc\u0004"], "abc"],
])("typed unseen: %s", async (_what, chunks, expected) => {
  const keyboard = terminal();
  let shown = "";
  const asked = askHidden("Password: ", keyboard, {
    write: (text) => {
      shown += text;
    },
  });
  for (const chunk of chunks) keyboard.type(chunk);
  expect(await asked).toBe(expected);
  expect(shown).toBe("Password: \n");
  expect(keyboard.modes).toEqual([true, false]);
});

test("widths count what a terminal shows", () => {
  expect(widthOf("abc")).toBe(3);
  expect(widthOf("日本")).toBe(4);
  expect(widthOf("e\u0301")).toBe(1);
});

test("a table is cut where it may be, down to what it must keep", () => {
  const rows = [{ a: "x".repeat(50), b: "y".repeat(50), c: "fixed" }];
  const columns = [
    { title: "A", value: (row: (typeof rows)[0]) => row.a, least: 10 },
    { title: "B", value: (row: (typeof rows)[0]) => row.b, least: 20 },
    { title: "C", value: (row: (typeof rows)[0]) => row.c },
  ];
  const widest = (width: number) =>
    Math.max(
      ...table(rows, columns, width)
        .trimEnd()
        .split("\n")
        .map((line) => line.length),
    );
  expect(widest(60)).toBe(60);
  expect(widest(10)).toBe(39);
  expect(table(rows, columns, undefined)).toContain("x".repeat(50));
  expect(table([{ a: "日".repeat(30), b: "", c: "" }], columns, 30)).toContain("日…");
});

test("cells and values are escaped", () => {
  const one = [{ title: "A", value: (text: string) => text }];
  expect(table(["\u001b[2J"], one, undefined)).toBe("A\n\\u{1b}[2J\n".replace("A\n", "A\n"));
  expect(
    pairs([
      ["name", "a\u202eb"],
      ["list", ["x", "\n"]],
      ["none", null],
    ]),
  ).toBe("name  a\\u{202e}b\nlist  x\n      \\u{a}\nnone  -\n");
  const text = json({ a: "\u009b\u202e\u{e0001}x" });
  expect(JSON.parse(text)).toEqual({ a: "\u009b\u202e\u{e0001}x" });
  expect(text).toMatch(/^[\x20-\x7e\n]*$/);
});

test("sizes, times and moments", () => {
  expect([0, 999, 1_000, 1_499, 12_345, 999_499, 1e6, 2.3e12].map(octets)).toEqual([
    "0",
    "999",
    "1.0k",
    "1.5k",
    "12k",
    "999k",
    "1.0M",
    "2.3T",
  ]);
  expect([0, 59_999, 60_000, 3_600_000, 90_000_000].map(duration)).toEqual([
    "0s",
    "59s",
    "1m 0s",
    "1h 0m",
    "1d 1h",
  ]);
  expect(moment(0)).toBe("1970-01-01T00:00:00Z");
  expect(moment(null)).toBeNull();
});
