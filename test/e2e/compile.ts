// A program of the tests as plain JavaScript, for a process of its own: what it imports from src/ comes
// from dist/, as `npm run build` made it.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import ts from "typescript";

const dist = pathToFileURL(join(import.meta.dirname, "../../dist"));

/** Writes `test/e2e/NAME.ts` as NAME.mjs into `directory`; its path. */
export function compileProgram(name: string, directory: string): string {
  const source = readFileSync(join(import.meta.dirname, `${name}.ts`), "utf8");
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: {
      module: ts.ModuleKind.ES2022,
      target: ts.ScriptTarget.ES2022,
      verbatimModuleSyntax: true,
    },
  });
  const path = join(directory, `${name}.mjs`);
  writeFileSync(path, outputText.replaceAll(`"../../src/`, `"${dist}/`));
  return path;
}
