// holdfast sessions: who is in, or who was.
import { type AccountingLine, type SessionSummary, sessionsSchema } from "../console/contract.js";
import { withAccounts } from "./accounts.js";
import {
  type CliContext,
  command,
  type JsonOption,
  type StateOptions,
  withConfig,
  withExamples,
  withJson,
  withState,
} from "./context.js";
import { type Column, duration, moment, octets, printJson, table } from "./table.js";
import { whole } from "./user-shown.js";

type Options = StateOptions &
  JsonOption & {
    readonly user?: string;
    readonly peer?: string;
    readonly address?: string;
    readonly past?: boolean;
    readonly most?: number;
  };

export function sessionsCommand(context: CliContext) {
  const made = command("sessions", "every session, or those of one user, peer or address")
    .option("--user <name>", "only this user's")
    .option("--peer <ipv4>", "only from this outer address")
    .option("--address <ipv4>", "only the one that holds this inner address")
    .option("--past", "from the accounting, newest first, ended ones included")
    .option("--most <n>", "with --past: at most so many", whole, 50)
    .action((options: Options) =>
      options.past === true ? past(context, options) : present(context, options),
    );
  return withExamples(
    withJson(withConfig(withState(made))),
    "holdfast sessions",
    "holdfast sessions --user ann",
    "holdfast sessions --past --user ann --most 10",
  );
}

async function present(context: CliContext, options: Options): Promise<void> {
  const client = context.client(options);
  const { user, peer, address } = options;
  const sessions: SessionSummary[] = [];
  for (let after: number | undefined; ; ) {
    const query = { user, peer, address, after, most: 1_000 };
    const page = await client.get("/sessions", sessionsSchema, query);
    sessions.push(...page.sessions);
    if (page.next === null) break;
    after = page.next;
  }
  if (options.json === true) return printJson(context.io, { sessions });
  if (sessions.length === 0) return context.io.err("There is no session.\n");
  context.io.out(table(sessions, presentColumns(context.io.now()), context.io.columns));
}

function presentColumns(now: number): readonly Column<SessionSummary>[] {
  return [
    { title: "ID", value: ({ id }) => id, align: "right" },
    { title: "USER", value: ({ user }) => user, least: 6 },
    { title: "PEER", value: ({ peerAddress }) => peerAddress },
    { title: "ADDRESS", value: ({ framedAddress, phase }) => framedAddress ?? `(${phase})` },
    {
      title: "UP",
      value: ({ upAt }) => (upAt === null ? null : duration(now - upAt)),
      align: "right",
    },
    { title: "IN", value: ({ counters }) => octets(counters.receivedOctets), align: "right" },
    { title: "OUT", value: ({ counters }) => octets(counters.sentOctets), align: "right" },
    { title: "IDLE", value: ({ counters }) => duration(counters.idleMs), align: "right" },
    { title: "ENCRYPTION", value: ({ encryption }) => encryption, least: 8 },
    { title: "PROFILE", value: ({ profile }) => profile, least: 6 },
    { title: "CLIENT", value: ({ peersVendorString }) => peersVendorString || null, least: 4 },
  ];
}

const pastColumns: readonly Column<AccountingLine>[] = [
  { title: "STARTED", value: ({ startedAt }) => moment(startedAt), least: 10 },
  { title: "USER", value: ({ user }) => user, least: 6 },
  { title: "PEER", value: ({ peerAddress }) => peerAddress },
  { title: "ADDRESS", value: ({ framedAddress }) => framedAddress },
  {
    title: "FOR",
    value: ({ startedAt, endedAt, countedAt }) => duration((endedAt ?? countedAt) - startedAt),
    align: "right",
  },
  { title: "IN", value: ({ octetsIn }) => octets(octetsIn), align: "right" },
  { title: "OUT", value: ({ octetsOut }) => octets(octetsOut), align: "right" },
  {
    title: "ENDED BY",
    value: ({ cause, endedAt }) => cause ?? (endedAt === null ? "lives" : null),
  },
];

async function past(context: CliContext, options: Options): Promise<void> {
  const { user, most = 50 } = options;
  const lines = await withAccounts(context, options, async (accounts) => {
    const all: AccountingLine[] = [];
    for (let before: number | undefined; ; ) {
      const wanted = Math.min(1_000, most - all.length);
      const page = await accounts.accounting({ user, before, most: wanted });
      all.push(...page.lines);
      if (page.next === null || all.length >= most) return all;
      before = page.next;
    }
  });
  if (options.json === true) return printJson(context.io, { lines });
  if (lines.length === 0) return context.io.err("There is no record.\n");
  context.io.out(table(lines, pastColumns, context.io.columns));
}
