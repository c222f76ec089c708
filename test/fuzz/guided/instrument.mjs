// Module hooks of run.mjs: TypeScript as it is, types taken away; what is under test counts on its way
// which branch was taken: __edge(N), N being the branch's own number in a table of 65,536; of five digits,
// so that a file's text is as long whenever it is read.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { javascript } from "../../../benchmarks/typescript.mjs";

const root = new URL("../../../", import.meta.url).href;
/** Rooms whose branches count; and the maze, which shows that counting leads somewhere. */
const COUNTED = /^(src\/(base|wire|core|plane|client)\/|test\/fuzz\/guided\/maze\.ts)/;
const EDGES = 65_536;
const FIRST = 10_000;
let next = 0;

export function resolve(specifier, context, proceed) {
  const parent = context.parentURL ?? "";
  if (!specifier.startsWith(".") || !parent.startsWith(root)) return proceed(specifier, context);
  const url = new URL(specifier, parent).href.replace(/\.js$/, ".ts");
  if (!url.endsWith(".ts") || !existsSync(fileURLToPath(url))) return proceed(specifier, context);
  return { url, shortCircuit: true };
}

export async function load(url, context, proceed) {
  if (!url.endsWith(".ts")) return proceed(url, context);
  const counted = COUNTED.test(url.slice(root.length));
  return javascript(url, counted ? { before: [count] } : {});
}

function count(context) {
  const { factory: f } = context;
  const edge = () =>
    f.createCallExpression(f.createIdentifier("__edge"), undefined, [
      f.createNumericLiteral(FIRST + (next++ % (EDGES - FIRST))),
    ]);
  const statement = () => f.createExpressionStatement(edge());
  const within = (node) =>
    ts.isBlock(node)
      ? f.updateBlock(node, [statement(), ...node.statements])
      : f.createBlock([statement(), node], true);
  const valued = (node) => f.createParenthesizedExpression(f.createComma(edge(), node));
  const visit = (node) => {
    const seen = ts.visitEachChild(node, visit, context);
    if (ts.isIfStatement(seen)) {
      const otherwise = seen.elseStatement === undefined ? f.createBlock([]) : seen.elseStatement;
      return f.updateIfStatement(seen, seen.expression, within(seen.thenStatement), within(otherwise));
    }
    if (ts.isCaseClause(seen)) {
      return f.updateCaseClause(seen, seen.expression, [statement(), ...seen.statements]);
    }
    if (ts.isDefaultClause(seen)) return f.updateDefaultClause(seen, [statement(), ...seen.statements]);
    if (ts.isConditionalExpression(seen)) {
      return f.updateConditionalExpression(
        seen,
        seen.condition,
        seen.questionToken,
        valued(seen.whenTrue),
        seen.colonToken,
        valued(seen.whenFalse),
      );
    }
    if (ts.isForStatement(seen)) {
      const { initializer, condition, incrementor, statement: body } = seen;
      return f.updateForStatement(seen, initializer, condition, incrementor, within(body));
    }
    if (ts.isWhileStatement(seen)) return f.updateWhileStatement(seen, seen.expression, within(seen.statement));
    if (ts.isForOfStatement(seen)) {
      const { awaitModifier, initializer, expression, statement: body } = seen;
      return f.updateForOfStatement(seen, awaitModifier, initializer, expression, within(body));
    }
    if (ts.isBinaryExpression(seen) && isShort(seen.operatorToken.kind)) {
      return f.updateBinaryExpression(seen, seen.left, seen.operatorToken, valued(seen.right));
    }
    if (ts.isMethodDeclaration(seen) && seen.body !== undefined) {
      const { modifiers, asteriskToken, name, questionToken, typeParameters, parameters, type } = seen;
      const rest = [questionToken, typeParameters, parameters, type, within(seen.body)];
      return f.updateMethodDeclaration(seen, modifiers, asteriskToken, name, ...rest);
    }
    if (ts.isFunctionDeclaration(seen) && seen.body !== undefined) {
      const { modifiers, asteriskToken, name, typeParameters, parameters, type } = seen;
      const rest = [typeParameters, parameters, type, within(seen.body)];
      return f.updateFunctionDeclaration(seen, modifiers, asteriskToken, name, ...rest);
    }
    return seen;
  };
  return (file) => ts.visitNode(file, visit);
}

function isShort(kind) {
  const { AmpersandAmpersandToken, BarBarToken, QuestionQuestionToken } = ts.SyntaxKind;
  return kind === AmpersandAmpersandToken || kind === BarBarToken || kind === QuestionQuestionToken;
}
