// holdfast backup: a whole, consistent copy of accounts and accounting.
import { randomBytes } from "node:crypto";
import { chmodSync, constants, copyFileSync, existsSync, unlinkSync } from "node:fs";
import { join, resolve } from "node:path";
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
import { CliFailure, exitCodes } from "./exit.js";
import { octets, printJson } from "./table.js";

export function backupCommand(context: CliContext) {
  const made = command("backup", "copy accounts and accounting into a file, consistent and whole")
    .argument("<file>", "the copy; it must not exist")
    .addHelpText(
      "after",
      "\nThe keys that open the passwords are not in it: keep a copy of <state>/keys apart from it.",
    )
    .action(async (file: string, options: StateOptions & JsonOption) => {
      const path = resolve(context.around.cwd, file);
      if (existsSync(path)) throw inTheWay(path);
      // The server may write into its own directory only: the copy is made there and moved out.
      const unique = randomBytes(6).toString("hex");
      const between = join(context.paths(options).directory, `backup-${unique}.db`);
      const done = await withAccounts(context, options, (accounts) => accounts.backup(between));
      moveOut(between, path);
      if (options.json === true) return printJson(context.io, { path, octets: done.octets });
      context.io.out(`${path}: ${octets(done.octets)} octets\n`);
    });
  return withExamples(withJson(withConfig(withState(made))), "holdfast backup /root/holdfast.db");
}

function moveOut(between: string, path: string): void {
  try {
    copyFileSync(between, path, constants.COPYFILE_EXCL);
    chmodSync(path, 0o600);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") throw inTheWay(path);
    const why = error instanceof Error ? error.message : String(error);
    throw new CliFailure(exitCodes.failed, `the copy failed: ${why}`, "name another place");
  } finally {
    unlinkSync(between);
  }
}

function inTheWay(path: string): CliFailure {
  const remedy = "name a file that is not there";
  return new CliFailure(exitCodes.refused, `${path} exists already`, remedy, "file-exists");
}
