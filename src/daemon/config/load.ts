// Reads a configuration whole: YAML, schema, addresses, checks. Either everything is right, or
// nothing of it is used.
import { readFileSync } from "node:fs";
import { checkConfig } from "./checks.js";
import { explainIssues } from "./explain.js";
import { formatProblem, type Problem } from "./problems.js";
import { type Config, resolveSettings } from "./resolve.js";
import { configSchema } from "./schema.js";
import { type ConfigSource, parseSource } from "./source.js";

export type Loaded =
  | {
      readonly ok: true;
      readonly config: Config;
      /** Where each key stands: what the file says and what is default. */
      readonly source: ConfigSource;
      /** Works, but perhaps not as meant. */
      readonly warnings: readonly Problem[];
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** `file` is what messages call it. */
export function loadConfig(text: string, file: string): Loaded {
  const parsed = parseSource(text, file);
  if (!parsed.ok) return parsed;
  const { source, value } = parsed;
  const shaped = configSchema.safeParse(value);
  if (!shaped.success) return refused(explainIssues(shaped.error, value, source));
  const { config, problems: unread } = resolveSettings(shaped.data, source);
  const { problems, warnings } = checkConfig(config, source);
  if (unread.length + problems.length > 0) return refused([...unread, ...problems]);
  return { ok: true, config, source, warnings };
}

/** A file that cannot be read is a problem like any other. */
export function readConfigFile(path: string): Loaded {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    const whole = { file: path, line: 0, key: "", found: "" };
    return { ok: false, problems: [{ ...whole, ...unreadable(error) }] };
  }
  return loadConfig(text, path);
}

/** For one message: every problem on its own line, at most `most` of them. */
export function formatProblems(problems: readonly Problem[], most = 20): string {
  const lines = problems.slice(0, most).map(formatProblem);
  if (problems.length > most) lines.push(`… and ${problems.length - most} more`);
  return lines.join("\n");
}

function refused(problems: readonly Problem[]): Loaded {
  return { ok: false, problems: [...problems].sort((a, b) => a.line - b.line) };
}

function unreadable(error: unknown): { message: string; remedy: string } {
  const code = error instanceof Error && "code" in error ? error.code : "";
  if (code === "ENOENT") {
    return { message: "there is no such file", remedy: "name it with --config" };
  }
  if (code === "EACCES") {
    return {
      message: "it may not be read",
      remedy: "give its reader the right to, or run as root",
    };
  }
  if (code === "EISDIR") {
    return { message: "it is a directory", remedy: "name the file in it" };
  }
  if (error instanceof TypeError) {
    return { message: "it is not UTF-8 text", remedy: "save it as UTF-8" };
  }
  return { message: `it cannot be read (${code || String(error)})`, remedy: "see the message" };
}
