// Which capabilities this process and its children have. They are per thread and Node has its threads
// before our first line, so they are never changed in place: a process is started with what it gets.
import { type Capability, readPrivileges, type ThreadPrivileges } from "./capabilities.js";
import { type OsError, osError } from "./errors.js";
import { findProgram } from "./programs.js";

export const NEEDED: readonly Capability[] = ["net_admin", "net_raw"];

/** What is lacking and, for the person at the terminal, how to get it. */
export type MissingPrivileges = {
  readonly kind: "MissingPrivileges";
  readonly missing: readonly Capability[];
  /** One command, to be run as it stands. */
  readonly command: string;
  readonly text: string;
};

/** This process's own, from its main thread. */
export function ownPrivileges(): ThreadPrivileges | OsError {
  const read = readPrivileges();
  if ("kind" in read) return read;
  const main = read.threads.find(({ tid }) => tid === process.pid);
  return main ?? osError(`read /proc/${process.pid}/status`, "ESRCH");
}

/** Undefined when every thread of this process has all of `needed` in effect. */
export function missingPrivileges(
  needed: readonly Capability[] = NEEDED,
): MissingPrivileges | OsError | undefined {
  const read = readPrivileges();
  if ("kind" in read) return read;
  const lacks = (capability: Capability) =>
    read.threads.some(({ effective }) => !effective.includes(capability));
  const missing = needed.filter(lacks);
  if (missing.length === 0) return undefined;
  return describeMissing(missing, read.threads[0]?.uid === 0);
}

function describeMissing(missing: readonly Capability[], isRoot: boolean): MissingPrivileges {
  const names = missing.map((name) => `CAP_${name.toUpperCase()}`).join(" and ");
  if (isRoot) {
    const command = "docker run --cap-add NET_ADMIN --cap-add NET_RAW --device /dev/net/tun …";
    const text =
      `This root lacks ${names}: it runs in a container or under a unit that took them away. ` +
      `Give them to the container (${command}) or to the unit (CapabilityBoundingSet=).`;
    return { kind: "MissingPrivileges", missing, command, text };
  }
  const command = `sudo ${[process.execPath, ...process.argv.slice(1)].map(quoted).join(" ")}`;
  const text =
    `holdfast needs ${names}, which this user's processes do not have. Start it as root, it then ` +
    `keeps these alone and runs as a user of its own: ${command}; or as the service of ` +
    "packaging/holdfast.service: sudo systemctl start holdfast. (Do not use setcap on node: that " +
    "would arm every script of every user.)";
  return { kind: "MissingPrivileges", missing, command, text };
}

function quoted(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** The argv that starts `argv` (argv[0] an absolute path) with no capability at all. */
export function withoutCapabilities(argv: readonly string[]): string[] | OsError {
  return withOnly([], argv);
}

/** Likewise, of a child that must not outlive us, whatever becomes of either: it is killed when we are. */
export function withoutCapabilitiesBound(argv: readonly string[]): string[] | OsError {
  return withOnly([], argv, ["--pdeathsig=KILL"]);
}

/** The argv that starts `argv` with CAP_NET_ADMIN and nothing else: for ip and nft. */
export function withNetAdminOnly(argv: readonly string[]): string[] | OsError {
  return withOnly(["net_admin"], argv);
}

/** With CAP_NET_RAW as well: the older iptables asks the kernel through a raw socket. */
export function withNetworkOnly(argv: readonly string[]): string[] | OsError {
  return withOnly(["net_admin", "net_raw"], argv);
}

let mayDropBounding: boolean | undefined;

function withOnly(
  kept: readonly Capability[],
  argv: readonly string[],
  more: readonly string[] = [],
): string[] | OsError {
  const setpriv = findProgram("setpriv");
  if (setpriv === undefined) return osError("setpriv", "ENOENT", "package util-linux");
  const set = capabilitySet(kept);
  const options = [`--inh-caps=${set}`, `--ambient-caps=${set}`, "--no-new-privs", ...more];
  // Full root gets everything back at exec unless the bounding set is cut as well. Without SETPCAP it
  // cannot be cut, and need not be: such a process is no root, or one whose uid gives nothing.
  if (mayDropBounding === undefined) {
    const own = ownPrivileges();
    mayDropBounding = "effective" in own && own.effective.includes("setpcap");
  }
  if (mayDropBounding) options.push(`--bounding-set=${set}`);
  return [setpriv, ...options, "--", ...argv];
}

/** A set as setpriv takes it: everything out, then those in. */
export function capabilitySet(kept: readonly Capability[]): string {
  return ["-all", ...kept.map((name) => `+${name}`)].join(",");
}
