// What `iptables-legacy-save` prints, as the same values as nft's ruleset: one walk judges both. What
// is not understood of a rule stays unknown, so that it matches perhaps.
import type { Chain, Expression, Rule } from "./ruleset.js";

const priorities: Readonly<Record<string, number>> = {
  raw: -300,
  mangle: -150,
  filter: 0,
  security: 50,
};
const hooks: Readonly<Record<string, string>> = {
  INPUT: "input",
  OUTPUT: "output",
  FORWARD: "forward",
};

/** Tables a packet can end in; nat's never stop one. */
export const legacyFilterTables: readonly string[] = Object.keys(priorities);

/** A table's name among nft's, which may have one of the same. */
export const legacyTable = (table: string) => `${table} of iptables-legacy`;

export function readLegacyRules(text: string): Chain[] {
  const chains: (Omit<Chain, "rules"> & { rules: Rule[] })[] = [];
  let table = "";
  for (const line of text.split("\n")) {
    if (line.startsWith("*")) table = line.slice(1).trim();
    const [, name = "", policy = ""] = /^:(\S+) (\S+)/.exec(line) ?? [];
    if (name !== "") chains.push({ ...base(table, name), policy: policyOf(policy), rules: [] });
    if (!line.startsWith("-A ")) continue;
    const [, of = "", ...words] = wordsOf(line);
    const chain = chains.find((one) => one.table === legacyTable(table) && one.name === of);
    const targets = chains.filter((one) => one.table === legacyTable(table));
    chain?.rules.push({
      family: "ip",
      table: chain.table,
      chain: of,
      handle: chain.rules.length + 1,
      expressions: expressionsOf(words, new Set(targets.map(({ name: one }) => one))),
      text: line.trim(),
    });
  }
  return chains;
}

function base(table: string, name: string): Omit<Chain, "rules" | "policy"> {
  const hook = hooks[name];
  const type = hook !== undefined && table in priorities ? "filter" : undefined;
  const priority = priorities[table] ?? 0;
  return { family: "ip", table: legacyTable(table), name, handle: 0, type, hook, priority };
}

function policyOf(policy: string): string {
  return policy === "DROP" ? "drop" : "accept";
}

/** As a shell splits them: blanks, double quotes, backslashes. */
function wordsOf(line: string): string[] {
  const words = line.match(/"(?:\\.|[^"\\])*"|\S+/g) ?? [];
  return words.map((word) =>
    word.startsWith('"') ? word.slice(1, -1).replaceAll(/\\(.)/g, "$1") : word,
  );
}

type Reader = (value: string) => Expression;
const unknown: Expression = { xt: null };

const match = (left: Expression, right: unknown): Expression => ({
  match: { op: "==", left, right },
});
const meta = (key: string) => ({ meta: { key } });
const field = (protocol: string, name: string) => ({ payload: { protocol, field: name } });
const set = (values: string, one: (value: string) => unknown) => ({
  set: values.split(",").map(one),
});

const readers: Readonly<Record<string, Reader>> = {
  "-p": (value) => match(meta("l4proto"), protocol(value)),
  "-s": (value) => match(field("ip", "saddr"), prefix(value)),
  "-d": (value) => match(field("ip", "daddr"), prefix(value)),
  "-i": (value) => match(meta("iifname"), value.replace(/\+$/, "*")),
  "-o": (value) => match(meta("oifname"), value.replace(/\+$/, "*")),
  "--dport": (value) => match(field("th", "dport"), ports(value)),
  "--sport": (value) => match(field("th", "sport"), ports(value)),
  "--dports": (value) => match(field("th", "dport"), set(value, ports)),
  "--sports": (value) => match(field("th", "sport"), set(value, ports)),
  "--ctstate": (value) => match({ ct: { key: "state" } }, states(value)),
  "--state": (value) => match({ ct: { key: "state" } }, states(value)),
  "--dst-type": (value) =>
    match(
      { fib: { result: "type", flags: ["daddr"] } },
      set(value, (one) => one.toLowerCase()),
    ),
};

/** Options that say nothing of which packets are meant, and whether a word follows. */
const silent: Readonly<Record<string, boolean>> = { "-m": true, "--comment": true };

function expressionsOf(words: readonly string[], chains: ReadonlySet<string>): Expression[] {
  const expressions: Expression[] = [];
  let negated = false;
  for (let at = 0; at < words.length; at++) {
    const [word = "", next = ""] = [words[at], words[at + 1]];
    if (word === "!") {
      negated = true;
      continue;
    }
    if (word === "-j" || word === "-g") return [...expressions, ...target(word, next, chains)];
    const reader = readers[word];
    if (reader !== undefined) expressions.push(negated ? opposite(reader(next)) : reader(next));
    else if (silent[word] === undefined && word.startsWith("-")) expressions.push(unknown);
    if (reader !== undefined || silent[word]) at++;
    negated = false;
  }
  return expressions;
}

function opposite(expression: Expression): Expression {
  const inner = expression.match as Expression;
  return { match: { ...inner, op: "!=" } };
}

const verdicts: Readonly<Record<string, string>> = {
  ACCEPT: "accept",
  DROP: "drop",
  REJECT: "reject",
  RETURN: "return",
  QUEUE: "queue",
  NFQUEUE: "queue",
};

/** A target that only marks or logs ends nothing. */
function target(option: string, name: string, chains: ReadonlySet<string>): Expression[] {
  const verdict = verdicts[name];
  if (verdict !== undefined) return [{ [verdict]: null }];
  if (!chains.has(name)) return [];
  return [{ [option === "-g" ? "goto" : "jump"]: { target: name } }];
}

function protocol(value: string): unknown {
  return /^[0-9]+$/.test(value) ? Number(value) : value;
}

/** iptables-save writes masks as lengths. */
function prefix(value: string): unknown {
  const [addr = "", length = "32"] = value.split("/");
  return { prefix: { addr, len: Number(length) } };
}

function ports(value: string): unknown {
  const [first = "", last = first] = value.split(":");
  return first === last ? Number(first) : { range: [Number(first || 0), Number(last || 65_535)] };
}

function states(value: string): unknown {
  return set(value, (one) => one.toLowerCase());
}
