// holdfast incidents: streams of what nobody asked for, and what became of the sessions meanwhile.
import { never } from "../base/invariant.js";
import { printable } from "../base/printable.js";
import {
  type IncidentShown,
  incidentSchema,
  incidentsSchema,
} from "../console/incident-contract.js";
import { lostSessions } from "../core/guard/incident-report.js";
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
import { whole } from "./user-shown.js";

type Options = StateOptions & JsonOption;

export function incidentsCommand(context: CliContext) {
  const made = command("incidents", "attacks and other streams that were refused, newest first")
    .option("--most <number>", "so many of the newest", whole, 50)
    .action(async (options: Options & { most: number }) => {
      const { io } = context;
      const query = { most: Math.min(options.most, 1_000) };
      const page = await context.client(options).get("/incidents", incidentsSchema, query);
      if (options.json === true) return printJson(io, page);
      if (page.incidents.length === 0) return io.out("There was no incident.\n");
      io.out(table(page.incidents, columns, io.columns));
      io.err("See holdfast incidents show NUMBER for reasons, sources and effect.\n");
    });
  made.addCommand(showCommand(context));
  return withExamples(
    withJson(withState(made)),
    "holdfast incidents",
    "holdfast incidents show 3",
    "holdfast incidents --json | jq '.incidents[0].reasons'",
  );
}

function showCommand(context: CliContext) {
  const made = command("show", "one incident: reasons, sources, effect, what was blocked")
    .argument("<number>", "its number, from holdfast incidents", whole)
    .action(async (number: number, _: object, made: { optsWithGlobals(): Options }) => {
      // Both commands take --json and --state; what stands before `show` counts too.
      const options = made.optsWithGlobals();
      const one = await context.client(options).get(`/incidents/${number}`, incidentSchema);
      if (options.json === true) return printJson(context.io, one);
      context.io.out(pairs(lines(one)));
    });
  return withExamples(withJson(withState(made)), "holdfast incidents show 3");
}

const columns: readonly Column<IncidentShown>[] = [
  { title: "NUMBER", value: ({ number }) => number, align: "right" },
  { title: "BEGIN", value: ({ begin }) => moment(begin) },
  { title: "FOR", value: (one) => duration(lastedMs(one)), align: "right" },
  { title: "STATE", value: ({ ending }) => states[ending ?? "open"] },
  { title: "PEAK/S", value: ({ peakPerSecond }) => peakPerSecond, align: "right" },
  { title: "REFUSED", value: ({ refused }) => refused, align: "right" },
  { title: "LOST", value: (one) => lostSessions(one), align: "right" },
  { title: "BLOCKED", value: (one) => one.blocked.length + one.blockedMore, align: "right" },
  { title: "MOSTLY", value: ({ reasons }) => sorted(reasons)[0]?.[0] ?? null, least: 8 },
];

const states = {
  open: "GOES ON",
  quiet: "over",
  "server-stopped": "server stopped",
  "server-lost": "server lost",
} as const;

function lastedMs({ begin, end, seenAt }: IncidentShown): number {
  return (end ?? seenAt) - begin;
}

function sorted(counts: Readonly<Record<string, number>>): [string, number][] {
  return Object.entries(counts).sort(([, a], [, b]) => b - a);
}

function lines(one: IncidentShown): Parameters<typeof pairs>[0] {
  const { begin, overPerSecond, perSecond, peakPerSecond, dropped } = one;
  const now = one.ending === null ? `, ${perSecond} now` : "";
  const blocked = one.blocked.map(({ address, reason }) => `${address}: ${printable(reason)}`);
  if (one.blockedMore > 0) blocked.push(`and ${one.blockedMore} more`);
  return [
    ["incident", one.number],
    ["begin", moment(begin)],
    ["end", endText(one)],
    ["lasted", duration(lastedMs(one))],
    ["refused", `${one.refused}: at most ${peakPerSecond} a second${now}`],
    ["noticed", `since it was more than ${overPerSecond} a second`],
    ["reasons", sorted(one.reasons).map(([reason, count]) => `${count} ${printable(reason)}`)],
    ["sources", sourceLines(one)],
    ["sessions", `${one.sessionsAtBegin} at its begin; ${endedText(one)}`],
    ["log-ins", `${one.logIns} meanwhile, ${one.logInsRefused} refused`],
    ["processor", `${one.processorPercent} % of one, by the main process`],
    ["blocked", blocked.length === 0 ? ["nothing"] : blocked],
    [
      "kernel dropped",
      `${dropped.connections} attempts to connect and ${dropped.gre} GRE packets of blocked sources`,
    ],
  ];
}

function endText({ end, ending, seenAt }: IncidentShown): string {
  switch (ending) {
    case null:
      return `it goes on (seen ${moment(seenAt)})`;
    case "quiet":
      return `${moment(end)}`;
    case "server-stopped":
      return `${moment(end)}, when the server was stopped: it was not over`;
    case "server-lost":
      return `unknown: the server was killed; these figures are of ${moment(end)}`;
    default:
      return never(ending);
  }
}

function sourceLines({ sources, greSources }: IncidentShown): string[] {
  const shown = sources.map(({ address, count, mayBeForged }) =>
    mayBeForged
      ? `${address}: about ${count} GRE packets, source may be forged`
      : `${address}: at least ${count}, proven by TCP`,
  );
  if (shown.length === 0) shown.push("none stands out");
  if (greSources === "not-sampled")
    shown.push("GRE: source not sampled (only the eBPF filter can)");
  return shown;
}

function endedText(one: IncidentShown): string {
  const ended = sorted(one.sessionsEnded);
  const lost = lostSessions(one);
  const total = ended.reduce((sum, [, count]) => sum + count, 0);
  if (total === 0) return "none ended meanwhile";
  const causes = ended.map(([cause, count]) => `${count} ${cause}`).join(", ");
  return `${counted(total, "session")} ended meanwhile (${causes}), ${lost} of them LOST`;
}
