import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { inert, printable } from "./printable.js";

describe("printable", () => {
  test.each([
    ["escape sequence", "\u001b[31mred", "\\u{1b}[31mred"],
    ["new line", "user\nadmin logged in", "user\\u{a}admin logged in"],
    ["carriage return, tab, NUL", "a\r\t\0b", "a\\u{d}\\u{9}\\u{0}b"],
    ["delete and C1 control", "\u007f\u009b2J", "\\u{7f}\\u{9b}2J"],
    ["right-to-left override", "exe.\u202etxt", "exe.\\u{202e}txt"],
    ["isolates and marks", "\u2066a\u2069\u200f", "\\u{2066}a\\u{2069}\\u{200f}"],
    ["zero-width and soft hyphen", "ad\u200bm\u00adin", "ad\\u{200b}m\\u{ad}in"],
    ["line and paragraph separators", "a\u2028b\u2029", "a\\u{2028}b\\u{2029}"],
    ["lone surrogate", "a\ud800b", "a\\u{d800}b"],
    ["backslash, so an escape cannot be forged", "\\u{1b}", "\\u{5c}u{1b}"],
    ["markup and assignment stay text", '<b a="1">=&', '<b a="1">=&'],
    ["letters of any script", "Łukasz 日本 😀", "Łukasz 日本 😀"],
    ["nothing", "", ""],
  ])("%s", (_, text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  test("at most so many characters are shown, and it says that more came", () => {
    expect(printable("a".repeat(64))).toBe("a".repeat(64));
    expect(printable("a".repeat(65))).toBe(`${"a".repeat(64)}…`);
    expect(printable("😀😀😀", 2)).toBe("😀😀…");
    expect(printable("abc", 0)).toBe("…");
  });

  test("whatever comes in, nothing invisible goes out, and shown twice it cannot pass for another", () => {
    const text = fc.string({
      unit: fc.constantFrom("\u001b", "\n", "\u202e", "\\", "u", "{", "a"),
    });
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), text), (peers) => {
        expect(printable(peers)).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
      }),
    );
    fc.assert(
      fc.property(text, text, (one, other) => {
        fc.pre(one !== other);
        expect(printable(one, 1_000)).not.toBe(printable(other, 1_000));
      }),
    );
  });
});

describe("inert", () => {
  test("what printable() made stays as it is, and so does a backslash of anybody's", () => {
    for (const text of ["\u001b[2J", "a\\b", "exe.\u202etxt", "日本 <b>"]) {
      expect(inert(printable(text), 256)).toBe(printable(text));
    }
    expect(inert("a\\b", 256)).toBe("a\\b");
  });

  test("what is invisible in it all the same becomes text, within its bound", () => {
    expect(inert("a\u001b[2J\u202eb\n", 256)).toBe("a\\u{1b}[2J\\u{202e}b\\u{a}");
    expect(inert("a".repeat(9), 8)).toBe(`${"a".repeat(8)}…`);
    expect(inert("😀😀😀", 2)).toBe("😀😀…");
    expect(inert("😀😀", 2)).toBe("😀😀");
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(inert(text, 16)).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});
