// Whether somebody's rules stop TCP 1723, GRE, forwarding or NAT, and where.
import type { Verdict } from "../../console/contract.js";
import type { Config } from "../config/resolve.js";
import { type DoctorFacts, isNotKnown } from "./facts.js";
import {
  formatPlace,
  legacyTableOf,
  type Outcome,
  type Owner,
  ownerOf,
  probeHook,
} from "./probe.js";
import type { Probe } from "./probe-match.js";
import type { Chain, Ruleset } from "./ruleset.js";

type Question = {
  readonly check: string;
  readonly hook: "input" | "output" | "forward";
  readonly what: string;
  readonly probe: Probe;
  /** For a table nobody known has made. */
  readonly rule: string;
  /** The same in the older iptables' words. */
  readonly legacyRule: string;
  readonly known: Partial<Record<NonNullable<Owner>, string>>;
};

export function firewallVerdicts(facts: DoctorFacts): Verdict[] {
  const { ruleset: nft, config, legacyChains } = facts;
  if (config === undefined) return [];
  const legacy = legacyVerdict(facts);
  if (isNotKnown(nft)) {
    const remedy = facts.programs.nft === undefined ? "apt-get install nftables" : "ask as root";
    return [...legacy, verdict("firewall", "unknown", nft.notKnown, remedy)];
  }
  const older = isNotKnown(legacyChains) ? [] : legacyChains;
  const ruleset = { ...nft, chains: [...nft.chains, ...older] };
  const refused = moduleVerdicts(facts, config);
  const own = `holdfast-${config.instance}`;
  const asked = questions(config, facts.defaultRoute).map((question) =>
    judged(question, probeHook(ruleset, question.hook, question.probe, own), ruleset),
  );
  return [...legacy, ...refused, ...asked, ...natVerdicts(facts, ruleset, own)];
}

function questions(config: Config, defaultRoute: string | undefined): Question[] {
  const { listen, network, addresses } = config;
  const [first] = addresses.pool;
  const session = { address: first?.first ?? 0, length: 32 };
  const { tun } = network;
  const away = { notInterfaces: [tun, "lo"] };
  const uplink = network.nat.uplink ?? defaultRoute;
  const [to, from] =
    uplink === undefined ? [{}, {}] : [{ outInterface: uplink }, { inInterface: uplink }];
  const here = { toThisHost: true, state: "new" } as const;
  const { port } = listen;
  const forward = {
    Docker: `iptables -I DOCKER-USER -i ${tun} -j ACCEPT; iptables -I DOCKER-USER -o ${tun} -j ACCEPT`,
    ufw: `ufw route allow in on ${tun}; ufw route allow out on ${tun}`,
    firewalld: `firewall-cmd --permanent --zone=trusted --add-interface=${tun}; firewall-cmd --reload`,
  };
  const gre = {
    ufw: "in /etc/ufw/before.rules, before COMMIT: -A ufw-before-input -p gre -j ACCEPT; ufw reload",
    firewalld: "firewall-cmd --permanent --add-protocol=gre; firewall-cmd --reload",
  };
  const tcp = {
    ufw: `ufw allow ${port}/tcp`,
    firewalld: `firewall-cmd --permanent --add-port=${port}/tcp; firewall-cmd --reload`,
  };
  return [
    {
      check: "firewall-control",
      hook: "input",
      what: `new connections to TCP port ${port}`,
      probe: { ...away, ...here, protocol: "tcp", destinationPort: port },
      rule: `tcp dport ${port} accept`,
      legacyRule: `-p tcp --dport ${port}`,
      known: tcp,
    },
    {
      check: "firewall-gre",
      hook: "input",
      what: "GRE of clients",
      probe: { ...away, ...here, protocol: "gre" },
      rule: "meta l4proto gre accept",
      legacyRule: "-p gre",
      known: gre,
    },
    {
      check: "firewall-gre-out",
      hook: "output",
      what: "GRE to clients",
      probe: { ...away, protocol: "gre", state: "new" },
      rule: "meta l4proto gre accept",
      legacyRule: "-p gre",
      known: { ufw: "in /etc/ufw/before.rules: -A ufw-before-output -p gre -j ACCEPT; ufw reload" },
    },
    {
      check: "firewall-forward-out",
      hook: "forward",
      what: "packets of sessions on their way out",
      probe: { ...to, protocol: undefined, inInterface: tun, source: session, state: "new" },
      rule: `iifname "${tun}" accept`,
      legacyRule: `-i ${tun}`,
      known: forward,
    },
    {
      check: "firewall-forward-in",
      hook: "forward",
      what: "answers on their way to sessions",
      probe: {
        ...from,
        protocol: undefined,
        outInterface: tun,
        destination: session,
        state: "established",
      },
      rule: `oifname "${tun}" accept`,
      legacyRule: `-o ${tun}`,
      known: forward,
    },
  ];
}

function judged(question: Question, outcome: Outcome, ruleset: Ruleset): Verdict {
  const { check, what, rule, known } = question;
  if (outcome.kind === "passes") return verdict(check, "well", `no rule stops ${what}`);
  const owner = ownerOf(outcome.place, ruleset);
  const whose = owner === undefined ? "a rule" : `a rule of ${owner}`;
  const certain = outcome.kind === "stopped";
  const message = `${whose} ${certain ? "stops" : "may stop"} ${what}`;
  const { family, table, name } = baseOf(outcome.place.chain, ruleset, question.hook);
  const generic =
    legacyTableOf(outcome.place.chain) === undefined
      ? `nft insert rule ${family} ${table} ${name} ${rule}`
      : `iptables-legacy -I ${name} ${question.legacyRule} -j ACCEPT`;
  const remedy = (owner === undefined ? undefined : known[owner]) ?? generic;
  return verdict(check, certain ? "wrong" : "warning", message, remedy, formatPlace(outcome.place));
}

/** A rule at the front of the hook's own chain goes before whatever it jumps to. */
function baseOf(chain: Chain, { chains }: Ruleset, hook: string): Chain {
  const same = (one: Chain) => one.family === chain.family && one.table === chain.table;
  return chains.find((one) => same(one) && one.hook === hook) ?? chain;
}

function natVerdicts(
  { config, serverRuns }: DoctorFacts,
  ruleset: Ruleset,
  own: string,
): Verdict[] {
  if (config === undefined || !config.network.nat.enabled) return [];
  const nats = ruleset.chains.filter(({ type, hook }) => type === "nat" && hook === "postrouting");
  const ours = nats.find(({ table }) => table === own);
  if (serverRuns && ours === undefined) {
    const message = `NAT is configured and there is no chain of ours (table inet ${own})`;
    return [verdict("nat", "wrong", message, "see the log, then holdfast reload")];
  }
  const before = nats.find(
    (chain) => chain !== ours && chain.priority < (ours?.priority ?? 100) && chain.rules.length > 0,
  );
  if (before === undefined) return [verdict("nat", "well", "nobody translates before us")];
  const message = "another table translates addresses before ours";
  const place = `nft: table ${before.family} ${before.table}, chain ${before.name}`;
  return [verdict("nat", "warning", message, "see that its rules leave the pool alone", place)];
}

const modules = {
  filter: "nf_tables",
  state: "nft_ct",
  nat: "nft_chain_nat and nft_masq",
} as const;

function moduleVerdicts({ kernelRefusals }: DoctorFacts, config: Config): Verdict[] {
  const needed = (["filter", "state", "nat"] as const).filter(
    (kind) => kind !== "nat" || config.network.nat.enabled,
  );
  const refused = needed.flatMap((kind) => {
    const why = kernelRefusals[kind];
    if (why === undefined) return [];
    const message = `the kernel takes no ${kind} rule of nftables: ${why}`;
    const remedy = `as root: modprobe ${modules[kind].replace(" and ", "; modprobe ")}`;
    return [verdict(`firewall-${kind}`, "wrong", message, remedy)];
  });
  if (refused.length > 0) return refused;
  return [verdict("firewall-modules", "well", "the kernel takes the rules the server makes")];
}

/** Only where they could not be read: otherwise they are judged with nft's. */
function legacyVerdict({ legacyTables, legacyChains, programs }: DoctorFacts): Verdict[] {
  if (legacyTables.length === 0 || !isNotKnown(legacyChains)) return [];
  const names = legacyTables.join(", ");
  const message = `the older iptables has tables (${names}) that nft does not show: ${legacyChains.notKnown}`;
  const remedy =
    programs["iptables-legacy-save"] === undefined
      ? "apt-get install iptables, then ask again: it has iptables-legacy-save"
      : "ask as root, or look yourself: iptables-legacy-save";
  return [verdict("firewall-legacy", "unknown", message, remedy, "/proc/net/ip_tables_names")];
}

function verdict(
  check: string,
  result: Verdict["result"],
  message: string,
  remedy = "",
  place = "",
): Verdict {
  return { check, result, message, place, remedy };
}
