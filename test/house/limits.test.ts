import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { limitBounds } from "../../src/daemon/config/limits.js";
import * as bulletin from "../../src/limits/bulletin.js";
import * as bench from "../../src/limits/storm.js";
import * as console from "../../src/limits/web.js";
import * as product from "../../src/limits.js";

import { filesOf, isTest, root } from "./tree.js";

type Named = Readonly<Record<string, number>>;
type Row = { readonly name: string; readonly value: number; readonly set: string };

/** `group.name` of every bound. */
function named(groups: Readonly<Record<string, Named>>): Named {
  return Object.fromEntries(
    Object.entries(groups).flatMap(([group, bounds]) =>
      Object.entries(bounds).map(([name, value]) => [`${group}.${name}`, value]),
    ),
  );
}

function rowsOf(page: string): Row[] {
  const row = /^\| `([a-z]\w*\.\w+)` \| (\d+)[^|]* \| [^|]*\w[^|]* \|([^|]*)\|$/gm;
  return [...page.matchAll(row)].map(([, name, value, set]) => ({
    name: name!,
    value: Number(value),
    set: set!.trim(),
  }));
}

/** Bounds that the page lacks, states with another value, or has although they are gone. */
function differences(bounds: Named, rows: readonly Row[]): string[] {
  const shown = new Map(rows.map(({ name, value }) => [name, value]));
  const wrong = Object.entries(bounds)
    .filter(([name, value]) => shown.get(name) !== value)
    .map(([name, value]) => `${name} is ${value}, the page says ${shown.get(name)}`);
  const gone = rows.filter(({ name }) => bounds[name] === undefined).map(({ name }) => name);
  return [...wrong, ...gone.map((name) => `${name} is no bound`)];
}

type Ranges = Readonly<Record<string, Readonly<Record<string, readonly [number, number, string]>>>>;

function settable(ranges: Ranges): Map<string, string> {
  return new Map(
    Object.entries(ranges).flatMap(([group, bounds]) =>
      Object.entries(bounds).map(([name, [min, max]]): [string, string] => [
        `${group}.${name}`,
        `${min}..${max}`,
      ]),
    ),
  );
}

/** Rows of the memory tables whose product is not what the page says. */
function miscounted(bounds: Named, page: string): string[] {
  const wrong: string[] = [];
  for (const [, formula, stated] of page.matchAll(/^\| [^|]+ \| `([^`]+)` \| (\d+) \|$/gm)) {
    const names = formula!.replace(/[a-z]\w*\.\w+/g, (name) => String(bounds[name] ?? "?"));
    const sum = names.replaceAll("×", "*");
    if (!/^[\d+*() ]+$/.test(sum)) wrong.push(`${formula}: unknown name`);
    else if (evaluate(sum) !== Number(stated)) wrong.push(`${formula} is ${evaluate(sum)}`);
  }
  return wrong;
}

/** Sums and products of whole numbers, with brackets. */
function evaluate(text: string): number {
  const inner = /\(([^()]*)\)/.exec(text);
  if (inner !== null) return evaluate(text.replace(inner[0], String(evaluate(inner[1]!))));
  return text
    .split("+")
    .map((product) => product.split("*").reduce((total, factor) => total * Number(factor), 1))
    .reduce((total, product) => total + product, 0);
}

function unused(bounds: Named, code: string): string[] {
  return Object.keys(bounds).filter((name) => {
    return !new RegExp(`\\b${name.split(".")[1]}\\b`).test(code);
  });
}

const page = readFileSync(join(root, "docs/LIMITS.md"), "utf8");
const bounds = named({ ...product, ...bench, ...console, ...bulletin });

describe("docs/LIMITS.md and src/limits.ts", () => {
  test("name the same bounds with the same values, and say what happens at each", () => {
    expect(Object.keys(bounds).length).toBeGreaterThan(80);
    expect(differences(bounds, rowsOf(page))).toEqual([]);
  });

  test("caught: a bound without a line, with another value, without a word, or gone", () => {
    const ours = { "a.octetsMax": 5, "a.ms": 7 };
    const line = (name: string, value: number, what = "closed") => {
      return `| \`${name}\` | ${value} ms | ${what} |  |\n`;
    };
    const good = line("a.octetsMax", 5) + line("a.ms", 7);
    expect(differences(ours, rowsOf(good))).toEqual([]);
    expect(differences(ours, rowsOf(line("a.ms", 7)))).toHaveLength(1);
    expect(differences(ours, rowsOf(good.replace("5", "6")))).toHaveLength(1);
    expect(differences(ours, rowsOf(good.replace("closed", " ")))).toHaveLength(1);
    expect(differences(ours, rowsOf(good + line("a.gone", 1)))).toEqual(["a.gone is no bound"]);
  });

  test("the ranges are those of the configuration", () => {
    const shown = new Map(rowsOf(page).map(({ name, set }) => [name, set]));
    const ranges = settable(limitBounds);
    const expected = Object.keys(bounds).map((name) => [name, ranges.get(name) ?? ""]);
    expect(Object.fromEntries(shown)).toEqual(Object.fromEntries(expected));
  });

  test("the memory sums are right", () => {
    expect(page.match(/^\| [^|]+ \| `[^`]+ × [^`]+` \| \d+ \|$/gm)?.length).toBeGreaterThan(5);
    expect(miscounted(bounds, page)).toEqual([]);
    const [, server] = page.split("What the server may hold");
    const parts = [...server!.matchAll(/^\| [^|*]+ \| `[^`]+` \| (\d+) \|$/gm)];
    const sum = parts.reduce((total, [, octets]) => total + Number(octets), 0);
    expect(server).toContain(`| **sum** | | ${sum} |`);
  });

  test("caught: a wrong product, an unknown name", () => {
    const ours = { "a.max": 3, "a.octets": 4 };
    expect(miscounted(ours, "| x | `a.max × (a.octets + 2)` | 18 |")).toEqual([]);
    expect(miscounted(ours, "| x | `a.max × a.octets` | 13 |")).toHaveLength(1);
    expect(miscounted(ours, "| x | `a.max × a.gone` | 12 |")).toHaveLength(1);
  });

  test("every bound is enforced somewhere", () => {
    const product = filesOf(["src"], [".ts"]).filter(
      (file) =>
        !isTest(file) && !/^src\/(limits|limits\/\w+|daemon\/config\/limits)\.ts$/.test(file.path),
    );
    expect(unused(bounds, product.map(({ text }) => text).join("\n"))).toEqual([]);
  });

  test("caught: a bound that nothing reads", () => {
    expect(unused({ "a.octetsMax": 1, "a.ms": 2 }, "limits.octetsMax")).toEqual(["a.ms"]);
  });
});
