// holdfast user list, user show
import type { AccountShown } from "../console/contract.js";
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
import { type Column, moment, printJson, table } from "./table.js";
import { showAccount } from "./user-shown.js";

const columns: readonly Column<AccountShown>[] = [
  { title: "USER", value: ({ name }) => name, least: 8 },
  { title: "ENABLED", value: ({ enabled }) => (enabled ? "yes" : "no") },
  { title: "ADDRESS", value: ({ staticAddress }) => staticAddress },
  { title: "ROUTES", value: ({ routes }) => routes.join(" ") || null, least: 8 },
  { title: "SESSIONS", value: ({ sessionsMax }) => sessionsMax, align: "right" },
  { title: "UNTIL", value: ({ validUntil }) => moment(validUntil), least: 10 },
  { title: "CHANGED", value: ({ changedAt }) => moment(changedAt), least: 10 },
];

export function userListCommand(context: CliContext) {
  const made = command("list", "every account").action(
    async (options: StateOptions & JsonOption) => {
      const accounts = await withAccounts(context, options, async (commands) => {
        const all: AccountShown[] = [];
        for (let after: string | undefined; ; ) {
          const page = await commands.list(after);
          all.push(...page.accounts);
          if (page.next === null) return all;
          after = page.next;
        }
      });
      if (options.json === true) return printJson(context.io, { accounts });
      if (accounts.length === 0) return context.io.err("There is no account yet.\n");
      context.io.out(table(accounts, columns, context.io.columns));
    },
  );
  return withExamples(
    withJson(withConfig(withState(made))),
    "holdfast user list",
    "holdfast user list --json",
  );
}

export function userShowCommand(context: CliContext) {
  const made = command("show", "one account")
    .argument("<name>", "user name")
    .action(async (name: string, options: StateOptions & JsonOption) => {
      const account = await withAccounts(context, options, (accounts) => accounts.find(name));
      if (options.json === true) printJson(context.io, account);
      else context.io.out(showAccount(account));
    });
  return withExamples(withJson(withConfig(withState(made))), "holdfast user show ann");
}
