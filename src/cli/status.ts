// holdfast status: the running server at a glance, loud about what its operator should know.
import { type Status, statusSchema } from "../console/contract.js";
import {
  type CliContext,
  command,
  type JsonOption,
  type StateOptions,
  withExamples,
  withJson,
  withState,
} from "./context.js";
import { type Column, duration, pairs, printJson, table } from "./table.js";

type ProcessLine = Status["processes"][number];

const processColumns: readonly Column<ProcessLine>[] = [
  { title: "PROCESS OR THREAD", value: ({ name }) => name, least: 12 },
  { title: "PID", value: ({ pid }) => pid, align: "right" },
  { title: "UID", value: ({ uid }) => uid, align: "right" },
  { title: "STATE", value: ({ state }) => state },
  {
    title: "CAPABILITIES",
    value: ({ capabilities }) => capabilities.join(" ") || "none",
    least: 12,
  },
];

export function statusCommand(context: CliContext) {
  const made = command(
    "status",
    "the running server: what it listens on, carries and holds",
  ).action(async (options: StateOptions & JsonOption) => {
    const status = await context.client(options).get("/status", statusSchema);
    if (options.json === true) return printJson(context.io, status);
    for (const warning of status.warnings) context.io.err(`WARNING: ${warning}\n`);
    context.io.out(pairs(overview(status)));
    context.io.out(`\n${table(status.processes, processColumns, context.io.columns)}`);
  });
  return withExamples(
    withJson(withState(made)),
    "holdfast status",
    "holdfast status --json | jq .sessions.now",
  );
}

function overview(status: Status): Parameters<typeof pairs>[0] {
  const { network, sessions, addresses, ledger, limits, store } = status;
  const profiles = status.profiles.map(({ name, legacy, authentication, encryption }) => {
    const loud = legacy ? " (LEGACY: nearly no protection)" : "";
    return `${name}${loud}: ${authentication.join(", ")}; ${encryption}`;
  });
  const kinds = Object.entries(ledger.byKind).map(([kind, count]) => `${count} ${kind}`);
  const stuck = ledger.stuck === 0 ? "" : `, ${ledger.stuck} STUCK`;
  const refused = store.recordsRefused === 0 ? "" : `, ${store.recordsRefused} records refused`;
  return [
    ["holdfast", `${status.version}, instance ${status.instance}, pid ${status.pid}`],
    ["node", status.node],
    ["up for", duration(status.uptimeMs)],
    ["listening", status.listening.map(({ address, port }) => `${address}:${port}`)],
    ["state directory", status.stateDirectory],
    ["configuration", status.configFile ?? "defaults"],
    ["data path", status.dataPath],
    ["interface", `${network.tun}, gateway ${network.gateway}`],
    ["pool", `${network.pool}: ${addresses.leased} of ${addresses.size} leased`],
    ["IPv6", network.ipv6Prefix],
    ["NAT", network.nat],
    ["profiles", profiles],
    ["sessions", `${sessions.now} now; ${sessions.logIns} log-ins, ${sessions.refusals} refused`],
    [
      "connections",
      `${status.connections} of at most ${limits.connectionsMax} (${limits.descriptorsMax} descriptors)`,
    ],
    ["ledger", `${ledger.held} held${stuck}: ${kinds.join(", ") || "nothing"}`],
    ["store", `${store.health}, ${store.queueLength} waiting${refused}`],
    [
      "data workers",
      status.workers.map(
        ({ pid, state, restarts }) => `pid ${pid}, ${state}, ${restarts} restarts`,
      ),
    ],
    ["log level", status.logLevel],
  ];
}
