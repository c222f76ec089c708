// Every decoder and every machine is hunted by some target: what the corpora alone call, by V8's count.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { calledIn, type Declared, declaredIn, isCalled } from "./guided/reached.js";
import { UNREACHED } from "./unreached.js";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** By file; of each function whether it was called. */
const functions = new Map<string, readonly (Declared & { readonly called: boolean })[]>();

beforeAll(async () => {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-reached-"));
  try {
    const own = /^(VITEST|NODE_ENV|TEST$|NODE_V8_COVERAGE)/;
    const kept = Object.entries(process.env).filter(([name]) => !own.test(name));
    const env = { ...Object.fromEntries(kept), NODE_V8_COVERAGE: directory };
    const words = ["test/fuzz/guided/run.mjs", "--seconds", "0"];
    execFileSync(process.execPath, words, { cwd: root, env, stdio: "pipe" });
    const called = calledIn(directory);
    for (const file of ["src/wire", ...MACHINES].flatMap(filesIn)) {
      const declared = await declaredIn(file);
      const told = called.get(file);
      functions.set(
        file,
        declared.map((one) => ({ ...one, called: isCalled(one, told) })),
      );
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}, 240_000);

function filesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((name) => name.endsWith(".ts") && !/\.(test|d)\.ts$/.test(name))
    .filter((name) => statSync(join(root, name)).isFile())
    .sort();
}

/** Functions that a file gives to others, by name. */
function exported(file: string): string[] {
  const text = readFileSync(join(root, file), "utf8");
  return [...text.matchAll(/^export (?:async )?function\*? (\w+)/gm)].map(([, name = ""]) => name);
}

/** Of the wire: what reads a peer's octets. */
const READS = /^(decode|read|is|find|may|cut)[A-Z]/;
/** Where the machines are. */
const MACHINES = ["src/core", "src/plane", "src/client/tcp", "src/client/proxy"];

/** What is listed, `*` being all of a file. */
function listed(): string[] {
  return UNREACHED.flatMap((group) =>
    Object.entries(group.functions).flatMap(([file, names]) => {
      const all = functions.get(file)!.map(({ name }) => name);
      return (names === "*" ? all : names.split(", ")).map((name) => `${file} ${name}`);
    }),
  ).sort();
}

const uncalled = (file: string) => functions.get(file)!.filter(({ called }) => !called);

describe("reached by the corpora", () => {
  test("a function is known by its place: of a class that never was V8 tells nothing", () => {
    const two = [0, 20].map((start) => ({ name: "", v8: "handle", start, end: start + 9 }));
    const told = [{ functionName: "handle", ranges: [{ startOffset: 22, count: 1 }] }];
    expect(two.map((one) => isCalled(one, told))).toEqual([false, true]);
  });

  test("whatever in src/wire reads octets", () => {
    const unread = filesIn("src/wire").flatMap((file) => {
      const reads = new Set(exported(file).filter((name) => READS.test(name)));
      return uncalled(file).flatMap(({ name }) => (reads.has(name) ? [`${file} ${name}`] : []));
    });
    expect(unread).toEqual([]);
  });

  test("every function of the machines, but those that are listed with a reason", () => {
    const unreached = MACHINES.flatMap(filesIn).flatMap((file) =>
      uncalled(file).map(({ name }) => `${file} ${name}`),
    );
    expect(unreached.sort()).toEqual(listed());
  });
});
