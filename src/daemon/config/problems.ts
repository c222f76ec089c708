// A fault of a configuration file as its reader needs it: the line, the key, what was found, what
// was expected, and the remedy.
import { printable } from "../../base/printable.js";

export type Path = readonly (string | number)[];

export type Problem = {
  readonly file: string;
  /** From 1; 0 when the fault is the file itself. */
  readonly line: number;
  /** `listen.port`, `profiles[2].from[0]`; empty for the whole file. */
  readonly key: string;
  /** Shown value, already safe for a terminal. */
  readonly found: string;
  readonly message: string;
  readonly remedy: string;
};

export function formatPath(path: Path): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else text += text === "" ? printable(step) : `.${printable(step)}`;
  }
  return text;
}

export function showValue(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value) && value.length > 4) return `a list of ${value.length}`;
  return printable(JSON.stringify(value) ?? String(value), 80);
}

/** `holdfast.yaml:12: listen.port: expected …; found …. Remedy: ….` */
export function formatProblem({ file, line, key, found, message, remedy }: Problem): string {
  const place = line > 0 ? `${file}:${line}` : file;
  const named = key === "" ? "" : `${key}: `;
  const shown = found === "" ? "" : `; found ${found}`;
  return `${place}: ${named}${message}${shown}. Remedy: ${remedy}.`;
}
