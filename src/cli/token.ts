// holdfast token: tokens with which machines read metrics or ask the admin API over HTTP.
import { InvalidArgumentError, Option } from "commander";
import {
  roles,
  type TokenShown,
  tokenMadeSchema,
  tokenSchema,
  tokensSchema,
} from "../console/console-contract.js";
import {
  type CliContext,
  command,
  type JsonOption,
  type StateOptions,
  withExamples,
  withJson,
  withState,
} from "./context.js";
import { type Column, moment, printJson, table } from "./table.js";

type Options = StateOptions & JsonOption;

export function tokenCommand(context: CliContext) {
  const made = command("token", "tokens of machines for the console's HTTP");
  for (const make of [addCommand, listCommand, removeCommand]) made.addCommand(make(context));
  return made;
}

function addCommand(context: CliContext) {
  const made = command("add", "make a token and print it, this once")
    .argument("<name>", "what it is for: small letters, digits, '.', '_' and '-'")
    .addOption(
      new Option("--role <role>", "metrics reads /metrics and /readyz, the others are users' roles")
        .choices(["metrics", ...roles])
        .default("metrics"),
    )
    .addOption(
      new Option("--days <number>", "how long it is valid").argParser(days).default(365, "365"),
    )
    .action(async (name: string, options: Options & { role: string; days: number }) => {
      const body = { name, role: options.role, days: options.days };
      const token = await context.client(options).send("POST", "/tokens", tokenMadeSchema, body);
      if (options.json === true) return printJson(context.io, token);
      context.io.err(`Valid until ${moment(token.expiresAt)}; it is not shown again:\n`);
      context.io.out(`${token.token}\n`);
    });
  return withExamples(
    withJson(withState(made)),
    "holdfast token add prometheus > /etc/prometheus/holdfast.token",
    "holdfast token add deploy --role operator --days 30",
  );
}

function listCommand(context: CliContext) {
  const made = command("list", "tokens, and until when they are valid").action(
    async (options: Options) => {
      const { io } = context;
      const found = await context.client(options).get("/tokens", tokensSchema);
      if (options.json === true) return printJson(io, found);
      if (found.tokens.length === 0) return io.err("There is no token.\n");
      io.out(table(found.tokens, columns, io.columns));
    },
  );
  return withExamples(withJson(withState(made)), "holdfast token list");
}

function removeCommand(context: CliContext) {
  const made = command("remove", "end a token")
    .argument("<name>", "as it was added")
    .action(async (name: string, options: Options) => {
      const path = `/tokens/${encodeURIComponent(name)}`;
      const token = await context.client(options).send("DELETE", path, tokenSchema);
      if (options.json === true) printJson(context.io, token);
      else context.io.out(`No longer valid: ${token.name}\n`);
    });
  return withExamples(withJson(withState(made)), "holdfast token remove deploy");
}

const columns: readonly Column<TokenShown>[] = [
  { title: "NAME", value: ({ name }) => name },
  { title: "ROLE", value: ({ role }) => role },
  { title: "MADE", value: ({ createdAt }) => moment(createdAt) },
  { title: "UNTIL", value: ({ expiresAt }) => moment(expiresAt) },
];

function days(text: string): number {
  const number = Number(text);
  if (/^[0-9]{1,4}$/.test(text) && number >= 1 && number <= 3_650) return number;
  throw new InvalidArgumentError("Not a number of days from 1 to 3650.");
}
