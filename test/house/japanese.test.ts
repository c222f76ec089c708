// The documents in Japanese against the English: the same sections, commands, tables, links and pictures in the
// same order, so that a change of one that the other has not is seen.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { root } from "./tree.js";

const pairs = [
  ["README.md", "README.ja.md"],
  ["docs/OPERATIONS.md", "docs/OPERATIONS.ja.md"],
] as const;

const read = (path: string) => readFileSync(join(root, path), "utf8");

/** Paragraphs set in by four or more: commands and configuration, without their remarks. */
function blocks(text: string): string[] {
  return text
    .split(/\n(?:\s*\n)+/)
    .filter((paragraph) => /^ {4,}\S/.test(paragraph))
    .flatMap((paragraph) => paragraph.split("\n"))
    .map((line) => line.replace(/(^|\s+)#.*$/, "").trim())
    .filter((line) => line !== "");
}

/** What stands between backquotes: names, options and values, which no language changes. */
function words(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)]
    .map(([, word = ""]) => word.replaceAll(/\s+/g, " "))
    .sort();
}

/** How many lines each heading has below it in tables and lists, by level. */
function shape(text: string): string[] {
  const found: string[] = [];
  let [level, rows, items] = [0, 0, 0];
  const close = () => found.push(`${level} rows ${rows} items ${items}`);
  for (const line of text.split("\n")) {
    const heading = /^(#+) /.exec(line)?.[1]?.length;
    if (heading !== undefined) {
      close();
      [level, rows, items] = [heading, 0, 0];
    } else if (line.startsWith("|")) rows++;
    else if (/^\s*(-|\d\.) /.test(line)) items++;
  }
  close();
  return found;
}

function pictures(text: string): string[] {
  return [...text.matchAll(/!\[[^\]]+\]\(([^)]+)\)/g)].map(([, to = ""]) =>
    to.replace("-japanese", ""),
  );
}

/** First cells of table rows: verdicts' exit codes and their like. */
function codes(text: string): string[] {
  return [...text.matchAll(/^\| (\d+) \| (`[^`]+`)/gm)].map(([, code, name]) => `${code} ${name}`);
}

describe.each(pairs)("%s and %s", (english, japanese) => {
  const [en, ja] = [read(english), read(japanese)];

  test("have the same sections, with as many rows and items in each", () => {
    expect(shape(ja)).toEqual(shape(en));
    expect(shape(en).length).toBeGreaterThan(5);
  });

  test("have the same commands and configuration", () => {
    expect(blocks(ja)).toEqual(blocks(en));
    expect(blocks(en).length).toBeGreaterThan(5);
  });

  test("name the same things", () => {
    const [ours, theirs] = [new Set(words(ja)), new Set(words(en))];
    expect([...theirs].filter((word) => !ours.has(word))).toEqual([]);
    expect([...ours].filter((word) => !theirs.has(word))).toEqual([]);
  });

  test("have the same pictures and codes", () => {
    expect(pictures(ja)).toEqual(pictures(en));
    expect(codes(ja)).toEqual(codes(en));
  });

  test("the one in Japanese is in Japanese: every section has some", () => {
    for (const section of ja.split(/^#+ /m).slice(1)) {
      expect(section.slice(0, 400)).toMatch(/[\u3040-\u30ff\u4e00-\u9fff]/);
    }
  });
});

test("caught: a section, a command, a row, a name that one of the two lacks", () => {
  const text = "# A\n\n`--one` and\n\n    holdfast status   # says\n\n| a | b |\n\n- x\n";
  expect(shape(`${text}## B\n`)).not.toEqual(shape(text));
  expect(shape(`${text}| c | d |\n`)).not.toEqual(shape(text));
  expect(blocks(text.replace("status", "ledger"))).not.toEqual(blocks(text));
  expect(blocks(text.replace("# says", "# 言う"))).toEqual(blocks(text));
  expect(words(text.replace("--one", "--two"))).not.toEqual(words(text));
});
