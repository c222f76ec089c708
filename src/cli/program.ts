// The command tree, and how a run of it ends: one exit code, one message, one remedy.
import { Command, CommanderError } from "commander";
import { apiCommand } from "./api.js";
import { backupCommand } from "./backup.js";
import { blockCommand, blocksCommand, unblockCommand } from "./blocks.js";
import { bulletinsCommand } from "./bulletins.js";
import { completionCommand } from "./completion.js";
import { configCommand } from "./config.js";
import { connectCommand } from "./connect.js";
import { consoleUserCommand } from "./console-user.js";
import type { CliContext } from "./context.js";
import { demoCommand } from "./demo.js";
import { disconnectCommand } from "./disconnect.js";
import { doctorCommand } from "./doctor.js";
import { CliFailure, exitCodeHelp, exitCodes } from "./exit.js";
import { incidentsCommand } from "./incidents.js";
import { keyCommand } from "./key.js";
import { ledgerCommand } from "./ledger.js";
import { logLevelCommand } from "./log-level.js";
import { noticeCommand } from "./notice.js";
import { probeCommand } from "./probe.js";
import { profileCommand } from "./profile.js";
import { reloadCommand } from "./reload.js";
import { serveCommand } from "./serve.js";
import { sessionCommand } from "./session.js";
import { sessionsCommand } from "./sessions.js";
import { statusCommand } from "./status.js";
import { stormCommand } from "./storm.js";
import { json } from "./table.js";
import { tokenCommand } from "./token.js";
import { userCommand } from "./user.js";
import { verifyCommand } from "./verify.js";
import { versionCommand } from "./version.js";

export function createProgram(context: CliContext, asJson = false): Command {
  const program = new Command("holdfast")
    .description("PPTP access server that gives every resource back")
    .version(context.version, "-V, --version", "print the version")
    .addHelpText("after", `\n${exitCodeHelp}`);
  const commands = [
    serveCommand(context),
    demoCommand(context),
    userCommand(context),
    keyCommand(context),
    configCommand(context),
    statusCommand(context),
    sessionsCommand(context),
    sessionCommand(context),
    disconnectCommand(context),
    ledgerCommand(context),
    blocksCommand(context),
    blockCommand(context),
    unblockCommand(context),
    incidentsCommand(context),
    bulletinsCommand(context),
    noticeCommand(context),
    consoleUserCommand(context),
    tokenCommand(context),
    apiCommand(context),
    logLevelCommand(context),
    reloadCommand(context),
    backupCommand(context),
    doctorCommand(context),
    connectCommand(context),
    profileCommand(context),
    probeCommand(context),
    stormCommand(context),
    verifyCommand(context),
    versionCommand(context),
    completionCommand(context, () => program),
  ];
  for (const one of commands) program.addCommand(one);
  adopt(program, context, asJson);
  return program;
}

/** Nothing below ends the process or writes past `io`. */
function adopt(made: Command, context: CliContext, asJson: boolean): void {
  const { io } = context;
  made.exitOverride();
  made.showSuggestionAfterError(true);
  made.configureOutput({
    writeOut: (text) => io.out(text),
    writeErr: (text) => io.err(text),
    getOutHelpWidth: () => io.columns ?? 100,
    getErrHelpWidth: () => io.columns ?? 100,
    outputError: (text, write) => {
      const message = text.replace(/^error: /, "").trimEnd();
      const remedy = `see ${pathOf(made)} --help`;
      const error = { code: exitCodes.usage, reason: "usage", message, remedy };
      write(asJson ? json({ error }) : `holdfast: ${message}\nRemedy: ${remedy}.\n`);
    },
  });
  for (const one of made.commands) adopt(one, context, asJson);
}

/** `holdfast user add` */
function pathOf(made: Command): string {
  return made.parent === null ? made.name() : `${pathOf(made.parent)} ${made.name()}`;
}

/** `words` without node and script. Returns the exit code; what went wrong is already said. */
export async function runCli(words: readonly string[], context: CliContext): Promise<number> {
  try {
    await createProgram(context, words.includes("--json")).parseAsync([...words], { from: "user" });
    return context.exitCode;
  } catch (failure) {
    if (failure instanceof CommanderError) {
      // Help and version are asked for; help shown for want of a command is a wrong command line.
      return failure.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    }
    return said(failure, context, words.includes("--json"));
  }
}

function said(failure: unknown, { io }: CliContext, asJson: boolean): number {
  if (!(failure instanceof CliFailure)) {
    const text = failure instanceof Error ? (failure.stack ?? failure.message) : String(failure);
    io.err(`holdfast: this is a fault of ours, please report it:\n${text}\n`);
    return exitCodes.failed;
  }
  const { code, message, remedy, reason } = failure;
  if (asJson) io.err(json({ error: { code, reason, message, remedy } }));
  else io.err(`holdfast: ${message}\nRemedy: ${remedy.replace(/\.$/, "")}.\n`);
  return code;
}
