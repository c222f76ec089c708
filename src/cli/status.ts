// holdfast status: the running server at a glance, loud about what its operator should know.
import { type Status, statusSchema, type ThreadStatus } from "../console/contract.js";
import { groupThreads } from "../daemon/processes.js";
import {
  type CliContext,
  command,
  type JsonOption,
  type StateOptions,
  withExamples,
  withJson,
  withState,
} from "./context.js";
import { type Column, counted, duration, moment, pairs, printJson, table } from "./table.js";

/** Threads of one process that may do the same. */
type ThreadsLine = {
  readonly process: Status["processes"][number];
  readonly threads: readonly ThreadStatus[];
  readonly first: ThreadStatus;
};

const processColumns: readonly Column<ThreadsLine>[] = [
  { title: "PROCESS", value: ({ process }) => process.name, least: 12 },
  { title: "PID", value: ({ process }) => process.pid, align: "right" },
  { title: "THREADS", value: ({ threads }) => threadsText(threads), least: 10 },
  { title: "UID", value: ({ first }) => first.uid, align: "right" },
  { title: "GID", value: ({ first }) => first.gid, align: "right" },
  { title: "CAPABILITIES", value: ({ first }) => capabilitiesText(first), least: 12 },
  { title: "BOUNDING", value: ({ first }) => first.bounding.join(" ") || "none", least: 8 },
];

function threadLines({ processes }: Status): ThreadsLine[] {
  return processes.flatMap((process) =>
    groupThreads(process.threads).flatMap((threads) => {
      const [first] = threads;
      return first === undefined ? [] : [{ process, threads, first }];
    }),
  );
}

/** Those of ours by name, Node's own together: `11: main, store, 9 others`. */
function threadsText(threads: readonly ThreadStatus[]): string {
  const own = threads.flatMap(({ name }) => (name === "main" || name === "store" ? [name] : []));
  const others = threads.length - own.length;
  if (others === 0 && own.join() === "main") return "1";
  return `${threads.length}: ${[...own, ...(others > 0 ? [`${others} other${others === 1 ? "" : "s"}`] : [])].join(", ")}`;
}

/** One list where the sets that give something are the same, as they should be. */
function capabilitiesText(thread: ThreadStatus): string {
  const sets = ["effective", "permitted", "inheritable", "ambient"] as const;
  const text = (names: readonly string[]) => names.join(" ") || "none";
  const all = sets.map((set) => [set, text(thread[set])] as const);
  const different = all.some(([, names]) => names !== all[0]?.[1]);
  return different
    ? all.map(([set, names]) => `${set}: ${names}`).join("; ")
    : text(thread.effective);
}

export function statusCommand(context: CliContext) {
  const made = command(
    "status",
    "the running server: what it listens on, carries and holds",
  ).action(async (options: StateOptions & JsonOption) => {
    const status = await context.client(options).get("/status", statusSchema);
    if (options.json === true) return printJson(context.io, status);
    for (const warning of status.warnings) context.io.err(`WARNING: ${warning}\n`);
    context.io.out(pairs(overview(status)));
    context.io.out(`\n${table(threadLines(status), processColumns, context.io.columns)}`);
  });
  return withExamples(
    withJson(withState(made)),
    "holdfast status",
    "holdfast status --json | jq .sessions.now",
  );
}

function tunText(state: Status["network"]["tunState"]): string {
  return state === "up" ? state : state.toUpperCase();
}

function refusalText(refusal: Status["earlyRefusal"]): string {
  const { form, why, calls, refused, byReason } = refusal;
  if (form === "off") return why === "" ? "off" : `off (${why})`;
  const by = form === "eBPF" ? `eBPF, ${counted(calls, "live call")}` : "classic, by form";
  const reasons = byReason ? "by reason among the counters" : "reasons not available";
  const because = why === "" ? "" : ` (no eBPF: ${why})`;
  const sum =
    refused === null ? "what is refused is not counted" : `${refused} refused, ${reasons}`;
  return `${by}${because}; ${sum}`;
}

function xdpText({ xdp }: Status["earlyRefusal"]): string[] {
  const shown = { native: "native", generic: "generic", none: "not" } as const;
  return xdp.map(({ interface: name, mode, why }) => {
    return `${name} ${shown[mode]}${why === "" ? "" : ` (${why})`}`;
  });
}

function incidentText(incident: Status["incident"]): string {
  if (incident === null) return "none";
  const { number, begin, perSecond, refused, reason } = incident;
  const what = `${perSecond} a second now, ${refused} in all, mostly ${reason}`;
  return `${number}, since ${moment(begin)}: ${what} (holdfast incidents show ${number})`;
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
    ["early refusal", refusalText(status.earlyRefusal)],
    ["by XDP", xdpText(status.earlyRefusal)],
    ["interface", `${network.tun} (${tunText(network.tunState)}), gateway ${network.gateway}`],
    ["pool", `${network.pool}: ${addresses.leased} of ${addresses.size} leased`],
    ["IPv6", network.ipv6Prefix],
    ["NAT", network.nat],
    ["profiles", profiles],
    ["sessions", `${sessions.now} now; ${sessions.logIns} log-ins, ${sessions.refusals} refused`],
    [
      "connections",
      `${status.connections} of at most ${limits.connectionsMax} (${limits.descriptorsMax} descriptors)`,
    ],
    ["incident", incidentText(status.incident)],
    ["blocked", status.blocks === 0 ? "nothing" : `${status.blocks} (holdfast blocks)`],
    ["ledger", `${ledger.held} held${stuck}: ${kinds.join(", ") || "nothing"}`],
    ["store", `${store.health}, ${store.queueLength} waiting${refused}`],
    [
      "data workers",
      status.workers.map(
        ({ pid, state, restarts, engine, offload }) =>
          `pid ${pid}, ${state}, ${engine || "no"} engine, offload ${offload || "none"}, ${counted(restarts, "restart")}`,
      ),
    ],
    ["log level", status.logLevel],
  ];
}
