// Which functions of the product a run of the hunt called: V8's own count, which Node writes where
// NODE_V8_COVERAGE says, beside the functions that there are in the source.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

type Called = {
  readonly functionName: string;
  readonly ranges: readonly { readonly startOffset: number; readonly count: number }[];
};
type Written = {
  readonly result: readonly { readonly url: string; readonly functions: readonly Called[] }[];
};

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** By file, as the tree has it: each name of a function, and of each that has it whether it was called. */
export function calledIn(directory: string): Map<string, Map<string, boolean[]>> {
  const files = new Map<string, Map<string, boolean[]>>();
  for (const name of readdirSync(directory)) {
    const { result } = JSON.parse(readFileSync(join(directory, name), "utf8")) as Written;
    for (const { url, functions } of result) {
      if (!url.startsWith("file:")) continue;
      const path = fileURLToPath(url);
      if (!path.startsWith(join(root, "src/"))) continue;
      files.set(path.slice(root.length), byName(functions));
    }
  }
  return files;
}

/** Of one name in the order of the text, which taking the types away does not change. */
function byName(functions: readonly Called[]): Map<string, boolean[]> {
  const at = ({ ranges }: Called) => ranges[0]?.startOffset ?? 0;
  const found = new Map<string, boolean[]>();
  for (const { functionName, ranges } of [...functions].sort((a, b) => at(a) - at(b))) {
    const known = found.get(functionName) ?? [];
    found.set(functionName, known);
    known.push((ranges[0]?.count ?? 0) > 0);
  }
  return found;
}

/** A function of a file: what a reader calls it, what V8 does, and the how many-th of that name it is. */
export type Declared = { readonly name: string; readonly v8: string; readonly nth: number };

/** Functions and members of classes at the top of a file, constructors among them; none inside others. */
export function declaredIn(file: string): Declared[] {
  const text = readFileSync(join(root, file), "utf8");
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022);
  const found: Declared[] = [];
  const counts = new Map<string, number>();
  const add = (name: string, v8: string) => {
    const nth = counts.get(v8) ?? 0;
    counts.set(v8, nth + 1);
    found.push({ name, v8, nth });
  };
  for (const statement of source.statements) {
    if (ts.isFunctionDeclaration(statement) && statement.body !== undefined) {
      const name = statement.name?.text ?? "default";
      add(name, name);
    }
    if (ts.isClassDeclaration(statement)) members(statement, add);
    if (!ts.isVariableStatement(statement)) continue;
    for (const { name, initializer } of statement.declarationList.declarations) {
      if (initializer === undefined || !ts.isIdentifier(name)) continue;
      if (!ts.isArrowFunction(initializer) && !ts.isFunctionExpression(initializer)) continue;
      add(name.text, name.text);
    }
  }
  return found;
}

function members(of: ts.ClassDeclaration, add: (name: string, v8: string) => void): void {
  const owner = of.name?.text ?? "";
  for (const member of of.members) {
    if (ts.isConstructorDeclaration(member)) {
      if (member.body !== undefined) add(`new ${owner}`, owner);
      continue;
    }
    if (!ts.isMethodDeclaration(member) && !ts.isAccessor(member)) continue;
    if (member.body === undefined) continue;
    const name = nameOf(member.name);
    const before = ts.isGetAccessor(member) ? "get " : ts.isSetAccessor(member) ? "set " : "";
    add(`${before}${owner}.${name}`, `${before}${name}`);
  }
}

/** `[Symbol.dispose]` as V8 says it. */
function nameOf(name: ts.PropertyName): string {
  if (ts.isIdentifier(name) || ts.isPrivateIdentifier(name)) return name.text;
  if (!ts.isComputedPropertyName(name)) return name.getText();
  const { expression } = name;
  if (!ts.isPropertyAccessExpression(expression)) return "";
  return `[Symbol.${expression.name.text}]`;
}
