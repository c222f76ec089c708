// The configuration file changed field by field, as a form does it: which keys may be, what each expects,
// and the file's text with some of them changed and its comments kept.
import { isCollection, isMap, isNode, parseDocument, stringify, visit } from "yaml";
import * as z from "zod";
import type { ConfigField } from "../../console/config-contract.js";
import { core, layers } from "./explain.js";
import { fieldHelp } from "./fields.js";
import type { Problem } from "./problems.js";
import { classify } from "./reload.js";
import { configSchema, type Settings } from "./schema.js";
import { type ConfigSource, parseSource } from "./source.js";

/**
 * What a console's administrator may change from afar. Left out is what would make him more than that: which
 * programs are run and as whom (hooks, user), where files lie (state), and who may come to the console.
 */
const editableSections = [
  ...(["announce", "defaultProfile", "addresses", "client", "network", "gre", "calls"] as const),
  ...(["users", "guard", "accounting", "log", "limits"] as const),
] as const;

type Leaf = { readonly path: readonly string[]; readonly schema: z.core.$ZodType };

function* leavesOf(schema: z.core.$ZodType, path: readonly string[]): IterableIterator<Leaf> {
  const inner = core(schema);
  if (!(inner instanceof z.ZodObject)) {
    yield { path, schema };
    return;
  }
  for (const [name, below] of Object.entries(inner.shape)) yield* leavesOf(below, [...path, name]);
}

const leaves: ReadonlyMap<string, Leaf> = new Map(
  editableSections
    .flatMap((section) => [...leavesOf(configSchema.shape[section], [section])])
    .map((leaf) => [leaf.path.join("."), leaf]),
);

/** Every field, in the file's order, with the value that is in force; `source`: what the file says. */
export function editableFields(
  settings: Settings,
  source: ConfigSource | undefined,
): ConfigField[] {
  return [...leaves].map(([key, { path, schema }]) => ({
    key,
    ...shapeOf(schema),
    text: shownAs(valueAt(settings, path)),
    byDefault: source?.has(path) !== true,
    ...classify(key),
  }));
}

export type Edited =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** `text`, of the file called `file`, with the changes in it. Whether the values are right is not asked here. */
export function editedText(
  text: string,
  file: string,
  changes: readonly { readonly key: string; readonly text: string }[],
): Edited {
  const parsed = parseSource(text, file);
  if (!parsed.ok) return parsed;
  const { document } = parsed.source;
  const problems: Problem[] = [];
  // What an alias stands for is another key's: a change here would empty the one or break the other.
  if (hasAliases(document)) {
    const [message, remedy] = ["the file uses aliases (*name)", "change it there by hand"];
    return { ok: false, problems: [{ file, line: 0, key: "", found: "", message, remedy }] };
  }
  for (const { key, text: given } of changes) {
    const leaf = leaves.get(key);
    const wrong = (message: string, remedy: string) =>
      problems.push({ file, line: 0, key, found: "", message, remedy });
    if (leaf === undefined) {
      wrong("cannot be changed from here", "change it in the file, then: holdfast reload");
      continue;
    }
    if (given.trim() === "") {
      if (document.hasIn(leaf.path)) document.deleteIn(leaf.path);
      continue;
    }
    const read = readValue(leaf.schema, given);
    if (read === undefined) {
      wrong(
        `expected ${helpOf(leaf.schema).expected}`,
        `write for example ${helpOf(leaf.schema).example}`,
      );
      continue;
    }
    makeRoom(document, leaf.path);
    const node = document.createNode(read.value, { flow: true });
    const before = document.getIn(leaf.path, true);
    if (isNode(before)) {
      node.comment = before.comment ?? null;
      node.commentBefore = before.commentBefore ?? null;
    }
    document.setIn(leaf.path, node);
  }
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, text: document.toString({ lineWidth: 100, flowCollectionPadding: false }) };
}

function hasAliases(document: ConfigSource["document"]): boolean {
  let found = false;
  visit(document, {
    Alias: () => {
      found = true;
      return visit.BREAK;
    },
  });
  return found;
}

/** Sections that the file leaves out, or names without a key below, become sections. */
function makeRoom(document: ConfigSource["document"], path: readonly string[]): void {
  if (!isMap(document.contents)) document.contents = document.createNode({}) as never;
  for (let depth = 1; depth < path.length; depth++) {
    const section = path.slice(0, depth);
    const there = document.getIn(section, true);
    if (!isCollection(there)) document.setIn(section, document.createNode({}));
    else if (isMap(there) && there.items.length === 0) there.flow = false;
  }
}

/** Undefined: no YAML on one line. */
function readValue(
  schema: z.core.$ZodType,
  given: string,
): { readonly value: unknown } | undefined {
  const inner = core(schema);
  const text = given.trim();
  if (/[\r\n]/.test(text)) return undefined;
  if (inner instanceof z.ZodString) return { value: text.replace(/^"(.*)"$/, "$1") };
  // A list without its brackets, as people write one.
  const bare = takesList(inner) && text.includes(",") && !text.startsWith("[");
  const parsed = parseDocument(bare ? `[${text}]` : text, { prettyErrors: false });
  if (parsed.errors.length > 0) return undefined;
  try {
    const value = parsed.toJS({ maxAliasCount: 0 }) as unknown;
    const one = takesList(inner) && !Array.isArray(value) && !takesWord(inner, value);
    return { value: one ? [value] : value };
  } catch {
    return undefined;
  }
}

function takesList(schema: z.core.$ZodType): boolean {
  if (schema instanceof z.ZodUnion) return schema.options.map(core).some(takesList);
  return schema instanceof z.ZodArray;
}

/** `host` and `all` stand for lists. */
function takesWord(schema: z.core.$ZodType, value: unknown): boolean {
  if (!(schema instanceof z.ZodUnion)) return false;
  return schema.options.map(core).some((one) => one instanceof z.ZodLiteral && one.value === value);
}

function helpOf(schema: z.core.$ZodType): { readonly expected: string; readonly example: string } {
  for (const layer of layers(schema)) {
    const help = fieldHelp.get(layer);
    if (help !== undefined) return help;
  }
  return { expected: "a value", example: "" };
}

function shapeOf(
  schema: z.core.$ZodType,
): Pick<ConfigField, "kind" | "description" | "expected" | "example" | "choices" | "min" | "max"> {
  const inner = core(schema);
  const described = [...layers(schema)].map((layer) => z.globalRegistry.get(layer)?.description);
  const description = described.find((text) => text !== undefined) ?? "";
  const whole = { description, ...helpOf(schema), choices: [], min: null, max: null };
  if (inner instanceof z.ZodBoolean) return { ...whole, kind: "yes-no" };
  if (inner instanceof z.ZodEnum) {
    return { ...whole, kind: "choice", choices: inner.options.map(String) };
  }
  if (inner instanceof z.ZodNumber) {
    return { ...whole, kind: "number", min: inner.minValue, max: inner.maxValue };
  }
  return { ...whole, kind: "text" };
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (at, step) =>
      typeof at === "object" && at !== null ? (at as Record<string, unknown>)[step] : undefined,
    value,
  );
}

function shownAs(value: unknown): string {
  if (value === undefined || value === "") return "";
  const how = { collectionStyle: "flow", flowCollectionPadding: false, lineWidth: 0 } as const;
  return stringify(value, how).trim();
}
