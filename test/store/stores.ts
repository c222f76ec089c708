// Stores for tests: a directory of their own, and the store's thread compiled from the sources as
// they are now, so that no test runs an earlier build.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import ts from "typescript";
import { afterAll, expect } from "vitest";
import type { Answer, OpenFailure, Store } from "../../src/store/port.js";
import { openStore, type SqliteStoreTerms } from "../../src/store/sqlite-store.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return path.endsWith(".ts") && !path.endsWith(".test.ts") ? [path] : [];
  });
}

function compile(): string {
  const out = mkdtempSync(join(tmpdir(), "holdfast-store-"));
  const options = {
    module: ts.ModuleKind.ESNext,
    target: ts.ScriptTarget.ES2022,
    verbatimModuleSyntax: true,
  };
  const rooms = ["base", "crypto", "limits", "store"].map((room) => join(root, "src", room));
  for (const path of [...rooms.flatMap(sources), join(root, "src/limits.ts")]) {
    const to = join(out, path.slice(root.length).replace(/\.ts$/, ".js"));
    mkdirSync(dirname(to), { recursive: true });
    const { outputText } = ts.transpileModule(readFileSync(path, "utf8"), {
      compilerOptions: options,
    });
    writeFileSync(to, outputText);
  }
  writeFileSync(join(out, "package.json"), '{"type":"module"}');
  execFileSync("ln", ["-s", join(root, "node_modules"), join(out, "node_modules")]);
  return out;
}

let compiled: string | undefined;
const folders: string[] = [];

/** The folder that holds `src/`, compiled once a test file. */
export function compiledSources(): string {
  compiled ??= compile();
  return compiled;
}

afterAll(() => {
  if (compiled !== undefined) rmSync(compiled, { recursive: true });
  compiled = undefined;
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

export function threadModule(): URL {
  return pathToFileURL(join(compiledSources(), "src/store/sqlite-thread.js"));
}

export type Place = Required<Pick<SqliteStoreTerms, "databasePath" | "keyPath">> & {
  readonly folder: string;
};

/** A state directory that is removed after the test file. */
export function place(): Place {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-place-"));
  mkdirSync(join(folder, "db"));
  folders.push(folder);
  return {
    folder,
    databasePath: join(folder, "db/holdfast.db"),
    keyPath: join(folder, "keys/key"),
  };
}

/** Accounting does not gather, unless asked to: tests wait for every record. */
export async function opened(terms: SqliteStoreTerms): Promise<Store> {
  const result = await openStore({ thread: threadModule(), gatherMs: 0, ...terms });
  if (!result.ok) throw new Error(`${result.reason}: ${result.message}`);
  return result.store;
}

export async function notOpened(terms: SqliteStoreTerms): Promise<OpenFailure> {
  const result = await openStore({ thread: threadModule(), ...terms });
  if (!result.ok) return result;
  await result.store.close();
  throw new Error("it was opened");
}

export async function value<T>(answer: Promise<Answer<T>>): Promise<T> {
  const got = await answer;
  expect(got).toMatchObject({ ok: true });
  if (!got.ok) throw new Error(got.message);
  return got.value;
}

/** The reason of a refusal, or the kind of a trouble. */
export async function why(answer: Promise<Answer<unknown>>): Promise<string> {
  const got = await answer;
  if (got.ok) return "ok";
  return got.reason === "trouble" ? got.what : got.reason;
}
