// holdfast user set, passwd, enable, disable, remove
import type { Command } from "commander";
import { printable } from "../base/printable.js";
import type { AccountShown } from "../console/contract.js";
import { type AccountCommands, withAccounts } from "./accounts.js";
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
import { CliFailure, exitCodes } from "./exit.js";
import { addPasswordOptions, handOver, newPassword, type PasswordOptions } from "./password.js";
import { printJson } from "./table.js";
import { addTermOptions, showAccount, type TermOptions, termsOf } from "./user-shown.js";

type Common = StateOptions & JsonOption;

export function userSetCommand(context: CliContext) {
  const made = command("set", "change what an account may have; only what is given is changed")
    .argument("<name>", "user name")
    .action(async (name: string, options: Common & TermOptions) => {
      const terms = termsOf(options);
      if (Object.keys(terms).length === 0) {
        throw new CliFailure(exitCodes.usage, "nothing to change is given", "see --help");
      }
      const account = await withAccounts(context, options, (all) => all.update(name, terms));
      if (options.json === true) printJson(context.io, account);
      else context.io.out(showAccount(account));
    });
  addTermOptions(withJson(withConfig(withState(made))));
  return withExamples(
    made,
    "holdfast user set ann --address 10.99.0.20 --idle-seconds 1800",
    "holdfast user set ann --rate-up 10M --rate-down unlimited",
    "holdfast user set ann --address none",
  );
}

export function userPasswdCommand(context: CliContext) {
  const made = command("passwd", "give an account another password; its sessions go on")
    .argument("<name>", "user name")
    .action(async (name: string, options: Common & PasswordOptions) => {
      const { directory } = context.paths(options);
      const secret = await newPassword(context.io, options, name, directory);
      const account = await withAccounts(context, options, async (accounts) => {
        await accounts.find(name);
        return handOver(secret, () => accounts.setPassword(name, secret.password));
      });
      said(context, options, account, "has another password");
    });
  addPasswordOptions(withJson(withConfig(withState(made))), "new");
  return withExamples(
    made,
    "holdfast user passwd ann",
    "holdfast user passwd ann --random",
    "holdfast user passwd ann --password-stdin < /root/ann.password",
  );
}

export function userEnableCommand(context: CliContext) {
  const made = command("enable", "let an account log in again");
  return oneName(context, made, "may log in", (accounts, name) => accounts.setEnabled(name, true));
}

export function userDisableCommand(context: CliContext) {
  const made = command("disable", "keep an account, and let it log in no more; its sessions end");
  return oneName(context, made, "may no longer log in", (accounts, name) =>
    accounts.setEnabled(name, false),
  );
}

export function userRemoveCommand(context: CliContext) {
  const made = command("remove", "delete an account; its sessions end, its accounting stays");
  return oneName(context, made, "is gone", (accounts, name) => accounts.remove(name));
}

function oneName(
  context: CliContext,
  made: Command,
  outcome: string,
  change: (accounts: AccountCommands, name: string) => Promise<AccountShown>,
): Command {
  made.argument("<name>", "user name").action(async (name: string, options: Common) => {
    const account = await withAccounts(context, options, (accounts) => change(accounts, name));
    said(context, options, account, outcome);
  });
  return withExamples(withJson(withConfig(withState(made))), `holdfast user ${made.name()} ann`);
}

function said(context: CliContext, options: JsonOption, account: AccountShown, outcome: string) {
  if (options.json === true) printJson(context.io, account);
  else context.io.out(`${printable(account.name)} ${outcome}\n`);
}
