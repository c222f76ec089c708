// Module hooks of run.mjs: TypeScript of benchmarks/ and test/ is read as it is, types taken away;
// what they import of src/ is the built file.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const root = new URL("../", import.meta.url).href;

export function resolve(specifier, context, next) {
  const parent = context.parentURL ?? "";
  if (!specifier.startsWith(".") || !parent.endsWith(".ts")) return next(specifier, context);
  const url = new URL(specifier, parent).href;
  const built = url.startsWith(`${root}src/`) ? url.replace(`${root}src/`, `${root}dist/`) : undefined;
  return { url: built ?? url.replace(/\.js$/, ".ts"), shortCircuit: true };
}

export async function load(url, context, next) {
  return url.endsWith(".ts") ? javascript(url) : next(url, context);
}

/** What load() answers for a file of TypeScript; `transformers` as the compiler takes them. */
export async function javascript(url, transformers = {}) {
  const fileName = fileURLToPath(url);
  const { outputText } = ts.transpileModule(await readFile(fileName, "utf8"), {
    fileName,
    transformers,
    compilerOptions: {
      module: ts.ModuleKind.ES2022,
      target: ts.ScriptTarget.ES2022,
      verbatimModuleSyntax: true,
      inlineSourceMap: true,
    },
  });
  return { format: "module", source: outputText, shortCircuit: true };
}
