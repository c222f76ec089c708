// Whether an nftables expression matches a packet of which only some is known: yes, no, or maybe.
import { type Ipv4, inPrefix4, type Prefix4, parseIpv4 } from "../../base/ip.js";
import { type Expression, isRecord, type Ruleset, setKey } from "./ruleset.js";

/** A packet as far as it is known. What is absent could be anything. */
export type Probe = {
  readonly protocol: "tcp" | "gre" | undefined;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly source?: Prefix4;
  readonly destination?: Prefix4;
  readonly inInterface?: string;
  readonly outInterface?: string;
  /** Interfaces it surely does not come in on or leave by. */
  readonly notInterfaces?: readonly string[];
  readonly state?: "new" | "established";
  /** Its destination is an address of this host, no broadcast or group. */
  readonly toThisHost?: boolean;
};

export type Match = "yes" | "no" | "maybe";

const protocolNumbers: Readonly<Record<string, number>> = { tcp: 6, udp: 17, gre: 47, icmp: 1 };
const otherLayers = new Set(["udp", "icmp", "icmpv6", "igmp", "sctp", "dccp", "ah", "esp", "ip6"]);

export type Scope = {
  readonly ruleset: Ruleset;
  readonly family: string;
  readonly table: string;
};

export function matches(match: Expression, probe: Probe, scope: Scope): Match {
  const { op, left, right } = match;
  const found = compare(left, right, probe, scope);
  if (op === "==" || op === "in") return found;
  if (op === "!=") return opposite(found);
  return "maybe";
}

export function opposite(match: Match): Match {
  if (match === "maybe") return match;
  return match === "yes" ? "no" : "yes";
}

export function any(all: readonly Match[]): Match {
  if (all.includes("yes")) return "yes";
  return all.includes("maybe") ? "maybe" : "no";
}

/** Also used for the keys of verdict maps. */
export function compare(left: unknown, right: unknown, probe: Probe, scope: Scope): Match {
  const values = elements(right, scope);
  if (values === undefined || !isRecord(left)) return "maybe";
  const one = comparison(left, probe);
  return one === undefined ? "maybe" : any(values.map(one));
}

/** A right side is one value, a set written in place, or the name of one. */
function elements(right: unknown, scope: Scope): readonly unknown[] | undefined {
  if (typeof right === "string" && right.startsWith("@")) {
    return scope.ruleset.sets.get(setKey(scope.family, scope.table, right.slice(1)));
  }
  if (isRecord(right) && Array.isArray(right.set)) return right.set.map(bare);
  if (Array.isArray(right)) return right.map(bare);
  return [right];
}

/** Elements with a time-out or comment come wrapped. */
function bare(element: unknown): unknown {
  return isRecord(element) && isRecord(element.elem) ? element.elem.val : element;
}

function comparison(left: Expression, probe: Probe): ((value: unknown) => Match) | undefined {
  const { meta, payload, ct, fib } = left;
  if (isRecord(meta)) return metaComparison(String(meta.key), probe);
  if (isRecord(payload)) return payloadComparison(payload, probe);
  if (isRecord(fib) && probe.toThisHost === true) return destinationTypeComparison(fib);
  if (isRecord(ct) && ct.key === "state") return (value) => stateMatch(value, probe);
  return undefined;
}

function destinationTypeComparison({
  result,
  flags,
}: Expression): ((value: unknown) => Match) | undefined {
  const ofDestination = result === "type" && Array.isArray(flags) && flags.join() === "daddr";
  return ofDestination ? (value) => (value === "local" ? "yes" : "no") : undefined;
}

function metaComparison(key: string, probe: Probe): ((value: unknown) => Match) | undefined {
  if (key === "l4proto") return (value) => protocolMatch(value, probe);
  if (key === "nfproto") return (value) => (value === "ipv4" ? "yes" : "no");
  if (key === "protocol") return (value) => (value === "ip" ? "yes" : "no");
  if (key === "iifname" || key === "iif") {
    return (value) => interfaceMatch(value, probe.inInterface, probe);
  }
  if (key === "oifname" || key === "oif") {
    return (value) => interfaceMatch(value, probe.outInterface, probe);
  }
  return undefined;
}

function payloadComparison(
  { protocol, field }: Expression,
  probe: Probe,
): ((value: unknown) => Match) | undefined {
  if (protocol === "ip" && field === "protocol") return (value) => protocolMatch(value, probe);
  if (protocol === "ip" && field === "saddr") return (value) => addressMatch(value, probe.source);
  if (protocol === "ip" && field === "daddr") {
    return (value) => addressMatch(value, probe.destination);
  }
  if (protocol === "tcp" || protocol === "th") {
    if (probe.protocol === "gre") return () => "no";
    if (field === "dport") return (value) => portMatch(value, probe.destinationPort);
    if (field === "sport") return (value) => portMatch(value, probe.sourcePort);
    return undefined;
  }
  const isOther = otherLayers.has(String(protocol)) && probe.protocol !== undefined;
  return isOther ? () => "no" : undefined;
}

function protocolMatch(value: unknown, { protocol }: Probe): Match {
  if (protocol === undefined) return "maybe";
  return value === protocol || value === protocolNumbers[protocol] ? "yes" : "no";
}

function stateMatch(value: unknown, { state }: Probe): Match {
  if (state === undefined) return "maybe";
  return value === state ? "yes" : "no";
}

function interfaceMatch(value: unknown, name: string | undefined, probe: Probe): Match {
  if (typeof value !== "string") return "maybe";
  const pattern = (one: string) =>
    value.endsWith("*") ? one.startsWith(value.slice(0, -1)) : one === value;
  if (name !== undefined) return pattern(name) ? "yes" : "no";
  return probe.notInterfaces?.includes(value) === true ? "no" : "maybe";
}

function portMatch(value: unknown, port: number | undefined): Match {
  if (port === undefined) return "maybe";
  if (isRecord(value) && Array.isArray(value.range)) {
    const [first, last] = value.range;
    return port >= Number(first) && port <= Number(last) ? "yes" : "no";
  }
  return typeof value === "number" ? (value === port ? "yes" : "no") : "maybe";
}

function addressMatch(value: unknown, known: Prefix4 | undefined): Match {
  if (known === undefined) return "maybe";
  const range = rangeOf(value);
  if (range === undefined) return "maybe";
  const first = known.address;
  const last = (first + 2 ** (32 - known.length) - 1) >>> 0;
  if (last < range.first || first > range.last) return "no";
  return first >= range.first && last <= range.last ? "yes" : "maybe";
}

function rangeOf(value: unknown): { first: Ipv4; last: Ipv4 } | undefined {
  if (typeof value === "string") {
    const address = parseIpv4(value);
    return address === undefined ? undefined : { first: address, last: address };
  }
  if (!isRecord(value)) return undefined;
  if (Array.isArray(value.range)) {
    const [first, last] = value.range.map((one) => parseIpv4(String(one)));
    return first === undefined || last === undefined ? undefined : { first, last };
  }
  if (!isRecord(value.prefix)) return undefined;
  const address = parseIpv4(String(value.prefix.addr));
  const length = Number(value.prefix.len);
  if (address === undefined || !(length >= 0 && length <= 32)) return undefined;
  const prefix = { address, length };
  const last = (address + 2 ** (32 - length) - 1) >>> 0;
  return inPrefix4(last, prefix) ? { first: address, last } : undefined;
}
