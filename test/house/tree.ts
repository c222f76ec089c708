// The source tree as the house rules see it.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** `path` is relative to the repository's root, with slashes. */
export type SourceFile = { readonly path: string; readonly text: string };

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** Every file below `folders` (those that exist) whose name ends in one of `endings`, sorted. */
export function filesOf(folders: readonly string[], endings: readonly string[]): SourceFile[] {
  const found: SourceFile[] = [];
  for (const folder of folders) {
    let names: string[];
    try {
      names = readdirSync(join(root, folder), { recursive: true, encoding: "utf8" });
    } catch {
      continue;
    }
    for (const name of names) {
      const path = join(root, folder, name);
      if (path.includes("node_modules") || !endings.some((ending) => path.endsWith(ending)))
        continue;
      if (!statSync(path).isFile()) continue;
      found.push({ path: relative(root, path), text: readFileSync(path, "utf8") });
    }
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

export function isTest({ path }: SourceFile): boolean {
  return path.endsWith(".test.ts");
}

/** The room a file of src is in: its first folder, `limits` for src/limits.ts, else undefined. */
export function roomOf(path: string): string | undefined {
  return /^src\/([a-z]+)(?:\/|\.ts$)/.exec(path)?.[1];
}
