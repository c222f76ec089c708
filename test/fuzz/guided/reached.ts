// Which functions of the product a run of the hunt called: V8's own count, which Node writes where
// NODE_V8_COVERAGE says, beside the functions that there are in the text that it ran.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import ts from "typescript";

type Called = {
  readonly functionName: string;
  readonly ranges: readonly { readonly startOffset: number; readonly count: number }[];
};
type Written = {
  readonly result: readonly { readonly url: string; readonly functions: readonly Called[] }[];
};

const root = fileURLToPath(new URL("../../../", import.meta.url));

const instrument = new URL("./instrument.mjs", import.meta.url).href;
const { load } = (await import(/* @vite-ignore */ instrument)) as {
  load(url: string): Promise<{ readonly source: string }>;
};

/** By file, as the tree has it. */
export function calledIn(directory: string): Map<string, readonly Called[]> {
  const files = new Map<string, readonly Called[]>();
  for (const name of readdirSync(directory)) {
    const { result } = JSON.parse(readFileSync(join(directory, name), "utf8")) as Written;
    for (const { url, functions } of result) {
      if (!url.startsWith("file:")) continue;
      const path = fileURLToPath(url);
      if (path.startsWith(join(root, "src/"))) files.set(path.slice(root.length), functions);
    }
  }
  return files;
}

/** A function of a file: what a reader calls it, what V8 does, and where it is in the text that was run. */
export type Declared = {
  readonly name: string;
  readonly v8: string;
  readonly start: number;
  readonly end: number;
};

/** By its place: of a class that never was V8 tells nothing, so a name alone may be another's. */
export function isCalled({ v8, start, end }: Declared, all: readonly Called[] = []): boolean {
  const at = ({ ranges }: Called) => ranges[0]?.startOffset ?? -1;
  const found = all.filter((one) => one.functionName === v8 && at(one) >= start && at(one) < end);
  // One within it may have its name.
  const [first] = found.sort((a, b) => at(a) - at(b));
  return (first?.ranges[0]?.count ?? 0) > 0;
}

type Add = (name: string, v8: string, node: ts.Node) => void;

/** Functions and members of classes at the top of a file, constructors among them; none inside others. */
export async function declaredIn(file: string): Promise<Declared[]> {
  const { source: text } = await load(pathToFileURL(join(root, file)).href);
  const source = ts.createSourceFile(`${file}.js`, text, ts.ScriptTarget.ES2022);
  const found: Declared[] = [];
  const add: Add = (name, v8, node) => {
    found.push({ name, v8, start: node.getStart(source), end: node.end });
  };
  for (const statement of source.statements) {
    if (ts.isFunctionDeclaration(statement) && statement.body !== undefined) {
      const name = statement.name?.text ?? "default";
      add(name, name, statement);
    }
    if (ts.isClassDeclaration(statement)) members(statement, add);
    if (!ts.isVariableStatement(statement)) continue;
    for (const { name, initializer } of statement.declarationList.declarations) {
      if (initializer === undefined || !ts.isIdentifier(name)) continue;
      if (!ts.isArrowFunction(initializer) && !ts.isFunctionExpression(initializer)) continue;
      add(name.text, name.text, initializer);
    }
  }
  return found;
}

function members(of: ts.ClassDeclaration, add: Add): void {
  const owner = of.name?.text ?? "";
  for (const member of of.members) {
    if (ts.isConstructorDeclaration(member)) {
      if (member.body !== undefined) add(`new ${owner}`, owner, member);
      continue;
    }
    if (!ts.isMethodDeclaration(member) && !ts.isAccessor(member)) continue;
    if (member.body === undefined) continue;
    const name = nameOf(member.name);
    const before = ts.isGetAccessor(member) ? "get " : ts.isSetAccessor(member) ? "set " : "";
    add(`${before}${owner}.${name}`, `${before}${name}`, member);
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
