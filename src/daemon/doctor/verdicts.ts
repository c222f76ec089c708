// What `doctor` says of this host, as a pure function of what it found. Each verdict that is not good
// names what to do.

import { formatIpv4 } from "../../base/ip.js";
import { formatPrefix4, overlap, rangeOf } from "../../base/range4.js";
import type { Verdict } from "../../console/contract.js";
import { control } from "../../limits.js";
import { formatRange4 } from "../config/addresses.js";
import { formatProblem } from "../config/problems.js";
import { runtimeWarning } from "../runtime-support.js";
import { type DoctorFacts, isNotKnown } from "./facts.js";
import { firewallVerdicts } from "./firewall-verdicts.js";

type Check = (facts: DoctorFacts) => readonly Verdict[];

export function say(
  check: string,
  result: Verdict["result"],
  message: string,
  remedy = "",
  place = "",
): Verdict {
  return { check, result, message, place, remedy };
}

const checks: readonly Check[] = [
  configuration,
  runtime,
  clock,
  capabilities,
  programs,
  tun,
  port,
  rivals,
  xdp,
  descriptors,
  state,
  pool,
  forwarding,
  hooks,
  firewallVerdicts,
];

/** Wrong ones first, each group in the order of the checks. */
export function judge(facts: DoctorFacts): Verdict[] {
  const order = { wrong: 0, unknown: 1, warning: 2, well: 3 } as const;
  return checks.flatMap((check) => check(facts)).sort((a, b) => order[a.result] - order[b.result]);
}

function configuration({ configProblems, configWarnings }: DoctorFacts): Verdict[] {
  const wrong = configProblems.map((problem) =>
    say("configuration", "wrong", formatProblem(problem), "correct the file, then ask again"),
  );
  const warnings = configWarnings.map((problem) =>
    say("configuration", "warning", formatProblem(problem), problem.remedy),
  );
  if (wrong.length > 0) return wrong;
  return [...warnings, say("configuration", "well", "the configuration is in order")];
}

function runtime({ nodeVersion, today }: DoctorFacts): Verdict[] {
  const warning = runtimeWarning(nodeVersion, today);
  if (warning === undefined) return [say("runtime", "well", `Node ${nodeVersion} is supported`)];
  return [say("runtime", "warning", warning, "install a supported release: README, Requirements")];
}

/** Accounts have hours and dates, and accounting has times: a clock from 1970 breaks them all. */
function clock({ today }: DoctorFacts): Verdict[] {
  if (today.getUTCFullYear() >= 2026) {
    return [say("clock", "well", `the clock says ${today.toISOString().slice(0, 16)}Z`)];
  }
  const message = `the clock says ${today.toISOString().slice(0, 10)}`;
  return [say("clock", "wrong", message, "set it, and run systemd-timesyncd or chrony")];
}

function capabilities({ capabilities: found, uid, serverRuns }: DoctorFacts): Verdict[] {
  if (isNotKnown(found)) {
    return [say("privileges", "unknown", found.notKnown, "mount /proc, or ask as root")];
  }
  const missing = ["net_admin", "net_raw"].filter((name) => !found.includes(name));
  if (missing.length === 0) return [say("privileges", "well", "CAP_NET_ADMIN and CAP_NET_RAW")];
  const names = missing.map((name) => `CAP_${name.toUpperCase()}`).join(" and ");
  const message = `user ${uid} lacks ${names} here`;
  const result = serverRuns ? "warning" : "wrong";
  return [say("privileges", result, message, "start the server as root, or by its systemd unit")];
}

const packages: Readonly<Record<string, string>> = {
  ip: "iproute2",
  nft: "nftables",
  setpriv: "util-linux",
};

function programs({ programs: found }: DoctorFacts): Verdict[] {
  const missing = Object.keys(packages).filter((name) => found[name] === undefined);
  if (missing.length === 0) return [say("programs", "well", "ip, nft and setpriv are there")];
  return missing.map((name) =>
    say("programs", "wrong", `${name} is missing`, `apt-get install ${packages[name]}`),
  );
}

function tun({ tunDevice, config, tunExists, serverRuns }: DoctorFacts): Verdict[] {
  const name = config?.network.tun ?? "holdfast0";
  const taken =
    tunExists && !serverRuns
      ? [
          say(
            "tun",
            "wrong",
            `an interface ${name} exists and no server of this state directory runs`,
            `ip link delete ${name}, or write another network.tun`,
          ),
        ]
      : [];
  const remedies: Readonly<Record<string, string>> = {
    ENOENT: "modprobe tun, then mkdir -p /dev/net && mknod -m 600 /dev/net/tun c 10 200",
    ENODEV: "modprobe tun",
    ENXIO: "modprobe tun",
    EACCES: "start the server as root, or by its unit: it opens the device before it gives up root",
    EPERM: "let this container use the device: --device /dev/net/tun",
  };
  if (serverRuns && tunExists) return [say("tun", "well", `the server holds ${name}`)];
  if (tunDevice === "usable") return [say("tun", "well", "/dev/net/tun can be opened"), ...taken];
  const remedy = remedies[tunDevice] ?? "modprobe tun";
  return [say("tun", "wrong", `/dev/net/tun: ${tunDevice}`, remedy), ...taken];
}

function port({ portHolders, config, serverRuns }: DoctorFacts): Verdict[] {
  const number = config?.listen.port ?? 1723;
  const wanted = config?.listen.addresses ?? "all";
  const inTheWay = portHolders.filter(({ address, process }) => {
    // Which of several servers of ours it is cannot be told from here.
    if (serverRuns && (process === undefined || process.name.startsWith("node"))) return false;
    if (wanted === "all" || address === "any" || address === "0.0.0.0") return true;
    return wanted.some((one) => formatIpv4(one) === address);
  });
  if (inTheWay.length === 0) {
    return [say("port", "well", `nobody else holds TCP port ${number}`)];
  }
  return inTheWay.map(({ address, process }) => {
    const who = process === undefined ? "another process" : `${process.name} (${process.pid})`;
    const remedy = "stop it, or give each an address of its own with listen.addresses";
    return say("port", "wrong", `${who} listens on ${address}:${number}`, remedy);
  });
}

function rivals({ rivals: found }: DoctorFacts): Verdict[] {
  if (found.length === 0) return [say("rivals", "well", "no other PPTP server runs")];
  const message = `${found.join(", ")} runs: every raw socket sees all GRE, both would answer`;
  return [say("rivals", "warning", message, "run one PPTP server on a host")];
}

/** At an interface it is refused before translation and before anybody else's socket. */
function xdp({ config, translatesPptp, xdpMissing, rivals: found }: DoctorFacts): Verdict[] {
  if (config === undefined || config.xdp === "off") return [];
  const verdicts = xdpMissing.map((name) => {
    const message = `${name}, named under xdp:, is not there: it is looked for when interfaces change`;
    return say("xdp", "warning", message, `ip link show; correct ${name}, or write xdp: auto`);
  });
  if (translatesPptp || found.length > 0) {
    const who = translatesPptp ? "PPTP that this host translates (nf_nat_pptp)" : found.join(", ");
    const message = `xdp is on: GRE of ${who} to the same addresses is refused before it gets there`;
    const remedy = "listen on an address of its own (listen.addresses), or write xdp: off";
    verdicts.push(say("xdp", "warning", message, remedy));
  }
  return verdicts.length > 0
    ? verdicts
    : [say("xdp", "well", "nobody else here uses enhanced GRE")];
}

function descriptors({ descriptors: found, config }: DoctorFacts): Verdict[] {
  if (isNotKnown(found)) {
    return [say("descriptors", "unknown", found.notKnown, "mount /proc")];
  }
  const wanted = config?.limits.control.connectionsMax ?? control.connectionsMax;
  const allowed = found.hard - control.descriptorsReserved;
  if (allowed >= wanted) {
    return [say("descriptors", "well", `${found.hard} descriptors for ${wanted} connections`)];
  }
  const message = `${found.hard} descriptors: at most ${Math.max(1, allowed)} of ${wanted} connections`;
  const remedy = `LimitNOFILE=${wanted + control.descriptorsReserved} in the unit, or ulimit -n`;
  return [say("descriptors", "warning", message, remedy)];
}

function state({ stateFaults, freeOctets }: DoctorFacts): Verdict[] {
  const verdicts = stateFaults.map(({ path, fault, remedy }) =>
    say("state", "wrong", fault, remedy, path),
  );
  if (!isNotKnown(freeOctets) && freeOctets < 16 * 1024 * 1024) {
    const message = `${Math.floor(freeOctets / 1024)} KiB are free where the state directory lies`;
    verdicts.push(say("disk", "warning", message, "make room: accounting needs it"));
  }
  return verdicts.length > 0 ? verdicts : [say("state", "well", "the state directory is closed")];
}

function pool({ config, localPrefixes, localAddresses }: DoctorFacts): Verdict[] {
  if (config === undefined) return [];
  const { pool: ranges, gateway } = config.addresses;
  const { proxyArp } = config.network;
  const verdicts: Verdict[] = [];
  for (const address of localAddresses) {
    if (address === gateway) continue;
    const self = { first: address, last: address };
    if (!ranges.some((range) => overlap(range, self))) continue;
    const message = `the pool has this host's own address ${formatIpv4(address)}`;
    verdicts.push(say("pool", "wrong", message, "add it to addresses.exclude"));
  }
  if (isNotKnown(localPrefixes)) {
    verdicts.push(say("pool", "unknown", localPrefixes.notKnown, "apt-get install iproute2"));
    return verdicts;
  }
  const seen = new Set<string>();
  for (const { device, prefix } of localPrefixes) {
    const range = rangeOf(prefix);
    const hit = ranges.find((one) => overlap(one, range));
    const key = `${device} ${formatPrefix4(prefix)}`;
    if (hit === undefined || device === proxyArp || prefix.length === 32 || seen.has(key)) continue;
    seen.add(key);
    const message = `the pool ${formatRange4(hit)} lies in ${formatPrefix4(prefix)} of ${device}`;
    const remedy = `choose another pool, or write network.proxyArp: ${device}`;
    verdicts.push(say("pool", "wrong", message, remedy));
  }
  return verdicts.length > 0
    ? verdicts
    : [say("pool", "well", "the pool meets no other network of this host")];
}

function forwarding({ config, forwarding: now, defaultRoute, serverRuns }: DoctorFacts): Verdict[] {
  if (config === undefined) return [];
  const verdicts: Verdict[] = [];
  const off = now.ipv4 !== "1";
  if (off && (config.network.forwarding === "off" || serverRuns)) {
    const remedy =
      config.network.forwarding === "off"
        ? "write network.forwarding: auto, or sysctl -w net.ipv4.ip_forward=1"
        : "sysctl -w net.ipv4.ip_forward=1, and find out who turned it off";
    verdicts.push(say("forwarding", "wrong", "the kernel does not forward IPv4", remedy));
  } else {
    const how = off ? "the server will turn IPv4 forwarding on" : "the kernel forwards IPv4";
    verdicts.push(say("forwarding", "well", how));
  }
  if (defaultRoute === undefined) {
    const message = "this host has no default route: sessions reach only what it reaches";
    verdicts.push(say("uplink", "warning", message, "ip route add default via …"));
  }
  return verdicts;
}

function hooks({ hookFaults }: DoctorFacts): Verdict[] {
  return hookFaults.map(({ path, fault }) =>
    say("hooks", "wrong", fault, "only its owner and root may write it and the way to it", path),
  );
}
