// Which functions of the product a run of the hunt called: V8's own count, which Node writes where NODE_V8_COVERAGE says.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

type Called = {
  readonly functionName: string;
  readonly ranges: readonly { readonly count: number }[];
};
type Written = {
  readonly result: readonly { readonly url: string; readonly functions: readonly Called[] }[];
};

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** By file, as the tree has it: each named function, and whether it was called. */
export function calledIn(directory: string): Map<string, Map<string, boolean>> {
  const files = new Map<string, Map<string, boolean>>();
  for (const name of readdirSync(directory)) {
    const { result } = JSON.parse(readFileSync(join(directory, name), "utf8")) as Written;
    for (const { url, functions } of result) {
      if (!url.startsWith("file:")) continue;
      const path = fileURLToPath(url);
      if (!path.startsWith(join(root, "src/"))) continue;
      const file = path.slice(root.length);
      const known = files.get(file) ?? new Map<string, boolean>();
      files.set(file, known);
      for (const { functionName, ranges } of functions) {
        if (functionName === "") continue;
        const called = (ranges[0]?.count ?? 0) > 0;
        known.set(functionName, (known.get(functionName) ?? false) || called);
      }
    }
  }
  return files;
}
