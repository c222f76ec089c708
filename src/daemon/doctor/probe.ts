// Walks a packet through the base chains of a hook as the kernel would, and says who stops it where.
import { legacyFilterTables, legacyTable } from "./legacy-rules.js";
import { compare, type Match, matches, type Probe, type Scope } from "./probe-match.js";
import { type Chain, type Expression, isRecord, type Rule, type Ruleset } from "./ruleset.js";

export type Outcome =
  | { readonly kind: "passes" }
  | { readonly kind: "stopped"; readonly place: Place }
  /** It depends on what is not known of the packet. */
  | { readonly kind: "perhaps stopped"; readonly place: Place };

export type Place = {
  readonly chain: Chain;
  /** Undefined: the chain's policy. */
  readonly rule: Rule | undefined;
};

type Ending = "accept" | "drop" | "return" | "end";
type Walk = { readonly ruleset: Ruleset; readonly probe: Probe; steps: number; perhaps?: Place };
type Step = { readonly ending: Ending; readonly place?: Place };

const stepsMax = 50_000;
const depthMax = 16;
const families = new Set(["ip", "inet"]);

/** `skip` names our own table: what it, and those beside it (`-blocks`, `-refused`), do is meant. */
export function probeHook(
  ruleset: Ruleset,
  hook: "input" | "output" | "forward",
  probe: Probe,
  skip: string,
): Outcome {
  const ours = [skip, `${skip}-blocks`, `${skip}-refused`];
  const bases = ruleset.chains
    .filter(({ table }) => !ours.includes(table))
    .filter((chain) => chain.hook === hook && families.has(chain.family))
    .filter(({ type }) => type === "filter" || type === "route")
    .sort((a, b) => a.priority - b.priority);
  const walk: Walk = { ruleset, probe, steps: 0 };
  for (const base of bases) {
    const { ending, place } = chainEnding(base, walk, 0);
    if (ending === "drop" && place !== undefined) return { kind: "stopped", place };
    if (ending === "accept" || base.policy !== "drop") continue;
    // A rule that perhaps accepts may save it from the policy.
    const place2 = { chain: base, rule: undefined };
    if (walk.perhaps?.chain.table === base.table && acceptsPerhaps(walk.perhaps)) {
      return { kind: "perhaps stopped", place: place2 };
    }
    return { kind: "stopped", place: place2 };
  }
  if (walk.perhaps === undefined || acceptsPerhaps(walk.perhaps)) return { kind: "passes" };
  return { kind: "perhaps stopped", place: walk.perhaps };
}

function acceptsPerhaps({ rule }: Place): boolean {
  return rule?.expressions.some((one) => "accept" in one) === true;
}

function chainEnding(chain: Chain, walk: Walk, depth: number): Step {
  let perhapsLeft = false;
  for (const rule of chain.rules) {
    if (walk.steps++ > stepsMax) return { ending: "end" };
    const step = ruleEnding(chain, rule, walk, depth);
    if (step === undefined) continue;
    if (step === "perhaps left") {
      perhapsLeft = true;
    } else if (perhapsLeft && step.ending !== "return") {
      note(walk, step, { chain, rule });
      return { ending: "return" };
    } else {
      return step;
    }
  }
  return { ending: "end" };
}

/** Undefined: the next rule's turn. */
function ruleEnding(
  chain: Chain,
  rule: Rule,
  walk: Walk,
  depth: number,
): Step | "perhaps left" | undefined {
  const scope = { ruleset: walk.ruleset, family: chain.family, table: chain.table };
  let certain: Match = "yes";
  for (const expression of rule.expressions) {
    const matched = condition(expression, walk.probe, scope);
    if (matched === "no") return undefined;
    if (matched === "maybe") certain = "maybe";
    const verdict = verdictOf(expression, walk.probe, scope);
    if (verdict === undefined) continue;
    const step = follow(verdict, chain, rule, walk, depth);
    if (step === undefined || certain === "yes") return step;
    if (step.ending === "return") return "perhaps left";
    note(walk, step, { chain, rule });
    return undefined;
  }
  return undefined;
}

/** The first rule that perhaps drops is the one to name; one that perhaps accepts gives way to it. */
function note(walk: Walk, { ending, place }: Step, own: Place): void {
  const known = walk.perhaps;
  if (known !== undefined && !(ending === "drop" && acceptsPerhaps(known))) return;
  walk.perhaps = place ?? own;
}

function condition(expression: Expression, probe: Probe, scope: Scope): Match {
  if (isRecord(expression.match)) return matches(expression.match, probe, scope);
  // Rate limits, extensions of iptables and the like: they match some packets.
  const sometimes = ["limit", "quota", "xt", "ct count", "fib", "socket", "osf"];
  return sometimes.some((name) => name in expression) ? "maybe" : "yes";
}

type Target = { readonly kind: string; readonly chain?: string };

function verdictOf(expression: Expression, probe: Probe, scope: Scope): Target | undefined {
  for (const kind of ["accept", "drop", "return", "reject", "queue"]) {
    if (kind in expression) return { kind };
  }
  for (const kind of ["jump", "goto"]) {
    const target = expression[kind];
    if (isRecord(target)) return { kind, chain: String(target.target) };
  }
  const { vmap } = expression;
  return isRecord(vmap) ? mapped(vmap, probe, scope) : undefined;
}

/** A verdict map in place or by name: the entry whose key surely matches. */
function mapped(vmap: Expression, probe: Probe, scope: Scope): Target | undefined {
  const { key, data } = vmap;
  const entries = isRecord(data) && Array.isArray(data.set) ? data.set : [];
  for (const entry of entries) {
    if (!Array.isArray(entry) || !isRecord(entry[1])) continue;
    if (compare(key, entry[0], probe, scope) === "yes") return verdictOf(entry[1], probe, scope);
  }
  return undefined;
}

function follow(
  { kind, chain: name }: Target,
  chain: Chain,
  rule: Rule,
  walk: Walk,
  depth: number,
): Step | undefined {
  const place = { chain, rule };
  if (kind === "accept" || kind === "queue") return { ending: "accept" };
  if (kind === "drop" || kind === "reject") return { ending: "drop", place };
  if (kind === "return") return { ending: "return" };
  const target = walk.ruleset.chains.find(
    (one) => one.family === chain.family && one.table === chain.table && one.name === name,
  );
  if (target === undefined || depth >= depthMax) return undefined;
  const inner = chainEnding(target, walk, depth + 1);
  if (inner.ending === "accept" || inner.ending === "drop") return inner;
  return kind === "goto" ? { ending: "return" } : undefined;
}

/** `nft: table ip filter, chain FORWARD, rule handle 12`, or its policy. */
export function formatPlace({ chain, rule }: Place): string {
  const legacy = legacyTableOf(chain);
  if (legacy !== undefined) {
    const at = `iptables-legacy: table ${legacy}, chain ${chain.name}`;
    if (rule === undefined) return `${at}, policy ${chain.policy.toUpperCase()}`;
    return `${at}, rule ${rule.handle}: ${rule.text ?? ""}`;
  }
  const at = `nft: table ${chain.family} ${chain.table}, chain ${chain.name}`;
  return rule === undefined ? `${at}, policy ${chain.policy}` : `${at}, rule handle ${rule.handle}`;
}

/** Undefined: one of nft's. */
export function legacyTableOf({ table }: Chain): string | undefined {
  return legacyFilterTables.find((name) => table === legacyTable(name));
}

export type Owner = "Docker" | "ufw" | "firewalld" | "libvirt" | "Kubernetes" | undefined;

/** Whose table it is, as far as names tell. */
export function ownerOf({ chain }: Place, ruleset: Ruleset): Owner {
  if (chain.table === "firewalld") return "firewalld";
  const same = ruleset.chains.filter(
    ({ family, table }) => family === chain.family && table === chain.table,
  );
  const named = (start: string) => same.some(({ name }) => name.startsWith(start));
  if (chain.name.startsWith("ufw-")) return "ufw";
  if (chain.name.startsWith("DOCKER")) return "Docker";
  if (chain.name.startsWith("LIBVIRT")) return "libvirt";
  if (named("ufw-")) return "ufw";
  if (named("DOCKER") && chain.hook === "forward") return "Docker";
  return named("KUBE-") ? "Kubernetes" : undefined;
}
