// Tables and values as a terminal shows them. Everything a peer or a user chose goes through
// printable() here: the one place where it becomes text on a screen.
import { printable } from "../base/printable.js";
import type { Io } from "./io.js";

export type Column<Row> = {
  readonly title: string;
  readonly value: (row: Row) => string | number | null;
  readonly align?: "left" | "right";
  /** May be cut, down to so many characters, when the line is too long. */
  readonly least?: number;
};

const gap = "  ";
const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** Columns a text takes on a terminal. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) {
    if (/\p{M}/u.test(character)) continue;
    width += wide.test(character) ? 2 : 1;
  }
  return width;
}

function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = "";
  let used = 0;
  for (const character of text) {
    const more = widthOf(character);
    if (used + more > width - 1) break;
    kept += character;
    used += more;
  }
  return `${kept}…`;
}

/** One line a row; no line is longer than `columns` while there is something left to cut. */
export function table<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  lineWidth: number | undefined,
): string {
  const cells = rows.map((row) => columns.map(({ value }) => cell(value(row))));
  const titles = columns.map(({ title }) => title);
  const widths = columns.map((_column, at) =>
    [titles, ...cells].reduce((most, line) => Math.max(most, widthOf(line[at] ?? "")), 0),
  );
  if (lineWidth !== undefined) shrink(widths, columns, lineWidth);
  const line = (texts: readonly string[]) => {
    const parts = columns.map(({ align }, at) => {
      const width = widths[at] ?? 0;
      const text = cut(texts[at] ?? "", width);
      const space = " ".repeat(width - widthOf(text));
      return align === "right" ? space + text : text + space;
    });
    return parts.join(gap).trimEnd();
  };
  return `${[titles, ...cells].map(line).join("\n")}\n`;
}

function cell(value: string | number | null): string {
  return value === null ? "-" : printable(String(value), 256);
}

/** The widest column that may be cut gives first. */
function shrink<Row>(widths: number[], columns: readonly Column<Row>[], lineWidth: number): void {
  const total = () => widths.reduce((sum, width) => sum + width, gap.length * (widths.length - 1));
  for (let over = total() - lineWidth; over > 0; over--) {
    let widest = -1;
    columns.forEach(({ least }, at) => {
      const width = widths[at] ?? 0;
      if (least === undefined || width <= least) return;
      if (widest < 0 || width > (widths[widest] ?? 0)) widest = at;
    });
    if (widest < 0) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
}

/** Names and values, one a line; a list takes a line each. */
export function pairs(
  values: readonly (readonly [name: string, value: string | number | null | readonly string[]])[],
): string {
  const width = Math.max(...values.map(([name]) => name.length));
  const lines = values.flatMap(([name, value]) => {
    const list = Array.isArray(value) ? (value as readonly string[]) : [cell(value as string)];
    const texts = list.length === 0 ? ["-"] : list.map((text) => printable(text, 512));
    const shown = Array.isArray(value) ? texts : list;
    return shown.map((text, at) => `${(at === 0 ? name : "").padEnd(width)}${gap}${text}`);
  });
  return `${lines.join("\n")}\n`;
}

/** JSON that is safe on a terminal too: what is invisible is escaped, as JSON allows. */
export function json(value: unknown): string {
  const escaped = (character: string) => {
    let text = "";
    for (let at = 0; at < character.length; at++) {
      text += `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`;
    }
    return text;
  };
  const text = JSON.stringify(value, undefined, 2);
  return `${text.replaceAll(/[^\P{C}\n]|[\p{Zl}\p{Zp}]/gu, escaped)}\n`;
}

export function printJson(io: Io, value: unknown): void {
  io.out(json(value));
}

const units = ["", "k", "M", "G", "T", "P"];

/** `0`, `999`, `1.5k`, `23M`: octets in steps of 1000. */
export function octets(count: number): string {
  let [value, unit] = [count, 0];
  while (value >= 999.5 && unit < units.length - 1) [value, unit] = [value / 1000, unit + 1];
  const digits = unit === 0 || value >= 9.95 ? 0 : 1;
  return `${value.toFixed(digits)}${units[unit]}`;
}

/** `12s`, `5m 3s`, `2h 5m`, `3d 4h`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m ${seconds % 60}s`;
  if (seconds < 86_400)
    return `${Math.floor(seconds / 3_600)}h ${Math.floor((seconds % 3_600) / 60)}m`;
  return `${Math.floor(seconds / 86_400)}d ${Math.floor((seconds % 86_400) / 3_600)}h`;
}

/** `1 account`, `2 accounts`. */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

/** ISO 8601 in UTC, without milliseconds. */
export function moment(unixMs: number | null): string | null {
  return unixMs === null ? null : `${new Date(unixMs).toISOString().slice(0, 19)}Z`;
}
