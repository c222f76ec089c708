// holdfast ledger: what is held now, by whom, since when, and what is stuck.
import { Option } from "commander";
import { type LedgerEntry, ledgerSchema } from "../console/contract.js";
import {
  type CliContext,
  command,
  type JsonOption,
  type StateOptions,
  withExamples,
  withJson,
  withState,
} from "./context.js";
import { type Column, duration, printJson, table } from "./table.js";

type Options = StateOptions &
  JsonOption & { readonly what?: string; readonly only?: string; readonly summary?: boolean };

export function ledgerCommand(context: CliContext) {
  const made = command("ledger", "everything the server holds, by whom, since when; what is stuck")
    .option("--what <kind>", "only leases of this kind, such as callId")
    .addOption(
      new Option("--only <state>", "only leases in this state").choices([
        "held",
        "returning",
        "stuck",
      ]),
    )
    .option("--summary", "only the counts by kind")
    .action((options: Options) => ledger(context, options));
  return withExamples(
    withJson(withState(made)),
    "holdfast ledger",
    "holdfast ledger --only stuck",
    "holdfast ledger --summary --json",
  );
}

async function ledger(context: CliContext, options: Options): Promise<void> {
  const client = context.client(options);
  const lines: LedgerEntry[] = [];
  let balance: Record<string, number> = {};
  for (let after: number | undefined; ; ) {
    const query = { what: options.what, state: options.only, after, most: 1_000 };
    const page = await client.get("/ledger", ledgerSchema, query);
    balance = page.balance;
    lines.push(...page.lines);
    if (page.next === null || options.summary === true) break;
    after = page.next;
  }
  const { io } = context;
  if (options.json === true) {
    return printJson(io, options.summary === true ? { balance } : { balance, lines });
  }
  const counts = Object.entries(balance);
  if (counts.length === 0) return io.out("Nothing is held.\n");
  if (options.summary === true) {
    const rows = counts.map(([what, count]) => ({ what, count }));
    return io.out(
      table(
        rows,
        [
          { title: "KIND", value: ({ what }) => what },
          { title: "HELD", value: ({ count }) => count, align: "right" },
        ],
        io.columns,
      ),
    );
  }
  if (lines.length === 0) return io.err("Nothing of that is held.\n");
  io.out(table(lines, columns(io.now()), io.columns));
}

function columns(now: number): readonly Column<LedgerEntry>[] {
  return [
    { title: "ID", value: ({ id }) => id, align: "right" },
    { title: "KIND", value: ({ what }) => what },
    { title: "HELD BY", value: ({ owner }) => owner, least: 8 },
    { title: "WHICH", value: ({ detail }) => detail || null, least: 8 },
    { title: "FOR", value: ({ since }) => duration(now - since), align: "right" },
    { title: "STATE", value: ({ state }) => (state === "stuck" ? "STUCK" : state) },
    { title: "WHY", value: ({ why }) => why || null, least: 8 },
  ];
}
