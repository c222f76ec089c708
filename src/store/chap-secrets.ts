// Import of a pppd chap-secrets file (pppd(8), "AUTHENTICATION"): which account each line makes.
// Pure: the files that secrets beginning with `@` name are read by a function it is given.
import { type Ipv4, parseIpv4 } from "../base/ip.js";
import type { NewAccount } from "./port.js";
import { readWordLines, type WordLine } from "./secrets-words.js";
import { nameFault, normalisedName, passwordFault } from "./user-name.js";

/** Each line of the file ends as one of these. */
export type LineOutcome = {
  readonly line: number;
  /** The last line of a record that has a newline in quotes. */
  readonly lastLine: number;
  readonly what: "taken" | "skipped" | "error";
  readonly name: string | undefined;
  /** Why it was skipped or is an error; of a taken line what was not taken over, or "". */
  readonly reason: string;
};

export type ImportPlan = {
  readonly lines: readonly LineOutcome[];
  /** The taken ones: `index` is the line's place in `lines`. */
  readonly accounts: readonly { readonly index: number; readonly account: NewAccount }[];
};

export type SecretFile =
  | { readonly ok: true; readonly content: Uint8Array }
  | { readonly ok: false; readonly why: string };

export type ImportTerms = {
  /** The name pppd had (`name` option): lines for another server are skipped. Absent: any. */
  readonly server?: string;
  /** Absent: lines whose secret is in a file are skipped. */
  readonly readSecretFile?: (path: string) => SecretFile;
};

type Outcome =
  | { what: "taken"; account: NewAccount; server: string; notes: string[] }
  | { what: "skipped" | "error"; name?: string; reason: string };

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decodedText(octets: Uint8Array): string | undefined {
  try {
    return decoder.decode(octets);
  } catch {
    return undefined;
  }
}

type Address =
  | { ok: true; address: Ipv4 | undefined; notes: string[] }
  | { ok: false; what: "skipped" | "error"; reason: string };

/** A list entry as pppd writes them: `[!]address[/length[+]]`, `*` or `-`. */
const ENTRY = /^!?[0-9.]+(\/[0-9]{1,2}\+?)?$/;

/** The one address an account can have; a list that says more than that is not loosened. */
function addressOf(words: readonly string[]): Address {
  const skipped = (reason: string): Address => ({ ok: false, what: "skipped", reason });
  if (words.length === 0) {
    const note = "it names no address, with which pppd allows none: it gets one of the pool";
    return { ok: true, address: undefined, notes: [note] };
  }
  if (words[0] === "-") return skipped("pppd allows it no address");
  for (const word of words) {
    const host = parseIpv4(word.replace(/^!/, "").replace(/\/.*$/, "")) !== undefined;
    const length = Number(/\/([0-9]+)/.exec(word)?.[1] ?? 32);
    if (word !== "*" && !(ENTRY.test(word) && host && length <= 32)) {
      return { ok: false, what: "error", reason: `${word} is not an IPv4 address` };
    }
  }
  const single = words.map((word) => parseIpv4(word.replace(/\/32$/, "")));
  const first = single.find((address) => address !== undefined);
  if (first !== undefined) {
    const notes = words.length > 1 ? ["only the first address is kept"] : [];
    return { ok: true, address: first, notes };
  }
  if (words.every((word) => word === "*")) return { ok: true, address: undefined, notes: [] };
  return skipped(`an account can have one address, not ${words.join(" ")}`);
}

/** The secret itself, or the first word of the file it names. */
function secretOf(
  secret: Uint8Array,
  { readSecretFile }: ImportTerms,
): Uint8Array | { what: "skipped" | "error"; reason: string } {
  if (secret[0] !== 64) return secret;
  const path = decodedText(secret.subarray(1));
  if (readSecretFile === undefined) {
    return { what: "skipped", reason: "its secret is in a file: follow it with --follow-files" };
  }
  if (path === undefined || !path.startsWith("/")) {
    return { what: "error", reason: "the file of its secret is not an absolute path" };
  }
  const file = readSecretFile(path);
  if (!file.ok) return { what: "error", reason: `the file of its secret: ${file.why}` };
  const first = readWordLines(file.content).find(({ words }) => words.length > 0);
  if (first?.fault !== undefined) return { what: "error", reason: `its file: ${first.fault}` };
  return first?.words[0] ?? { what: "error", reason: "the file of its secret is empty" };
}

function outcomeOf(line: WordLine, terms: ImportTerms): Outcome {
  const [client, server, secret, ...rest] = line.words;
  if (line.fault !== undefined) return { what: "error", reason: line.fault };
  if (client === undefined) return { what: "skipped", reason: line.comment ? "comment" : "blank" };
  const name = decodedText(client);
  if (name === undefined) return { what: "error", reason: "the name is not valid UTF-8" };
  if (server === undefined || secret === undefined) {
    return { what: "error", name, reason: "it has fewer than three words" };
  }
  if (name === "*" || name === "") {
    return { what: "skipped", name, reason: "it is for any client: accounts have names" };
  }
  const serverName = decodedText(server);
  if (terms.server !== undefined && serverName !== "*" && serverName !== terms.server) {
    return { what: "skipped", name, reason: `it is for the server ${serverName ?? "?"}` };
  }
  const texts = rest.map((word) => decodedText(word) ?? "?");
  const options = texts.indexOf("--");
  const addresses = options < 0 ? texts : texts.slice(0, options);
  const address = addressOf(addresses);
  if (!address.ok) return { what: address.what, name, reason: address.reason };
  const octets = secretOf(secret, terms);
  if (!(octets instanceof Uint8Array)) return { ...octets, name };
  const password = decodedText(octets);
  if (password === undefined) return { what: "error", name, reason: "the secret is not UTF-8" };
  const fault = nameFault(normalisedName(name)) ?? passwordFault(password);
  if (fault !== undefined) return { what: "error", name, reason: fault.message };
  return {
    what: "taken",
    server: serverName ?? "",
    notes: [...address.notes, ...(options < 0 ? [] : ["the options after -- are not kept"])],
    // Only what the file says: an account that is replaced keeps its other terms.
    account: {
      name: normalisedName(name),
      password,
      ...(address.address === undefined ? {} : { staticAddress: address.address }),
    },
  };
}

/** Of lines with one name the closest counts, as for pppd: a named server before `*`, then the first. */
function closest(outcomes: readonly Outcome[]): ReadonlyMap<string, number> {
  const best = new Map<string, number>();
  for (const [index, outcome] of outcomes.entries()) {
    if (outcome.what !== "taken") continue;
    const before = best.get(outcome.account.name);
    const other = before === undefined ? undefined : outcomes[before];
    const closer = other?.what === "taken" && other.server === "*" && outcome.server !== "*";
    if (before === undefined || closer) best.set(outcome.account.name, index);
  }
  return best;
}

/** What an import of `file` would do, before the accounts there are looked at. */
export function planImport(file: Uint8Array, terms: ImportTerms = {}): ImportPlan {
  const read = readWordLines(file);
  const outcomes = read.map((line) => outcomeOf(line, terms));
  const best = closest(outcomes);
  const lines: LineOutcome[] = [];
  const accounts: { index: number; account: NewAccount }[] = [];
  for (const [index, outcome] of outcomes.entries()) {
    const { line, lastLine } = read[index]!;
    if (outcome.what !== "taken") {
      const { what, name, reason } = outcome;
      lines.push({ line, lastLine, what, name, reason });
      continue;
    }
    const { account, notes } = outcome;
    const counts = best.get(account.name)!;
    if (counts !== index) {
      const reason = `line ${read[counts]!.line} is of the same name`;
      lines.push({ line, lastLine, what: "skipped", name: account.name, reason });
      continue;
    }
    lines.push({ line, lastLine, what: "taken", name: account.name, reason: notes.join("; ") });
    accounts.push({ index, account });
  }
  return { lines, accounts };
}
