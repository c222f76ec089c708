// What `nft -j list ruleset` says, as values: tables, chains, rules and the sets they name. Unknown
// parts stay unknown; they are never guessed.

export type Expression = Readonly<Record<string, unknown>>;

export type Rule = {
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  readonly handle: number;
  readonly expressions: readonly Expression[];
  /** As the older iptables writes it; its rules have places in their chain for handles. */
  readonly text?: string;
};

export type Chain = {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly handle: number;
  /** Base chains only. */
  readonly type: string | undefined;
  readonly hook: string | undefined;
  readonly priority: number;
  readonly policy: string;
  readonly rules: readonly Rule[];
};

export type Ruleset = {
  readonly chains: readonly Chain[];
  /** Elements by `family table name`; undefined where the kernel did not list them. */
  readonly sets: ReadonlyMap<string, readonly unknown[] | undefined>;
};

/** `objects` is the array below "nftables". */
export function readRuleset(objects: readonly unknown[]): Ruleset {
  const sets = new Map<string, readonly unknown[] | undefined>();
  const rules: Rule[] = [];
  const bare: Omit<Chain, "rules">[] = [];
  for (const object of objects) {
    if (!isRecord(object)) continue;
    const { chain, rule, set, map } = object;
    if (isRecord(chain)) bare.push(readChain(chain));
    if (isRecord(rule)) rules.push(readRule(rule));
    const named = isRecord(set) ? set : map;
    if (isRecord(named)) {
      const key = setKey(text(named.family), text(named.table), text(named.name));
      sets.set(key, Array.isArray(named.elem) ? named.elem : undefined);
    }
  }
  const chains = bare.map((chain) => ({
    ...chain,
    rules: rules.filter(
      ({ family, table, chain: name }) =>
        family === chain.family && table === chain.table && name === chain.name,
    ),
  }));
  return { chains, sets };
}

export function setKey(family: string, table: string, name: string): string {
  return `${family} ${table} ${name}`;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readChain(chain: Expression): Omit<Chain, "rules"> {
  return {
    family: text(chain.family),
    table: text(chain.table),
    name: text(chain.name),
    handle: number(chain.handle),
    type: typeof chain.type === "string" ? chain.type : undefined,
    hook: typeof chain.hook === "string" ? chain.hook : undefined,
    priority: number(chain.prio),
    policy: text(chain.policy) || "accept",
  };
}

function readRule(rule: Expression): Rule {
  return {
    family: text(rule.family),
    table: text(rule.table),
    chain: text(rule.chain),
    handle: number(rule.handle),
    expressions: Array.isArray(rule.expr) ? rule.expr.filter(isRecord) : [],
  };
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function number(value: unknown): number {
  return typeof value === "number" ? value : 0;
}
