// What the schema found wrong, said with line, key, value and remedy; an unknown key gets the name
// that was probably meant.
import * as z from "zod";
import { type FieldHelp, fieldHelp } from "./fields.js";
import { formatPath, type Path, type Problem, showValue } from "./problems.js";
import { configSchema } from "./schema.js";
import type { ConfigSource } from "./source.js";

export function explainIssues(
  error: z.ZodError,
  value: unknown,
  source: ConfigSource,
  root: z.core.$ZodType = configSchema,
): Problem[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.filter((step) => typeof step !== "symbol");
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => unknownKey(path, key, source, root));
    }
    return [explainIssue(path, issue, valueAt(value, path), source, root)];
  });
}

function unknownKey(
  section: Path,
  key: string,
  source: ConfigSource,
  root: z.core.$ZodType,
): Problem {
  const known = keysAt(root, section);
  const meant = closest(key, known) ?? elsewhere(root, key, section);
  const place = section.length === 0 ? "at the top" : `under ${formatPath(section)}`;
  const remedy =
    meant === undefined
      ? `remove it; known ${place}: ${known.join(", ")}`
      : `did you mean ${meant}? Else remove it`;
  return source.problem([...section, key], "", `unknown key ${place}`, remedy);
}

function explainIssue(
  path: Path,
  issue: z.core.$ZodIssue,
  found: unknown,
  source: ConfigSource,
  root: z.core.$ZodType,
): Problem {
  const help = helpAt(root, path);
  if (help !== undefined) {
    const name = path.findLast((step) => typeof step === "string") ?? "";
    const inList = typeof path[path.length - 1] === "number";
    const remedy = inList
      ? `write for example - ${help.example}`
      : `write for example ${name}: ${help.example}`;
    return source.problem(path, showValue(found), `expected ${help.expected}`, remedy);
  }
  const known = keysAt(root, path);
  if (known.length > 0) {
    const remedy = `indent its keys below it: ${known.join(", ")}`;
    return source.problem(path, showValue(found), "expected a section with keys", remedy);
  }
  return source.problem(path, showValue(found), issue.message, "see holdfast config schema");
}

function valueAt(value: unknown, path: Path): unknown {
  let at = value;
  for (const step of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, step)) return undefined;
    at = (at as Record<string | number, unknown>)[step];
  }
  return at;
}

/** Every schema a key passes through: defaults and optionals wrap the one that has the help. */
export function* layers(schema: z.core.$ZodType): IterableIterator<z.core.$ZodType> {
  let at: z.core.$ZodType | undefined = schema;
  while (at !== undefined) {
    yield at;
    at = wrapped(at);
  }
}

function wrapped(schema: z.core.$ZodType): z.core.$ZodType | undefined {
  if (schema instanceof z.ZodDefault) return schema.def.innerType;
  if (schema instanceof z.ZodOptional) return schema.def.innerType;
  return schema instanceof z.ZodPrefault ? schema.def.innerType : undefined;
}

export function core(schema: z.core.$ZodType): z.core.$ZodType {
  let last = schema;
  for (const layer of layers(schema)) last = layer;
  return last;
}

function schemaAt(root: z.core.$ZodType, path: Path): z.core.$ZodType | undefined {
  let at: z.core.$ZodType | undefined = root;
  for (const step of path) {
    let inner: z.core.$ZodType = core(at);
    if (inner instanceof z.ZodUnion) {
      inner = inner.options.map(core).find((option) => option instanceof z.ZodArray) ?? inner;
    }
    if (inner instanceof z.ZodObject && typeof step === "string") at = inner.shape[step];
    else if (inner instanceof z.ZodArray && typeof step === "number") at = inner.element;
    else return undefined;
    if (at === undefined) return undefined;
  }
  return at;
}

function helpAt(root: z.core.$ZodType, path: Path): FieldHelp | undefined {
  const schema = schemaAt(root, path);
  if (schema === undefined) return undefined;
  for (const layer of layers(schema)) {
    const help = fieldHelp.get(layer);
    if (help !== undefined) return help;
  }
  return undefined;
}

function keysAt(root: z.core.$ZodType, path: Path): string[] {
  const schema = schemaAt(root, path);
  const inner = schema === undefined ? undefined : core(schema);
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}

/** The same word in another section: `pool` at the top belongs to `addresses`. */
function elsewhere(root: z.core.$ZodType, key: string, section: Path): string | undefined {
  const sections: Path[] = [[], ...keysAt(root, []).map((name) => [name])];
  const others = sections.filter((other) => formatPath(other) !== formatPath(section));
  const names = others.flatMap((other) =>
    keysAt(root, other).map((name) => ({ name, path: formatPath([...other, name]) })),
  );
  const best = closest(
    key,
    names.map(({ name }) => name),
    2,
  );
  return names.find(({ name }) => name === best)?.path;
}

function closest(key: string, known: readonly string[], below = 3): string | undefined {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[-_ ]/g, "");
  let best: string | undefined;
  let bestDistance = Math.min(below, Math.ceil(key.length / 3) + 1);
  for (const name of known) {
    const apart = distance(plain(key), plain(name));
    if (apart < bestDistance) [best, bestDistance] = [name, apart];
  }
  return best;
}

/** Levenshtein; both words are cut, so that a key of a megabyte costs nothing. */
export function distance(a: string, b: string): number {
  const [from, to] = [a.slice(0, 40), b.slice(0, 40)];
  let row = Array.from({ length: to.length + 1 }, (_, j) => j);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1] ? 0 : 1;
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + same));
    }
    row = next;
  }
  return row[to.length]!;
}
