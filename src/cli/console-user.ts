// holdfast console-user: who may use the console. These are no VPN accounts.
import { Option } from "commander";
import { printable } from "../base/printable.js";
import {
  type ConsoleUserShown,
  consoleUserSchema,
  consoleUsersSchema,
  roles,
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
import { CliFailure, exitCodes } from "./exit.js";
import { addPasswordOptions, handOver, newPassword, type PasswordOptions } from "./password.js";
import { type Column, moment, printJson, table } from "./table.js";

type Options = StateOptions & JsonOption;

export function consoleUserCommand(context: CliContext) {
  const made = command("console-user", "who may use the console");
  for (const make of [addCommand, listCommand, setCommand, passwordCommand, removeCommand]) {
    made.addCommand(make(context));
  }
  return made;
}

function addCommand(context: CliContext) {
  const made = command(
    "add",
    "make a console user; the password is asked for, 12 characters or more",
  )
    .argument("<name>", "small letters, digits, '.', '_' and '-'")
    .addOption(
      new Option(
        "--role <role>",
        "viewer looks, operator acts on sessions and blocks, administrator all",
      )
        .choices([...roles])
        .default("administrator"),
    )
    .action(async (name: string, options: Options & PasswordOptions & { role: string }) => {
      const { directory } = context.paths(options);
      const secret = await newPassword(context.io, options, name, directory);
      const body = { name, role: options.role, password: secret.password };
      const user = await handOver(secret, () =>
        context.client(options).send("POST", "/console-users", consoleUserSchema, body),
      );
      said(context, options, user, `may use the console as ${user.role}`);
    });
  return withExamples(
    addPasswordOptions(withJson(withState(made)), "new"),
    "holdfast console-user add ann",
    "holdfast console-user add bob --role viewer --random",
  );
}

function setCommand(context: CliContext) {
  const made = command("set", "another role, or no log-in for now; its log-ins end")
    .argument("<name>", "console user")
    .addOption(new Option("--role <role>", "another role").choices([...roles]))
    .option("--disable", "it may not log in")
    .option("--enable", "it may log in again")
    .action(async (name: string, options: Options & SetOptions) => {
      const { role, disable, enable } = options;
      const body = {
        ...(role === undefined ? {} : { role }),
        ...(disable === enable ? {} : { enabled: enable === true }),
      };
      if (Object.keys(body).length === 0) {
        throw new CliFailure(
          exitCodes.usage,
          "nothing to change",
          "give --role, --disable or --enable",
        );
      }
      const path = `/console-users/${encodeURIComponent(name)}`;
      const user = await context.client(options).send("PATCH", path, consoleUserSchema, body);
      const state = user.enabled ? `may use the console as ${user.role}` : "may not log in";
      said(context, options, user, state);
    });
  return withExamples(
    withJson(withState(made)),
    "holdfast console-user set bob --role operator",
    "holdfast console-user set bob --disable",
  );
}

type SetOptions = {
  readonly role?: string;
  readonly disable?: boolean;
  readonly enable?: boolean;
};

function passwordCommand(context: CliContext) {
  const made = command("password", "give a console user another password; its log-ins end")
    .argument("<name>", "console user")
    .action(async (name: string, options: Options & PasswordOptions) => {
      const { directory } = context.paths(options);
      const secret = await newPassword(context.io, options, name, directory);
      const path = `/console-users/${encodeURIComponent(name)}/password`;
      const body = { password: secret.password };
      const user = await handOver(secret, () =>
        context.client(options).send("PUT", path, consoleUserSchema, body),
      );
      said(context, options, user, "has another password");
    });
  return withExamples(
    addPasswordOptions(withJson(withState(made)), "new"),
    "holdfast console-user password ann",
  );
}

function removeCommand(context: CliContext) {
  const made = command("remove", "take the console from a user; its log-ins end")
    .argument("<name>", "console user")
    .action(async (name: string, options: Options) => {
      const path = `/console-users/${encodeURIComponent(name)}`;
      const user = await context.client(options).send("DELETE", path, consoleUserSchema);
      said(context, options, user, "may use the console no more");
    });
  return withExamples(withJson(withState(made)), "holdfast console-user remove ann");
}

function listCommand(context: CliContext) {
  const made = command("list", "console users").action(async (options: Options) => {
    const { io } = context;
    const found = await context.client(options).get("/console-users", consoleUsersSchema);
    if (options.json === true) return printJson(io, found);
    if (found.users.length === 0) return io.err("There is no console user yet.\n");
    io.out(table(found.users, columns, io.columns));
  });
  return withExamples(withJson(withState(made)), "holdfast console-user list");
}

const columns: readonly Column<ConsoleUserShown>[] = [
  { title: "NAME", value: ({ name }) => name },
  { title: "ROLE", value: ({ role }) => role },
  { title: "STATE", value: ({ enabled }) => (enabled ? "" : "disabled") },
  { title: "LOG-INS", value: ({ logIns }) => logIns, align: "right" },
  { title: "PASSWORD OF", value: ({ changedAt }) => moment(changedAt) },
];

function said(context: CliContext, options: JsonOption, user: ConsoleUserShown, outcome: string) {
  if (options.json === true) printJson(context.io, user);
  else context.io.out(`${printable(user.name)} ${outcome}\n`);
}
