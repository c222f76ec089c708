import { describe, expect, test } from "vitest";
import { MAY_IMPORT } from "./rooms.js";
import {
  filesAreShort,
  importsPointDown,
  noTestIsLeftOut,
  nothingIsUnfinished,
  pureRoomsStayPure,
  type Rule,
  typesAreHonest,
} from "./rules.js";
import { filesOf, type SourceFile } from "./tree.js";

const code = filesOf(["src", "test", "benchmarks"], [".ts", ".js", ".mjs", ".cjs"]);
const typed = code.filter(({ path }) => path.endsWith(".ts"));
const texts = [...code, ...filesOf(["docs", "packaging"], [""])].filter(
  ({ path }) =>
    /\.(ts|js|mjs|md|service|sh|yaml|yml|json)$/.test(path) && !path.endsWith("vectors.json"),
);
const source = (path: string, text: string): SourceFile => ({ path, text });

type Case = readonly [what: string, path: string, text: string];

/** The tree is clean, each bad sample is caught, and each good one is left alone. */
function holds(
  rule: Rule,
  over: readonly SourceFile[],
  bad: readonly Case[],
  good: readonly Case[],
) {
  test("the tree", () => {
    expect(over.length).toBeGreaterThan(50);
    expect(over.flatMap(rule)).toEqual([]);
  });

  test.each(bad)("caught: %s", (_, path, text) => {
    expect(rule(source(path, text))).toHaveLength(1);
  });

  test.each(good)("left alone: %s", (_, path, text) => {
    expect(rule(source(path, text))).toEqual([]);
  });
}

describe("imports point down", () => {
  holds(
    importsPointDown,
    typed.filter(({ path }) => path.startsWith("src/")),
    [
      ["core to daemon", "src/core/a.ts", 'import { x } from "../daemon/x.js";'],
      ["core to plane", "src/core/ppp/a.ts", 'import { x } from "../../plane/x.js";'],
      ["a type upward", "src/plane/a.ts", 'import type { X } from "../core/x.js";'],
      ["a type written in place", "src/plane/a.ts", 'let x: import("../core/x.js").X;'],
      ["a re-export", "src/wire/a.ts", 'export { x } from "../core/x.js";'],
      ["import()", "src/os/a.ts", 'const x = import("../plane/x.js");'],
      ["require", "src/os/a.ts", 'const x = require("../plane/x.js");'],
      ["base to node:", "src/base/a.ts", 'import { x } from "node:fs";'],
      ["core to node:", "src/core/a.ts", 'import { x } from "node:crypto";'],
      ["crypto to another node:", "src/crypto/a.ts", 'import { x } from "node:fs";'],
      ["a package in a pure room", "src/plane/a.ts", 'import koffi from "koffi";'],
      ["wire to limits", "src/wire/a.ts", 'import { x } from "../limits.js";'],
      ["limits to core", "src/limits.ts", 'import { x } from "./core/x.js";'],
      ["store to a value of core", "src/store/a.ts", 'import { type A, x } from "../core/x.js";'],
      ["storm to core", "src/storm/a.ts", 'import type { X } from "../core/x.js";'],
      ["client to store", "src/client/a.ts", 'import { x } from "../store/x.js";'],
      ["console to a value of daemon", "src/console/a.ts", 'import { x } from "../daemon/x.js";'],
      ["daemon to cli", "src/daemon/admin/a.ts", 'import { x } from "../../cli/x.js";'],
      ["product to test", "src/core/a.ts", 'import { x } from "../../test/x.js";'],
      ["a test upward", "src/plane/a.test.ts", 'import { x } from "../core/x.js";'],
      ["a room nobody planned", "src/utils/a.ts", ""],
    ],
    [
      ["down", "src/core/ppp/a.ts", 'import { x } from "../../base/x.js";'],
      ["to limits", "src/plane/a.ts", 'import { x } from "../limits.js";'],
      ["within the room", "src/plane/a.ts", 'import { x } from "./x.js";'],
      ["crypto to node:crypto", "src/crypto/a.ts", 'import { x } from "node:crypto";'],
      ["store to types of core", "src/store/a.ts", 'import type { X } from "../core/x.js";'],
      ["store, each a type", "src/store/a.ts", 'import { type X } from "../core/x.js";'],
      ["os to a package", "src/os/a.ts", 'import koffi from "koffi";'],
      ["a test to its tools", "src/core/a.test.ts", 'import { x } from "vitest";'],
      ["a test to vectors", "src/wire/a.test.ts", 'import { x } from "../../test/vectors/v.js";'],
      ["a word in a string", "src/core/a.ts", "const x = 'import y from \"../daemon/x.js\"';"],
    ],
  );

  test("the table has no cycle and names only rooms", () => {
    const depth = (room: string, above: readonly string[]): number => {
      expect(above).not.toContain(room);
      const below = (MAY_IMPORT[room] ?? []).filter((other) => !other.endsWith(":types"));
      return 1 + Math.max(0, ...below.map((other) => depth(other, [...above, room])));
    };
    for (const room of Object.keys(MAY_IMPORT)) expect(depth(room, [])).toBeGreaterThan(0);
    const named = Object.values(MAY_IMPORT).flat();
    const rooms = named.map((name) => name.replace(":types", ""));
    expect(rooms.filter((room) => MAY_IMPORT[room] === undefined)).toEqual([]);
  });
});

describe("pure rooms stay pure", () => {
  const bad: Case[] = [
    ["a clock", "src/core/a.ts", "const now = Date.now();"],
    ["a clock object", "src/core/a.ts", "const now = new Date();"],
    ["another clock", "src/plane/a.ts", "const now = performance.now();"],
    ["chance", "src/core/a.ts", "const x = Math.random();"],
    ["chance of the web", "src/core/a.ts", "crypto.getRandomValues(x);"],
    ["a timer", "src/core/a.ts", "setTimeout(f, 1);"],
    ["an interval", "src/core/a.ts", "setInterval(f, 1);"],
    ["an immediate", "src/wire/a.ts", "setImmediate(f);"],
    ["the process", "src/base/a.ts", "if (process.env.X) f();"],
    ["output", "src/crypto/a.ts", "console.log(1);"],
    ["a promise's type", "src/core/a.ts", "let x: Promise<number>;"],
    ["a promise", "src/core/a.ts", "Promise.resolve(1);"],
    ["async", "src/core/a.ts", "async function f() {}"],
    ["await", "src/core/a.ts", "await f();"],
    ["a global by shorthand", "src/core/a.ts", "f({ process });"],
    ["the back door", "src/limits.ts", 'globalThis["Da" + "te"].now();'],
  ];
  const good: Case[] = [
    ["a property", "src/core/a.ts", "x.process = y.Date; const { console: z } = y;"],
    ["a key", "src/core/a.ts", "const x = { process: 1 }; type X = { Date: string };"],
    ["a word in text", "src/core/a.ts", '// await Promise, Date.now()\nconst x = "setTimeout";'],
    ["Math without chance", "src/core/a.ts", "Math.min(1, 2);"],
    ["a test", "src/core/a.test.ts", "await f(Date.now());"],
    ["the daemon", "src/daemon/a.ts", "setTimeout(() => console.log(Date.now()), 1);"],
  ];
  holds(
    pureRoomsStayPure,
    typed.filter(({ path }) => path.startsWith("src/")),
    bad,
    good,
  );
});

describe("files are short", () => {
  holds(
    filesAreShort,
    code,
    [["501 lines", "src/core/a.ts", "x\n".repeat(501)]],
    [["500 lines", "src/core/a.ts", "x\n".repeat(500)]],
  );
});

describe("types are honest", () => {
  holds(
    typesAreHonest,
    typed,
    [
      ["any", "src/core/a.ts", "let x: any;"],
      ["any within", "test/a.ts", "let x: Map<string, any>;"],
      ["as any", "benchmarks/a.ts", "f(x as any);"],
      ["enum", "src/core/a.ts", "enum X { A }"],
      ["const enum", "src/core/a.ts", "export const enum X { A }"],
    ],
    [["the words", "src/core/a.ts", '// any enum\nconst any = "enum any"; x.any();']],
  );
});

describe("no test is left out in silence", () => {
  holds(
    noTestIsLeftOut,
    typed,
    [
      ["skip", "src/a.test.ts", 'test.skip("x", () => {});'],
      ["only", "src/a.test.ts", 'describe.only("x", () => {});'],
      ["todo", "src/a.test.ts", 'it.todo("x");'],
      ["fails", "src/a.test.ts", 'test.fails("x", () => {});'],
      ["skipIf", "src/a.test.ts", 'test.skipIf(x)("x", () => {});'],
      ["each, then only", "src/a.test.ts", 'test.concurrent.only("x", () => {});'],
      ["an x before it", "src/a.test.ts", 'xit("x", () => {});'],
      ["from within", "src/a.test.ts", 'test("x", (context) => context.skip());'],
    ],
    [
      ["runIf", "test/a.test.ts", 'describe.runIf(needPeer(["x"], ["x"]))("x", () => {});'],
      ["a method of the product", "src/core/a.ts", "reader.skip(4); options.only(3);"],
      ["the word", "src/a.test.ts", 'test("skip and only", () => {});'],
    ],
  );
});

describe("nothing is unfinished, or of one workplace", () => {
  holds(
    nothingIsUnfinished,
    texts,
    [
      ["a promise to oneself", "src/a.ts", `// ${"TO"}DO: later`],
      ["a worry", "src/a.ts", `f(); // ${"FIX"}ME`],
      ["a path of one machine", "docs/A.md", `see ${"/wo"}rk/main`],
    ],
    [["a word with it inside", "src/a.ts", `const mastodon = 'TODOS /workers ${"/wo"}rk/s';`]],
  );
});
