// Every decoder and every machine is hunted by some target: what the corpora alone call, by V8's count.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { calledIn, declaredIn } from "./guided/reached.js";
import { UNREACHED } from "./unreached.js";

const root = fileURLToPath(new URL("../../", import.meta.url));

let called: Map<string, Map<string, boolean[]>>;

const isCalled = (file: string, v8: string, nth = 0) => called.get(file)?.get(v8)?.[nth] === true;

beforeAll(() => {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-reached-"));
  try {
    const own = /^(VITEST|NODE_ENV|TEST$|NODE_V8_COVERAGE)/;
    const kept = Object.entries(process.env).filter(([name]) => !own.test(name));
    const env = { ...Object.fromEntries(kept), NODE_V8_COVERAGE: directory };
    const words = ["test/fuzz/guided/run.mjs", "--seconds", "0"];
    execFileSync(process.execPath, words, { cwd: root, env, stdio: "pipe" });
    called = calledIn(directory);
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
  return UNREACHED.flatMap(({ functions }) =>
    Object.entries(functions).flatMap(([file, names]) => {
      const all = declaredIn(file).map(({ name }) => name);
      return (names === "*" ? all : names.split(", ")).map((name) => `${file} ${name}`);
    }),
  ).sort();
}

describe("reached by the corpora", () => {
  test("whatever in src/wire reads octets", () => {
    const unread = filesIn("src/wire").flatMap((file) => {
      const reads = exported(file).filter((name) => READS.test(name));
      return reads.filter((name) => !isCalled(file, name)).map((name) => `${file} ${name}`);
    });
    expect(unread).toEqual([]);
  });

  test("every function of the machines, but those that are listed with a reason", () => {
    const unreached = MACHINES.flatMap(filesIn).flatMap((file) =>
      declaredIn(file)
        .filter(({ v8, nth }) => !isCalled(file, v8, nth))
        .map(({ name }) => `${file} ${name}`),
    );
    expect(unreached.sort()).toEqual(listed());
  });
});
