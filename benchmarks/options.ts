// Command lines of the benchmarks: lists, numbers and flags, each refused with what it may be.
import { parseArgs } from "node:util";

type Kind =
  | { readonly kind: "list"; readonly of: readonly string[]; readonly byDefault: readonly string[] }
  | {
      readonly kind: "number";
      readonly least: number;
      readonly most: number;
      readonly byDefault: number;
    }
  | {
      readonly kind: "numbers";
      readonly least: number;
      readonly most: number;
      readonly byDefault: readonly number[];
    }
  | { readonly kind: "flag" };
export type Known = Readonly<Record<string, Kind & { readonly help: string }>>;

type Value<K extends Kind> = K extends { kind: "list" }
  ? string[]
  : K extends { kind: "number" }
    ? number
    : K extends { kind: "numbers" }
      ? number[]
      : boolean;
export type Options<Table extends Known> = { readonly [Name in keyof Table]: Value<Table[Name]> };

function usage(known: Known): string {
  const lines = Object.entries(known).map(([name, option]) => {
    const value =
      option.kind === "flag" ? "" : option.kind === "list" ? ` ${option.of.join(",")}` : " N";
    const byDefault = "byDefault" in option ? ` (${[option.byDefault].flat().join(",")})` : "";
    return `  --${name}${value}\n      ${option.help}${byDefault}`;
  });
  return `options:\n${lines.join("\n")}\n`;
}

/** Ends the process with 2 and what is allowed when something is not. */
export function options<const Table extends Known>(known: Table): Options<Table> {
  const refuse = (why: string): never => {
    process.stderr.write(`${why}\n${usage(known)}`);
    process.exit(2);
  };
  const parse = () => {
    const table = Object.entries(known).map(([name, { kind }]) => [
      name,
      { type: kind === "flag" ? ("boolean" as const) : ("string" as const) },
    ]);
    try {
      return parseArgs({ options: { ...Object.fromEntries(table), help: { type: "boolean" } } })
        .values;
    } catch (error) {
      return refuse(error instanceof Error ? error.message : String(error));
    }
  };
  const given: Record<string, unknown> = parse();
  if (given.help === true) {
    process.stdout.write(usage(known));
    process.exit(0);
  }
  const number = (name: string, text: string, least: number, most: number): number => {
    const value = /^[0-9]+(\.[0-9]+)?$/.test(text) ? Number(text) : Number.NaN;
    return value >= least && value <= most
      ? value
      : refuse(`--${name} ${text}: a number from ${least} to ${most}`);
  };
  const read = (name: string, option: Kind): unknown => {
    const text = given[name];
    if (option.kind === "flag") return text === true;
    if (typeof text !== "string") return option.byDefault;
    if (option.kind === "number") return number(name, text, option.least, option.most);
    const words = text.split(",");
    if (option.kind === "numbers") {
      return words.map((word) => number(name, word, option.least, option.most));
    }
    const wrong = words.find((word) => !option.of.includes(word));
    return wrong === undefined
      ? words
      : refuse(`--${name}: no "${wrong}": ${option.of.join(", ")}`);
  };
  return Object.fromEntries(
    Object.entries(known).map(([name, option]) => [name, read(name, option)]),
  ) as Options<Table>;
}
