// What every benchmark leaves behind: JSON for machines, Markdown for readers, each with the machine,
// the commit and the command that made it.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, type as system, totalmem } from "node:os";
import { join } from "node:path";

export const root = join(import.meta.dirname, "..");

export type Machine = {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  /** One minute's, when the benchmark began: of others, mostly. */
  readonly load: number;
};

export type Made = {
  readonly benchmark: string;
  readonly command: string;
  readonly commit: string;
  readonly at: string;
  readonly machine: Machine;
};

/** A bar of the project's own: what was to be reached, and what was. */
export type Reach = {
  readonly what: string;
  readonly bar: string;
  readonly found: string;
  readonly reached: boolean;
};

export type Table = {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly notes?: readonly string[];
};

function git(...words: string[]): string {
  try {
    return execFileSync("git", words, { cwd: root, encoding: "utf8" }).trim();
  } catch {
    return "";
  }
}

/** Taken at the begin: a commit that comes while it runs is not the one that was measured. */
export function made(benchmark: string): Made {
  const changed = git(
    "status",
    "--porcelain",
    "--untracked-files=no",
    "--",
    "src",
    "benchmarks",
    "test/lab",
  );
  const words = process.argv
    .slice(2)
    .map((word) => (/^[\w./,=-]+$/.test(word) ? word : `'${word}'`));
  return {
    benchmark,
    command: [`npm run bench:${benchmark}`, ...(words.length > 0 ? ["--", ...words] : [])].join(
      " ",
    ),
    commit: `${git("rev-parse", "--short=12", "HEAD")}${changed === "" ? "" : " with changes"}`,
    at: new Date().toISOString(),
    machine: {
      processor: cpus()[0]?.model.trim() ?? "unknown",
      cores: cpus().length,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      // Without the builder's own suffix.
      kernel: `${system()} ${release().split("-")[0]}`,
      node: process.version,
      load: Math.round((loadavg()[0] ?? 0) * 10) / 10,
    },
  };
}

export function machineLine({ machine, commit, at }: Made): string {
  const { processor, cores, memoryGiB, kernel, node, load } = machine;
  const day = at.slice(0, 16).replace("T", " ");
  return `${cores} × ${processor}, ${memoryGiB} GiB, ${kernel}, Node ${node}; load ${load} at the begin; commit ${commit}; ${day} UTC`;
}

export function markdownTable({ columns, rows }: Pick<Table, "columns" | "rows">): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(columns), line(columns.map(() => "---")), ...rows.map(line)].join("\n");
}

/** One benchmark's part of a page. */
export function markdown(from: Made, tables: readonly Table[], reach: readonly Reach[]): string {
  const parts = [`    ${from.command}`, machineLine(from)];
  if (reach.length > 0) {
    const rows = reach.map(({ what, bar, found, reached }) => [
      what,
      bar,
      found,
      reached ? "yes" : "**no**",
    ]);
    parts.push(markdownTable({ columns: ["to reach", "bar", "found", "reached"], rows }));
  }
  for (const table of tables) {
    parts.push(`**${table.title}**`, markdownTable(table), ...(table.notes ?? []));
  }
  return `${parts.join("\n\n")}\n`;
}

export type Results<Data> = {
  readonly made: Made;
  readonly reach: readonly Reach[];
  readonly tables: readonly Table[];
  readonly data: Data;
};

/** Prints them; kept as benchmarks/results/NAME.json and NAME.md unless they only show that it works. */
export function report<Data>(name: string, results: Results<Data>, keep: boolean): void {
  const text = markdown(results.made, results.tables, results.reach);
  process.stdout.write(`\n${text}`);
  if (!keep) return;
  const directory = join(root, "benchmarks", "results");
  mkdirSync(directory, { recursive: true });
  const path = join(directory, name);
  writeFileSync(`${path}.json`, `${JSON.stringify(results, undefined, 1)}\n`);
  writeFileSync(`${path}.md`, `# ${results.made.benchmark}\n\n${text}`);
}

export function readResults<Data>(name: string): Results<Data> | undefined {
  try {
    const path = join(root, "benchmarks", "results", `${name}.json`);
    return JSON.parse(readFileSync(path, "utf8")) as Results<Data>;
  } catch {
    return undefined;
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle] ?? Number.NaN;
  return ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

/** Three significant digits, no exponent. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const digits = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(3, digits));
}

/** `median (least to most)`. */
export function spread(values: readonly number[]): string {
  if (values.length === 0) return "–";
  if (values.length === 1) return figure(values[0]!);
  return `${figure(median(values))} (${figure(Math.min(...values))} to ${figure(Math.max(...values))})`;
}

/** To standard error, so that what is asked for can be piped. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
