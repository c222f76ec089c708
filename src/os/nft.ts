// One nftables table of ours, replaced as a whole in one transaction; never another's.
import { temporaryFile } from "./durable-file.js";
import { isOsError, type OsError, osError } from "./errors.js";
import { withNetAdminOnly } from "./privileges.js";
import { errnoOfText, findProgram, type ProgramResult, runProgram } from "./programs.js";

/** What nft said of a ruleset. `line` and `column` count from 1 in the text it was given. */
export type NftProblem = {
  readonly line: number;
  readonly column: number;
  readonly message: string;
  /** Of the kernel's refusal; EINVAL for a syntax error. ENOENT on a known-good text: no module. */
  readonly errno: string;
};

/** The first problem in nft's error output; undefined when it has none of its form. */
export function nftProblem(stderr: string): NftProblem | undefined {
  const match = /^[^\n]*?:([0-9]+):([0-9]+)-[0-9]+: Error: ([^\n]*)/m.exec(stderr);
  if (match === null) return undefined;
  const [, line, column, message = ""] = match;
  return { line: Number(line), column: Number(column), message, errno: errnoOfText(message) };
}

export type NftTableOptions = {
  /** Part of the table's name: letters, digits, `-`, `_`. */
  readonly instance: string;
  /** Random, kept in the state directory: says whose table of that name it is. */
  readonly instanceId: string;
  /** A directory of ours, 0700, for the file nft reads. */
  readonly runtimeDirectory: string;
};

export class NftTable {
  readonly name: string;

  constructor(readonly options: NftTableOptions) {
    this.name = `holdfast-${options.instance}`;
  }

  /** The comment every chain's first rule or the table itself must carry. */
  get mark(): string {
    return `holdfast instance ${this.options.instanceId}`;
  }

  /**
   * Puts `body` (chains and sets of family inet, nft's own language) in the table's place, all or
   * nothing. Error EEXIST: there is a table of this name that is not ours; it is left alone.
   */
  async apply(body: string): Promise<OsError | undefined> {
    const strange = this.#strange();
    if (strange !== undefined) return strange;
    const present = await this.read();
    if (isOsError(present)) return present;
    if (present !== undefined && !present.ours) return this.#foreign();
    // Added first so that the deletion cannot fail; the three take effect together.
    const head = `add table inet ${this.name}\ndelete table inet ${this.name}\n`;
    const table = `table inet ${this.name} {\ncomment "${this.mark}"\n${body}\n}\n`;
    return this.#run(head + table);
  }

  /** Ours is there: an earlier run's, before this one has made it. */
  async left(): Promise<boolean> {
    const table = await this.read();
    return table !== undefined && !isOsError(table) && table.ours;
  }

  /** The table's text (sets without their elements) and whether our mark is in it. */
  async read(): Promise<{ readonly text: string; readonly ours: boolean } | undefined | OsError> {
    const result = await runNft(["-t", "list", "table", "inet", this.name]);
    if (isOsError(result)) return result;
    if (result.code === 0) {
      return { text: result.stdout, ours: result.stdout.includes(`comment "${this.mark}"`) };
    }
    if (/No such file or directory/.test(result.stderr)) return undefined;
    return nftFailed(`nft list table inet ${this.name}`, result);
  }

  /** Gone afterwards, or never there: undefined. EEXIST: not ours, left alone. */
  async delete(): Promise<OsError | undefined> {
    const strange = this.#strange();
    if (strange !== undefined) return strange;
    const present = await this.read();
    if (present === undefined || isOsError(present)) return present;
    return present.ours ? this.#run(`delete table inet ${this.name}\n`) : this.#foreign();
  }

  /** Commands on this table, all or nothing; that it is there and ours its user knows. */
  change(commands: string): Promise<OsError | undefined> {
    return this.#run(`${commands}\n`);
  }

  #foreign(): OsError {
    return osError(`nft table inet ${this.name}`, "EEXIST", "a table of this name is not ours");
  }

  #strange(): OsError | undefined {
    const { instance, instanceId } = this.options;
    const fine = /^[A-Za-z0-9_-]{1,32}$/.test(instance) && /^[A-Za-z0-9-]{8,64}$/.test(instanceId);
    return fine ? undefined : osError("nft", "EINVAL", "instance name or id");
  }

  async #run(text: string): Promise<OsError | undefined> {
    // A file: nft cannot open standard input when that is a socket, as Node makes it.
    const file = temporaryFile(this.options.runtimeDirectory, ".nft", text);
    if (isOsError(file)) return file;
    using _file = file;
    const result = await runNft(["-f", file.path]);
    if (isOsError(result)) return result;
    return result.code === 0 ? undefined : nftFailed(`nft -f (table ${this.name})`, result);
  }
}

/** The whole ruleset as JSON objects, for a reader of other people's tables. */
export async function listRuleset(): Promise<unknown[] | OsError> {
  const result = await runNft(["-j", "list", "ruleset"]);
  if (isOsError(result)) return result;
  if (result.code !== 0) return nftFailed("nft list ruleset", result);
  try {
    const parsed: unknown = JSON.parse(result.stdout);
    const isListing = typeof parsed === "object" && parsed !== null && "nftables" in parsed;
    return isListing && Array.isArray(parsed.nftables) ? parsed.nftables : [];
  } catch {
    return osError("nft list ruleset", "EPROTO", result.stdout.slice(0, 200));
  }
}

function nftFailed(call: string, result: ProgramResult): OsError {
  const problem = nftProblem(result.stderr);
  if (problem === undefined) {
    return osError(call, errnoOfText(result.stderr), result.stderr.trim().slice(0, 500));
  }
  const { line, column, message, errno } = problem;
  return osError(call, errno, `line ${line}, column ${column}: ${message}`);
}

async function runNft(words: readonly string[]): Promise<ProgramResult | OsError> {
  const nft = findProgram("nft");
  if (nft === undefined) return osError("nft", "ENOENT", "package nftables");
  const argv = withNetAdminOnly([nft, ...words]);
  return isOsError(argv) ? argv : runProgram(argv);
}
