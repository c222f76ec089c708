// What `holdfast status` tells: one snapshot of everything an operator looks at first.

import { formatIpv4, formatIpv6 } from "../base/ip.js";
import { formatPrefix4 } from "../base/range4.js";
import type { ProfileStatus, Status } from "../console/contract.js";
import { readTreePrivileges } from "../os/capabilities.js";
import { formatRange4 } from "./config/addresses.js";
import type { Profile } from "./config/resolve.js";
import { sum } from "./data-path.js";
import type { EarlyRefusalSnapshot } from "./early-refusal.js";
import { describeProcesses, processWarnings } from "./processes.js";
import type { RunningServer } from "./running-server.js";
import type { WorkerSnapshot } from "./worker-keeper.js";

export function gatherStatus(running: RunningServer): Status {
  const { warnings: own, ...status } = statusOf(running);
  const processes = describeProcesses(readTreePrivileges(), running.terms.store.stats().tid);
  return { ...status, processes, warnings: [...own, ...processWarnings(processes)] };
}

/** Without what takes a look at every thread. */
export function statusOf(running: RunningServer): Omit<Status, "processes"> {
  const { config, ledger, server, pool, network, dataPath, terms } = running;
  const { store, log, paths } = terms;
  const stats = store.stats();
  const { addresses } = config;
  const { heapUsed, external } = process.memoryUsage();
  return {
    version: terms.version,
    node: process.version,
    instance: config.instance,
    pid: process.pid,
    startedAt: running.startedAt,
    uptimeMs: Math.round(process.uptime() * 1_000),
    stateDirectory: paths.directory,
    configFile: terms.configFile ?? null,
    listening: (config.listen.addresses === "all" ? [0] : config.listen.addresses).map(
      (address) => ({ address: formatIpv4(address), port: config.listen.port }),
    ),
    network: {
      tun: config.network.tun,
      tunState: network.tunState,
      gateway: formatIpv4(addresses.gateway),
      pool: addresses.pool.map(formatRange4).join(", "),
      ipv6Prefix:
        addresses.ipv6Prefix === undefined
          ? null
          : `${formatIpv6(addresses.ipv6Prefix.address)}/${addresses.ipv6Prefix.length}`,
      nat: network.natState,
    },
    dataPath: dataPathText(dataPath?.workers ?? []),
    profiles: [...config.profiles, config.defaultProfile].map(profileStatus),
    connections: server.connections,
    deadlines: server.deadlines.size,
    heapOctets: heapUsed + external,
    sessions: { now: server.sessionCount, ...running.counts },
    addresses: { leased: pool.leased, size: pool.size },
    ledger: { held: ledger.size, stuck: ledger.stuck, byKind: ledger.balance() },
    blocks: running.blocking.live.length,
    incident: openIncident(running),
    limits: {
      connectionsMax: terms.connectionsMax,
      descriptorsMax: terms.descriptorsMax,
      sessionsMax: config.limits.access.sessionsMax,
    },
    store: {
      health: stats.inTrouble ?? "well",
      queueLength: stats.queueLength,
      oldestMs: Math.round(stats.oldestMs),
      recordsRefused: stats.recordsRefused,
      interimsDropped: stats.interimsDropped,
    },
    workers: [...(dataPath?.workers ?? [])],
    earlyRefusal: dataPath?.refusal.snapshot ?? noRefusal,
    counters: {
      ...prefixed("data ", sum([running.drops, dataPath?.refusal.counts() ?? {}])),
      ...server.reasons.snapshot(),
    },
    logLevel: log.level,
    warnings: warnings(running),
  };
}

const noRefusal: EarlyRefusalSnapshot = {
  form: "off",
  why: "no data path",
  calls: 0,
  refused: 0,
  byReason: false,
  xdp: [],
};

function openIncident({ incidents }: RunningServer): Status["incident"] {
  const { open } = incidents;
  if (open === undefined) return null;
  const { number, begin, perSecond, refused, reasons } = open;
  const [most] = Object.entries(reasons).sort(([, a], [, b]) => b - a);
  return { number, begin, perSecond, refused, reason: most?.[0] ?? "" };
}

/** Each way that data is carried in once, with how many workers carry it so. */
function dataPathText(workers: readonly WorkerSnapshot[]): string {
  const ways = new Map<string, number>();
  for (const { engine, offload } of workers) {
    const way = engine === "" ? "not ready" : `${engine} engine, offload ${offload}`;
    ways.set(way, (ways.get(way) ?? 0) + 1);
  }
  const each = [...ways].map(([way, count]) => `${count} x ${way}`);
  return `child processes: ${each.join("; ") || "none"}`;
}

/** Loud ones: what an operator has to know as long as it is so. */
function warnings(running: RunningServer): string[] {
  const { terms, config, dataPath, ledger, network, blocking, console: own } = running;
  const found = [...terms.warnings];
  for (const { name, legacy } of config.profiles) {
    if (legacy) found.push(legacyWarning(name));
  }
  if (running.guard.busy) found.push("busy: new strangers are turned away");
  const { inTrouble } = terms.store.stats();
  if (inTrouble !== undefined) found.push(`the store is in trouble: ${inTrouble}`);
  for (const { state } of dataPath?.workers ?? []) {
    if (state !== "running") found.push(`a data worker is ${state}: its sessions cannot run`);
  }
  const { tunFault, tunState } = network;
  if (tunState !== "up") {
    const why = tunFault === undefined ? "" : ` and cannot be put right: ${tunFault.message}`;
    const remedy = tunFault === undefined ? "it is put right" : tunFault.remedy;
    const what = tunState === "deleted" ? "was deleted" : "is down or has lost its address";
    found.push(`the TUN ${what}${why}; ${remedy}`);
  } else if (tunFault !== undefined) {
    found.push(`the TUN lacks a route: ${tunFault.message}; ${tunFault.remedy}`);
  }
  if (blocking.problem !== undefined) {
    const how = "blocked sources are refused at the accept, not dropped by the kernel";
    found.push(`${how}: ${blocking.problem}`);
  }
  if (own.problem !== undefined) found.push(`no console: ${own.problem}`);
  found.push(...running.notices.problems);
  if (ledger.stuck > 0) found.push(`${ledger.stuck} leases are stuck: see holdfast ledger`);
  return found;
}

export function legacyWarning(profile: string): string {
  return (
    `LEGACY PROFILE ${profile} IS ON: whoever it matches may log in by methods that are broken ` +
    "outright and encrypt with keys that are found in minutes"
  );
}

function profileStatus({
  name,
  legacy,
  from,
  on,
  authentication,
  encryption,
}: Profile): ProfileStatus {
  const bits = encryption.bits.map((one) => `MPPE-${one}`).join("/") || "none";
  return {
    name,
    legacy,
    from: from.map(formatPrefix4),
    on: on.map(formatIpv4),
    authentication: [...authentication],
    encryption: `${bits}${encryption.stateful ? ", stateful too" : ""}, ${
      encryption.required ? "required" : "optional"
    }`,
  };
}

function prefixed(
  prefix: string,
  counts: Readonly<Record<string, number>>,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(counts).map(([name, count]) => [`${prefix}${name}`, count]),
  );
}
