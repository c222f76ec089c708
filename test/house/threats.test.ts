// docs/THREATS.md against the tree: every row that anything names is there, once; what it is shown by
// exists, title by title; and a row without a test says why.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { scenarios } from "../../src/storm/scenarios.js";
import { filesOf, root } from "./tree.js";

type Row = { readonly id: string; readonly shown: string };

const page = readFileSync(join(root, "docs/THREATS.md"), "utf8");

function rowsOf(text: string): Row[] {
  const lines = [...text.matchAll(/^\| ([TGR]-\d\d) \| [^|]+ \| ([^|]+) \|$/gm)];
  return lines.map(([, id = "", shown = ""]) => ({ id, shown }));
}

/** What is wrong with a row; undefined: nothing. */
function faultOf({ id, shown }: Row): string | undefined {
  const named = [...shown.matchAll(/`((?:src|test)\/[^`>]+\.test\.ts)(?: > ([^`]+))?`/g)];
  if (named.length === 0 && !/does not apply: \w|cannot be mended: /.test(shown)) {
    return `${id}: neither a test nor a reason`;
  }
  for (const [, path = "", title] of named) {
    if (!existsSync(join(root, path))) return `${id}: no ${path}`;
    const text = readFileSync(join(root, path), "utf8");
    if (title === undefined) return `${id}: ${path} alone, without a title`;
    if (!isIn(text, title)) return `${id}: ${path} has no "${title}"`;
  }
  return undefined;
}

/** As a string of its own, or as the rest of a template that begins with what varies. */
function isIn(text: string, title: string): boolean {
  const rest = ["`", "} ", "}: ", ": ", ", "].map((before) => `${before}${title}\``);
  return [`"${title}"`, ...rest].some((quoted) => text.includes(quoted));
}

const rows = rowsOf(page);

describe("docs/THREATS.md", () => {
  test("every line of its tables is read, each row once, and every row that source or tests name", () => {
    expect(rows.length).toBe(page.split("\n").filter((line) => /^\| [TGR]-/.test(line)).length);
    const ids = rows.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const files = filesOf(["src", "test", "benchmarks"], [".ts"]);
    const named = files.flatMap(({ text }) => text.match(/\b[TG]-[0-9]{2}\b/g) ?? []);
    expect([...new Set(named)].filter((id) => !ids.includes(id))).toEqual([]);
  });

  test("what a row is shown by exists, or it says why not", () => {
    expect(rows.flatMap((row) => faultOf(row) ?? [])).toEqual([]);
  });

  test("each attack and class has a scenario of the storm, or says why it has none; none has both", () => {
    const listed =
      page.slice(page.indexOf("## Rows without a storm")).match(/\b[TG]-\d\d\b/g) ?? [];
    // That of the example.
    const without = listed.filter((id) => id !== "G-09");
    const stormed = new Set(scenarios.flatMap(({ threats }) => threats));
    const ids = rows.map(({ id }) => id).filter((id) => !id.startsWith("R-"));
    expect([...stormed, ...without].sort()).toEqual([...ids].sort());
  });

  test("caught: neither a test nor a reason, no such file, none or no such title", () => {
    const here = "test/house/threats.test.ts";
    const fault = (shown: string) => faultOf({ id: "row", shown });
    expect(fault("it is well known")).toBe("row: neither a test nor a reason");
    expect(fault("`test/house/gone.test.ts > x`")).toBe("row: no test/house/gone.test.ts");
    expect(fault(`\`${here}\``)).toBe(`row: ${here} alone, without a title`);
    expect(fault(`\`${here} > no ${"such"} title\``)).toContain("has no");
    expect(
      fault(`\`${here} > what a row is shown by exists, or it says why not\``),
    ).toBeUndefined();
  });
});
