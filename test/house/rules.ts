// The house rules that a machine can check, each a function from a file to its offences.
import ts from "typescript";
import { MAY_IMPORT, PURE_MODULES, PURE_ROOMS } from "./rooms.js";
import { isTest, roomOf, type SourceFile } from "./tree.js";

export type Rule = (file: SourceFile) => string[];

const LINES_MAX = 500;
const BANNED_GLOBALS = new Set([
  "Date",
  "performance",
  "process",
  "console",
  "crypto",
  "globalThis",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "queueMicrotask",
  "fetch",
  "Promise",
]);

function parse({ path, text }: SourceFile): ts.SourceFile {
  return ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true, ts.ScriptKind.TS);
}

function everyNode(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => everyNode(child, visit));
}

function at(node: ts.Node, what: string): string {
  const source = node.getSourceFile();
  const { line } = source.getLineAndCharacterOfPosition(node.getStart());
  return `${source.fileName}:${line + 1}: ${what}`;
}

type Imported = { readonly node: ts.Node; readonly from: string; readonly typesOnly: boolean };

function onlyTypes(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const { name, namedBindings } = clause;
  if (name !== undefined || namedBindings === undefined) return false;
  return ts.isNamedImports(namedBindings) && namedBindings.elements.every((one) => one.isTypeOnly);
}

/** Static imports, re-exports, `import()`, `import("x").T` and `require`. */
function importsOf(source: ts.SourceFile): Imported[] {
  const found: Imported[] = [];
  const add = (node: ts.Node, specifier: ts.Node | undefined, typesOnly: boolean) => {
    if (specifier !== undefined && ts.isStringLiteralLike(specifier)) {
      found.push({ node, from: specifier.text, typesOnly });
    }
  };
  everyNode(source, (node) => {
    if (ts.isImportDeclaration(node)) {
      add(node, node.moduleSpecifier, onlyTypes(node.importClause));
    } else if (ts.isExportDeclaration(node)) {
      add(node, node.moduleSpecifier, node.isTypeOnly);
    } else if (ts.isImportTypeNode(node)) {
      add(node, ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined, true);
    } else if (ts.isCallExpression(node)) {
      const dynamic = node.expression.kind === ts.SyntaxKind.ImportKeyword;
      const required = ts.isIdentifier(node.expression) && node.expression.text === "require";
      if (dynamic || required) add(node, node.arguments[0], false);
    }
  });
  return found;
}

/** The path below the repository's root that a relative import of `path` means. */
function resolved(path: string, from: string): string {
  return new URL(from, `file:///${path}`).pathname.slice(1);
}

export const importsPointDown: Rule = (file) => {
  const room = roomOf(file.path);
  if (room === undefined) return [];
  const allowed = MAY_IMPORT[room];
  if (allowed === undefined) return [`${file.path}: src/${room} is no room of the house`];
  const offences: string[] = [];
  for (const { node, from, typesOnly } of importsOf(parse(file))) {
    if (!from.startsWith(".")) {
      const pure = PURE_ROOMS.includes(room) && !isTest(file);
      if (pure && !(PURE_MODULES[room] ?? []).includes(from)) {
        offences.push(at(node, `${room} imports ${from}`));
      }
      continue;
    }
    const target = resolved(file.path, from);
    const other = roomOf(target.replace(/\.js$/, ".ts"));
    if (other === room || (isTest(file) && target.startsWith("test/"))) continue;
    const fits =
      other !== undefined &&
      (allowed.includes(other) || (typesOnly && allowed.includes(`${other}:types`)));
    if (!fits) offences.push(at(node, `${room} imports ${other ?? target}`));
  }
  return offences;
};

/** Whether an identifier names a variable, not a property, a label, a declaration's own name … */
function isReference(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isQualifiedName(parent)) return parent.left === node;
  if (ts.isBindingElement(parent)) return parent.propertyName !== node;
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node;
  return !(
    ts.isPropertySignature(parent) ||
    ts.isPropertyDeclaration(parent) ||
    ts.isMethodDeclaration(parent) ||
    ts.isMethodSignature(parent) ||
    ts.isGetAccessor(parent) ||
    ts.isImportSpecifier(parent) ||
    ts.isLiteralTypeNode(parent)
  );
}

export const pureRoomsStayPure: Rule = (file) => {
  const room = roomOf(file.path);
  if (room === undefined || !PURE_ROOMS.includes(room) || isTest(file)) return [];
  const offences: string[] = [];
  everyNode(parse(file), (node) => {
    if (ts.isIdentifier(node) && BANNED_GLOBALS.has(node.text) && isReference(node)) {
      offences.push(at(node, `${node.text} in a pure room`));
    } else if (ts.isPropertyAccessExpression(node) && node.getText() === "Math.random") {
      offences.push(at(node, "Math.random in a pure room"));
    } else if (node.kind === ts.SyntaxKind.AsyncKeyword) {
      offences.push(at(node, "async in a pure room"));
    } else if (node.kind === ts.SyntaxKind.AwaitExpression) {
      offences.push(at(node, "await in a pure room"));
    }
  });
  return offences;
};

export const filesAreShort: Rule = ({ path, text }) => {
  const lines = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
  return lines > LINES_MAX ? [`${path}: ${lines} lines, at most ${LINES_MAX}`] : [];
};

export const typesAreHonest: Rule = (file) => {
  const offences: string[] = [];
  everyNode(parse(file), (node) => {
    if (node.kind === ts.SyntaxKind.AnyKeyword) offences.push(at(node, "any"));
    if (ts.isEnumDeclaration(node)) offences.push(at(node, "enum"));
  });
  return offences;
};

function calledName(node: ts.CallExpression): string {
  const { expression } = node;
  return ts.isCallExpression(expression) ? calledName(expression) : expression.getText();
}

/** A test left out without a word is no test: what a machine lacks goes through test/peers.ts. */
export const noTestIsLeftOut: Rule = (file) => {
  if (!file.path.endsWith(".ts")) return [];
  const offences: string[] = [];
  everyNode(parse(file), (node) => {
    if (!ts.isCallExpression(node) || ts.isCallExpression(node.parent)) return;
    const name = calledName(node);
    const left =
      /^(test|it|describe|suite|fc|bench)\b.*\.(skip|only|todo|fails|skipIf)$/.test(name) ||
      /^(xit|xtest|xdescribe|fit|fdescribe)$/.test(name) ||
      /^(ctx|context|task)\.skip$/.test(name);
    if (left) offences.push(at(node, name));
  });
  return offences;
};

// Put together here, or this file would offend against itself.
const UNFINISHED = new RegExp(
  `\\b(${["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"].join("|")})\\b`,
);
const WORKPLACE = new RegExp(["/wo" + "rk/(?!s\\b)", "\\.\\./sha" + "red\\b"].join("|"));

export const nothingIsUnfinished: Rule = ({ path, text }) => {
  const offences: string[] = [];
  text.split("\n").forEach((line, index) => {
    const found = UNFINISHED.exec(line) ?? WORKPLACE.exec(line);
    if (found !== null) offences.push(`${path}:${index + 1}: ${found[0]}`);
  });
  return offences;
};
