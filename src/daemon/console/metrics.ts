// The server as metrics. Labels are our own words, of bounded number: no user, no address, nothing
// that a peer chose.
import { printable } from "../../base/printable.js";
import type { Status } from "../../console/contract.js";
import type { Overview } from "../../console/overview-contract.js";
import type { Family, Sample } from "./exposition.js";

export type Measured = {
  readonly overview: Overview;
  readonly status: Pick<Status, "counters" | "node" | "blocks" | "earlyRefusal">;
  /** Of the main process. */
  readonly processorSeconds: number;
  readonly openDescriptors: number | undefined;
  readonly consoleConnections: number;
};

function gauge(name: string, help: string, value: number): Family {
  return { name: `holdfast_${name}`, type: "gauge", help, samples: [{ value }] };
}

function counter(name: string, help: string, value: number): Family {
  return { name: `holdfast_${name}_total`, type: "counter", help, samples: [{ value }] };
}

export function metricsOf(measured: Measured): Family[] {
  const { overview, status, consoleConnections } = measured;
  const { moment, addresses, limits, incident, store, workers, ledger } = overview;
  return [
    {
      ...gauge("build_info", "Version of holdfast and of its runtime.", 1),
      samples: [{ labels: { version: overview.version, node: status.node }, value: 1 }],
    },
    gauge("ready", "Whether sessions can be had.", Number(overview.ready)),
    gauge(
      "warnings",
      "What an operator has to know as long as it is so.",
      overview.warnings.length,
    ),
    gauge("sessions", "Sessions now.", moment.sessions),
    gauge("sessions_max", "Sessions there may be at once.", limits.sessionsMax),
    gauge("connections", "Control connections now.", moment.connections),
    gauge("connections_max", "Control connections there may be at once.", limits.connectionsMax),
    counter("log_ins", "Log-ins that were taken.", moment.logIns),
    counter("log_in_refusals", "Log-ins that were refused.", moment.refusals),
    gauge("addresses_leased", "Addresses of the pool that are leased.", addresses.leased),
    gauge("addresses", "Addresses of the pool.", addresses.size),
    directions("octets", "Inner octets of all sessions.", moment.receivedOctets, moment.sentOctets),
    directions(
      "packets",
      "Inner packets of all sessions.",
      moment.receivedPackets,
      moment.sentPackets,
    ),
    counter("refused", "Packets and messages that nobody asked for.", moment.refused),
    {
      name: "holdfast_events_total",
      type: "counter",
      help: "Drops, refusals and oddities, by reason.",
      samples: named("reason", status.counters),
    },
    gauge(
      "early_refusal_calls",
      "Live calls that the kernel's filter knows.",
      status.earlyRefusal.calls,
    ),
    {
      ...gauge("ledger_held", "Resources that are held, by kind.", 0),
      samples: named("kind", ledger.byKind),
    },
    gauge("ledger_stuck", "Resources that could not be given back.", ledger.stuck),
    gauge("blocks", "Sources that are blocked.", moment.blocks),
    gauge("incident", "Whether an incident is going on.", Number(incident !== null)),
    gauge("incident_per_second", "Refused in a second of it.", incident?.perSecond ?? 0),
    gauge(
      "store_well",
      "Whether accounts and accounting can be read and written.",
      Number(store.health === "well"),
    ),
    gauge("store_queue", "Requests that wait for the store.", store.queueLength),
    counter(
      "store_records_refused",
      "Accounting records that could not be kept.",
      store.recordsRefused,
    ),
    {
      ...gauge("workers", "Data workers, by state.", 0),
      samples: named("state", tally(workers.map(({ state }) => state))),
    },
    counter(
      "worker_restarts",
      "Data workers that were replaced.",
      workers.reduce((sum, { restarts }) => sum + restarts, 0),
    ),
    gauge(
      "workers_resident_memory_bytes",
      "Resident memory of the data workers.",
      moment.workersOctets,
    ),
    gauge("late_seconds", "How late the main thread's last timer was.", moment.lateMs / 1_000),
    gauge("console_connections", "Connections to the console.", consoleConnections),
    ...processFamilies(measured),
  ];
}

/** By the names that every exporter has for them. */
function processFamilies({ overview, processorSeconds, openDescriptors }: Measured): Family[] {
  const { moment, startedAt, limits } = overview;
  const plain = (name: string, help: string, value: number, type: Family["type"] = "gauge") => ({
    ...{ name: `process_${name}`, type, help, samples: [{ value }] },
  });
  return [
    plain("cpu_seconds_total", "Processor time of the main process.", processorSeconds, "counter"),
    plain("resident_memory_bytes", "Resident memory of the main process.", moment.residentOctets),
    plain("start_time_seconds", "When it started.", startedAt / 1_000),
    plain("max_fds", "Descriptors that the main process may have.", limits.descriptorsMax),
    ...(openDescriptors === undefined
      ? []
      : [plain("open_fds", "Descriptors of the main process.", openDescriptors)]),
  ];
}

function directions(name: string, help: string, received: number, sent: number): Family {
  const samples = [
    { labels: { direction: "received" }, value: received },
    { labels: { direction: "sent" }, value: sent },
  ];
  return { name: `holdfast_${name}_total`, type: "counter", help, samples };
}

/** Reasons are words of ours; printable() is for the one that some day is not. */
function named(label: string, counts: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(counts)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => ({ labels: { [label]: printable(name) }, value }));
}

function tally(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}
