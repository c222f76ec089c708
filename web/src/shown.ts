// How numbers, times and names are shown. Whatever a user or a peer chose goes through `name`, which
// is the product's own printable(): nothing turns the line around or hides in it.
import { inert, printable } from "../../src/base/printable.js";
import type { Language } from "./settings.js";

export function name(text: string | null, most = 64): string {
  return text === null || text === "" ? "–" : printable(text, most);
}

/** What the server escaped already: once more, and every backslash in it would be doubled. */
export function escaped(text: string, most: number): string {
  return inert(text, most);
}

const steps = ["", "k", "M", "G", "T", "P"];

/** In steps of 1000: `0`, `999`, `1.5k`, `23M`. */
export function amount(count: number): string {
  let [value, step] = [count, 0];
  while (value >= 999.5 && step < steps.length - 1) [value, step] = [value / 1000, step + 1];
  const digits = step === 0 ? (Number.isInteger(value) ? 0 : 1) : value >= 9.95 ? 0 : 1;
  return `${value.toFixed(digits)}${steps[step]}`;
}

export function octets(count: number): string {
  return `${amount(count)}B`;
}

export function bits(perSecond: number): string {
  return `${amount(perSecond)}bit/s`;
}

export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (value: number) => String(value).padStart(2, "0");
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}:${two(seconds % 60)}`;
  const hours = Math.floor(seconds / 3_600);
  if (hours < 48) return `${hours}:${two(Math.floor((seconds % 3_600) / 60))}:${two(seconds % 60)}`;
  return `${Math.floor(hours / 24)}d ${hours % 24}h`;
}

export function moment(unixMs: number | null, language: Language): string {
  if (unixMs === null) return "–";
  const how = { dateStyle: "medium", timeStyle: "medium" } as const;
  return new Intl.DateTimeFormat(language, how).format(unixMs);
}
