// What `doctor` judges: everything it looked at, gathered first, so that judging is a pure function.
import type { Ipv4, Prefix4 } from "../../base/ip.js";
import type { Problem } from "../config/problems.js";
import type { Config } from "../config/resolve.js";
import type { StateFault } from "../state-directory.js";
import type { Chain, Ruleset } from "./ruleset.js";

/** A fact that could not be had, and why. */
export type NotKnown = { readonly notKnown: string };

export function isNotKnown(value: unknown): value is NotKnown {
  return typeof value === "object" && value !== null && "notKnown" in value;
}

export type LocalPrefix = { readonly device: string; readonly prefix: Prefix4 };

export type PortHolder = {
  readonly address: string;
  /** Undefined: not ours to see. */
  readonly process: { readonly pid: number; readonly name: string } | undefined;
};

export type DoctorFacts = {
  readonly config: Config | undefined;
  readonly configProblems: readonly Problem[];
  readonly configWarnings: readonly Problem[];
  /** Whether a server runs with this state directory. */
  readonly serverRuns: boolean;
  readonly nodeVersion: string;
  readonly today: Date;
  readonly uid: number;
  /** Effective ones of whoever asks; the server asks for itself. */
  readonly capabilities: readonly string[] | NotKnown;
  /** `usable`, or the errno of opening it. */
  readonly tunDevice: string;
  /** The interface with our name, where there is one. */
  readonly tunExists: boolean;
  /** Absolute paths by name: ip, nft, setpriv. */
  readonly programs: Readonly<Record<string, string | undefined>>;
  readonly ruleset: Ruleset | NotKnown;
  /** What the kernel said to a rule of each kind the server needs; undefined: it takes it. */
  readonly kernelRefusals: Readonly<Record<"filter" | "state" | "nat", string | undefined>>;
  /** Tables of the older iptables, which nft does not show. */
  readonly legacyTables: readonly string[];
  /** Their chains, as iptables-legacy-save tells; it may be missing, or not allowed. */
  readonly legacyChains: readonly Chain[] | NotKnown;
  readonly portHolders: readonly PortHolder[];
  /** Running programs that take GRE or port 1723 for themselves. */
  readonly rivals: readonly string[];
  /** Whether the kernel has what translates PPTP of hosts behind this one. */
  readonly translatesPptp: boolean;
  /** Named under xdp:, and not there. */
  readonly xdpMissing: readonly string[];
  readonly descriptors: { readonly soft: number; readonly hard: number } | NotKnown;
  readonly stateFaults: readonly StateFault[];
  readonly forwarding: { readonly ipv4: string; readonly ipv6: string };
  readonly localPrefixes: readonly LocalPrefix[] | NotKnown;
  readonly localAddresses: readonly Ipv4[];
  readonly defaultRoute: string | undefined;
  /** Octets free where the state directory lies. */
  readonly freeOctets: number | NotKnown;
  /** What is wrong with a configured hook. */
  readonly hookFaults: readonly { readonly path: string; readonly fault: string }[];
};
