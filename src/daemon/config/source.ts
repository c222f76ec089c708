// The YAML text and where each key stands in it. Positions survive into every message.
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from "yaml";
import { printable } from "../../base/printable.js";
import { formatPath, type Path, type Problem } from "./problems.js";

/** A configuration larger than this is no configuration. */
export const configOctetsMax = 1_048_576;

export class ConfigSource {
  constructor(
    readonly file: string,
    readonly document: Document,
    readonly lines: LineCounter,
  ) {}

  /** Line of a key, or of the nearest section above that is there. */
  lineOf(path: Path): number {
    for (let depth = path.length; depth > 0; depth--) {
      const offset = this.#offsetOf(path.slice(0, depth));
      if (offset !== undefined) return this.lines.linePos(offset).line;
    }
    return 1;
  }

  has(path: Path): boolean {
    const value = this.document.getIn(path, false);
    return value !== undefined && value !== null;
  }

  problem(path: Path, found: string, message: string, remedy: string): Problem {
    const { file } = this;
    return { file, line: this.lineOf(path), key: formatPath(path), found, message, remedy };
  }

  #offsetOf(path: Path): number | undefined {
    const parent = path.length === 1 ? this.document.contents : this.#nodeAt(path.slice(0, -1));
    const last = path[path.length - 1];
    if (isMap(parent)) {
      const pair = parent.items.find(({ key }) => isScalar(key) && key.value === last);
      if (pair !== undefined && isNode(pair.key)) return pair.key.range?.[0];
    }
    return this.#nodeAt(path)?.range?.[0];
  }

  #nodeAt(path: Path) {
    const node = this.document.getIn(path, true);
    return isNode(node) ? node : undefined;
  }
}

export type Parsed =
  | { readonly ok: true; readonly source: ConfigSource; readonly value: unknown }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export function parseSource(text: string, file: string): Parsed {
  const whole = { file, line: 0, key: "", found: "" };
  if (Buffer.byteLength(text) > configOctetsMax) {
    const message = `larger than ${configOctetsMax} octets`;
    return { ok: false, problems: [{ ...whole, message, remedy: "name the right file" }] };
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) {
    const problems = faults.slice(0, 20).map((fault) => ({
      ...whole,
      line: lines.linePos(fault.pos[0]).line,
      message: `not valid YAML: ${printable(fault.message, 200)}`,
      remedy: yamlRemedy(fault.code),
    }));
    return { ok: false, problems };
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const message = `not usable YAML: ${printable(why, 200)}`;
    return { ok: false, problems: [{ ...whole, message, remedy: "write it without aliases" }] };
  }
  return { ok: true, source: new ConfigSource(file, document, lines), value: withoutNulls(value) };
}

function yamlRemedy(code: string): string {
  if (code === "DUPLICATE_KEY") return "keep one of the two";
  if (code === "TAB_AS_INDENT") return "indent with spaces";
  if (code === "MULTIPLE_DOCS") return "keep one document in the file: remove the line '---'";
  return "check indentation, quotes and colons on this line and the one before";
}

/** A key whose value is left out, or all commented out, means its default. */
function withoutNulls(value: unknown): unknown {
  if (value === null || value === undefined) return {};
  if (typeof value !== "object" || Array.isArray(value)) return value;
  const kept: [string, unknown][] = [];
  for (const [key, inner] of Object.entries(value)) {
    if (inner === null) continue;
    kept.push([key, isPlain(inner) ? withoutNulls(inner) : inner]);
  }
  return Object.fromEntries(kept);
}

function isPlain(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
