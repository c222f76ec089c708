import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readWordLines } from "./secrets-words.js";

const words = (text: string) =>
  readWordLines(Buffer.from(text, "latin1")).map((line) =>
    line.words.map((word) => Buffer.from(word).toString("latin1")),
  );

describe("words of a secrets file", () => {
  // Each pair is what Debian's pppd 2.4.9 says it read of such an options file.
  it.each([
    ['zz"a b"c', "zza bc"],
    ['"a b"', "a b"],
    ["'a b'", "a b"],
    ["'a\\'b'", "a'b"],
    ['"a\\"b"', 'a"b'],
    ['"a\'b"', "a'b"],
    ["z'a b'c", "za bc"],
    ["za\\ b", "za b"],
    ["za\\nb", "za\nb"],
    ["'za\\nb'", "za\nb"],
    ["za\\sb", "za b"],
    ["za\\tb", "za\tb"],
    ["za\\qb", "zaqb"],
    ["za\\vb", "zavb"],
    ["za\\061b", "za1b"],
    ["za\\0611", "za11"],
    ["za\\1b", "za\u0001b"],
    ["z\\777b", "z\u00ffb"],
    ["za\\8", "za8"],
    ["za\\x41b", "zaAb"],
    ["za\\x414b", "zaA4b"],
    ["za\\x4gb", "za\u0004gb"],
    ["za\\X41", "zaX41"],
    ["zz#b", "zz"],
    ['"z#b"', "z#b"],
    ["z\\#b", "z#b"],
    ['"za\nbc"', "za\nbc"],
    ["za\\\nbc", "zabc"],
    ['"za\\\nbc"', "zabc"],
    ["za\\", "za"],
    ["z\u000bb", "z"],
    ["z\fb", "z"],
    ["za\rb", "za"],
    ["z\tb", "z"],
  ])("%j reads %j as pppd does", (text, first) => {
    expect(words(text)[0]?.[0]).toBe(first);
  });
  it("empty quotes are a word, a comment none", () => {
    expect(words('"" a # b c\n# d\n\n  \ne')).toEqual([["", "a"], [], [], [], ["e"]]);
  });
  it("each line has its number, a record over several lines its first and last", () => {
    const lines = readWordLines(Buffer.from('a\n"b\nc" d \\\n e\n# x\nf'));
    expect(lines.map(({ line, lastLine }) => [line, lastLine])).toEqual([
      [1, 1],
      [2, 4],
      [5, 5],
      [6, 6],
    ]);
    expect(lines[2]?.comment).toBe(true);
  });
  it.each([
    ['a "b', /runs to the end/],
    ["a\\0", /octet 0/],
    ["a\\xzz", /octet 0/],
    ["a\u0000b", /octet 0/],
    ["a".repeat(1024), /longer than 1023/],
  ])("%j is at fault", (text, fault) => {
    expect(readWordLines(Buffer.from(text, "latin1"))[0]?.fault).toMatch(fault);
  });
  it("property: any octets are read, each line once and in order", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (octets) => {
        const lines = readWordLines(octets);
        let next = 1;
        for (const { line, lastLine } of lines) {
          expect(line).toBe(next);
          next = lastLine + 1;
        }
        const newlines = octets.filter((octet) => octet === 10).length;
        const last = octets.length === 0 || octets.at(-1) === 10 ? newlines : newlines + 1;
        expect(lines.at(-1)?.lastLine ?? 0).toBeGreaterThanOrEqual(last);
      }),
    );
  });
  it("property: what is quoted is read back", () => {
    const word = fc.uint8Array({ min: 1, maxLength: 60 });
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), (written) => {
        const quoted = written.map((octets) => {
          const text = Buffer.from(octets).toString("latin1");
          return `"${text.replace(/["\\]/g, "\\$&")}"`;
        });
        const [line] = readWordLines(Buffer.from(quoted.join(" "), "latin1"));
        expect(line?.words).toEqual(written);
      }),
    );
  });
});
