// Gathers what `doctor` judges. Nothing here changes anything; what cannot be seen is said so.
import { closeSync, constants, openSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { formatIpv4, type Ipv4, mask4, parseIpv4 } from "../../base/ip.js";
import { descriptorLimit } from "../../os/descriptors.js";
import { describeOsError, isOsError } from "../../os/errors.js";
import { hookProblem } from "../../os/hook-file.js";
import { findInterface } from "../../os/interface.js";
import { listAddresses, listRoutes } from "../../os/ip.js";
import { localIpv4Addresses } from "../../os/local-addresses.js";
import { listRuleset } from "../../os/nft.js";
import { ownPrivileges, withNetAdminOnly, withNetworkOnly } from "../../os/privileges.js";
import { findProgram, runProgram } from "../../os/programs.js";
import { IP_FORWARD, IPV6_FORWARDING, readSysctl } from "../../os/sysctl.js";
import { TUN_DEVICE } from "../../os/tun.js";
import type { Loaded } from "../config/load.js";
import type { Config } from "../config/resolve.js";
import { faultOfDirectory, type StateFault, type StatePaths } from "../state-directory.js";
import type { DoctorFacts, LocalPrefix, NotKnown, PortHolder } from "./facts.js";
import { legacyFilterTables, readLegacyRules } from "./legacy-rules.js";
import { type Chain, readRuleset } from "./ruleset.js";

export type GatherTerms = {
  readonly loaded: Loaded;
  readonly paths: StatePaths;
  readonly serverRuns: boolean;
  /** The server's: the state directory must be his. */
  readonly stateOwner: number;
  readonly today: Date;
};

/** Other PPTP servers as their processes are called. */
const rivalNames = ["pptpd", "accel-pppd", "accel-ppp-ng", "mpd5", "poptop"];

export async function gatherFacts(terms: GatherTerms): Promise<DoctorFacts> {
  const { loaded, paths } = terms;
  const config = loaded.ok ? loaded.config : undefined;
  const tun = config?.network.tun ?? "holdfast0";
  const [ruleset, prefixes, route, free] = await Promise.all([
    listRuleset(),
    localPrefixes(tun),
    defaultRoute(),
    freeOctets(paths.directory),
  ]);
  const own = ownPrivileges();
  const descriptors = descriptorLimit();
  const processes = processNames();
  const older = legacyTables();
  return {
    config,
    configProblems: loaded.ok ? [] : loaded.problems,
    configWarnings: loaded.ok ? loaded.warnings : [],
    serverRuns: terms.serverRuns,
    nodeVersion: process.version,
    today: terms.today,
    uid: process.getuid?.() ?? 0,
    capabilities: isOsError(own) ? { notKnown: describeOsError(own) } : own.effective,
    tunDevice: tunDevice(),
    tunExists: exists(`/sys/class/net/${tun}`),
    programs: Object.fromEntries(
      ["ip", "nft", "setpriv", legacySave].map((name) => [name, findProgram(name)] as const),
    ),
    ruleset: isOsError(ruleset) ? { notKnown: describeOsError(ruleset) } : readRuleset(ruleset),
    kernelRefusals: await kernelRefusals(),
    legacyTables: older,
    legacyChains: await legacyChains(older),
    portHolders: portHolders(config?.listen.port ?? 1723),
    rivals: rivalNames.filter((name) => processes.has(name)),
    translatesPptp: exists("/sys/module/nf_nat_pptp"),
    xdpMissing: xdpMissing(config?.xdp ?? "off"),
    descriptors: isOsError(descriptors) ? { notKnown: describeOsError(descriptors) } : descriptors,
    stateFaults: stateFaults(paths, terms.stateOwner),
    forwarding: { ipv4: sysctl(IP_FORWARD), ipv6: sysctl(IPV6_FORWARDING) },
    localPrefixes: prefixes,
    localAddresses: localIpv4Addresses().map(({ address }) => address),
    defaultRoute: route,
    freeOctets: free,
    hookFaults: config === undefined ? [] : hookFaults(config),
  };
}

/** EBADFD and the like cannot happen: an opened device is not yet an interface. */
function tunDevice(): string {
  try {
    closeSync(openSync(TUN_DEVICE, constants.O_RDWR | constants.O_NONBLOCK));
    return "usable";
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : "unknown";
  }
}

function exists(path: string): boolean {
  try {
    readdirSync(path);
    return true;
  } catch {
    return false;
  }
}

function sysctl(key: string): string {
  const value = readSysctl(key);
  return typeof value === "string" ? value : value.errno;
}

/** Without our own interface: what it has, the server gave it. */
async function localPrefixes(tun: string): Promise<readonly LocalPrefix[] | NotKnown> {
  const [addresses, routes] = await Promise.all([listAddresses(), listRoutes(4)]);
  if (isOsError(addresses)) return { notKnown: describeOsError(addresses) };
  const written = addresses.flatMap(({ device, family, address, length }) =>
    family === 4 ? [{ device, text: `${address}/${length}` }] : [],
  );
  const routed = isOsError(routes)
    ? []
    : routes.map(({ device = "", to }) => ({ device, text: to }));
  return [...written, ...routed].flatMap(({ device, text }): LocalPrefix[] => {
    const [head = "", tail = "32"] = text.split("/");
    const address = parseIpv4(head);
    const length = Number(tail);
    if (device === tun || address === undefined || !(length > 0 && length <= 32)) return [];
    return [{ device, prefix: { address: (address & mask4(length)) >>> 0, length } }];
  });
}

async function defaultRoute(): Promise<string | undefined> {
  const routes = await listRoutes(4);
  if (isOsError(routes)) return undefined;
  return routes.find(({ to }) => to === "default")?.device;
}

async function freeOctets(directory: string): Promise<number | NotKnown> {
  try {
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize;
  } catch (error) {
    return { notKnown: error instanceof Error ? error.message : String(error) };
  }
}

/** Rules as ours are, checked by the kernel (which loads its modules for them) and never applied. */
const triedRules = {
  filter: "type filter hook forward priority 0; }; add rule inet holdfast-try c counter drop",
  state: "type filter hook input priority 0; }; add rule inet holdfast-try c ct state new accept",
  nat: "type nat hook postrouting priority 100; }; add rule inet holdfast-try c masquerade",
} as const;

async function kernelRefusals(): Promise<DoctorFacts["kernelRefusals"]> {
  const { filter, state, nat } = triedRules;
  const [one, two, three] = await Promise.all([filter, state, nat].map(kernelRefusal));
  return { filter: one, state: two, nat: three };
}

async function kernelRefusal(rule: string): Promise<string | undefined> {
  const nft = findProgram("nft");
  if (nft === undefined) return "nft is missing";
  const text = `add table inet holdfast-try; add chain inet holdfast-try c { ${rule}`;
  const argv = withNetAdminOnly([nft, "-c", text]);
  if (isOsError(argv)) return describeOsError(argv);
  const result = await runProgram(argv);
  if (isOsError(result)) return describeOsError(result);
  return result.code === 0 ? undefined : (result.stderr.split("\n")[0] ?? "refused");
}

function legacyTables(): string[] {
  try {
    return readFileSync("/proc/net/ip_tables_names", "utf8").split("\n").filter(Boolean);
  } catch {
    return [];
  }
}

const legacySave = "iptables-legacy-save";

/** Asked only for tables that are there: the question alone would make the kernel make one. */
async function legacyChains(tables: readonly string[]): Promise<readonly Chain[] | NotKnown> {
  const asked = tables.filter((table) => legacyFilterTables.includes(table));
  if (asked.length === 0) return [];
  const program = findProgram(legacySave);
  if (program === undefined) return { notKnown: `${legacySave} is missing` };
  const chains: Chain[] = [];
  for (const table of asked) {
    const argv = withNetworkOnly([program, "-t", table]);
    if (isOsError(argv)) return { notKnown: describeOsError(argv) };
    const result = await runProgram(argv);
    if (isOsError(result)) return { notKnown: describeOsError(result) };
    if (result.code !== 0) return { notKnown: result.stderr.trim().split("\n")[0] ?? "refused" };
    chains.push(...readLegacyRules(result.stdout));
  }
  return chains;
}

function stateFaults(paths: StatePaths, owner: number): StateFault[] {
  const { directory, databaseDirectory, keysDirectory, adminDirectory } = paths;
  if (!exists(directory)) return [];
  return [directory, databaseDirectory, keysDirectory, adminDirectory].flatMap((path) => {
    const fault = faultOfDirectory(path, owner);
    return fault === undefined ? [] : [fault];
  });
}

function hookFaults({ hooks }: Config): { path: string; fault: string }[] {
  return [hooks.ipUp, hooks.ipDown].flatMap((path) => {
    const fault = path === undefined ? undefined : hookProblem(path, []);
    return path === undefined || fault === undefined ? [] : [{ path, fault }];
  });
}

function xdpMissing(xdp: Config["xdp"]): string[] {
  if (xdp === "off" || xdp === "auto") return [];
  return xdp.filter((name) => isOsError(findInterface(name)));
}

function processNames(): Map<string, number> {
  const names = new Map<string, number>();
  for (const pid of numbered("/proc")) {
    try {
      names.set(readFileSync(`/proc/${pid}/comm`, "utf8").trim(), pid);
    } catch {
      // It has ended meanwhile.
    }
  }
  return names;
}

/** Listening sockets of /proc/net/tcp, and whose they are where that may be seen. */
function portHolders(port: number): PortHolder[] {
  const inodes = new Map<string, string>();
  for (const line of tcpLines()) {
    const [, local = "", , state, , , , , , inode = ""] = line.trim().split(/\s+/);
    const [address = "", hexPort = ""] = local.split(":");
    if (state !== "0A" || Number.parseInt(hexPort, 16) !== port) continue;
    inodes.set(inode, address.length === 8 ? formatIpv4(littleEndian(address)) : "any");
  }
  if (inodes.size === 0) return [];
  const owners = socketOwners(new Set(inodes.keys()));
  return [...inodes].map(([inode, address]) => ({ address, process: owners.get(inode) }));
}

function tcpLines(): string[] {
  return ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((path) => {
    try {
      return readFileSync(path, "utf8").split("\n").slice(1);
    } catch {
      return [];
    }
  });
}

/** /proc/net/tcp writes the 32 bits as this machine has them in memory; ours are little-endian. */
function littleEndian(hex: string): Ipv4 {
  const value = Number.parseInt(hex, 16);
  const swapped =
    ((value & 0xff) << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);
  return swapped >>> 0;
}

function socketOwners(inodes: ReadonlySet<string>): Map<string, { pid: number; name: string }> {
  const owners = new Map<string, { pid: number; name: string }>();
  for (const pid of numbered("/proc")) {
    for (const fd of numbered(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(target(`/proc/${pid}/fd/${fd}`))?.[1];
      if (inode === undefined || !inodes.has(inode)) continue;
      owners.set(inode, { pid, name: nameOf(pid) });
    }
  }
  return owners;
}

function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  } catch {
    return "?";
  }
}

function target(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

function numbered(directory: string): number[] {
  try {
    return readdirSync(directory)
      .filter((name) => /^[0-9]+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}
