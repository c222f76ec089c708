// The password of a call: asked for, or from a file, standard input, the environment or a command.
import { spawnSync } from "node:child_process";
import type { CallWish } from "./call-options.js";
import type { CliContext } from "./context.js";
import { CliFailure, exitCodes } from "./exit.js";
import { firstLine, knownPassword } from "./password.js";

const commandMs = 60_000;
const octetsMax = 4_096;

type Sources = CallWish & { readonly passwordStdin?: boolean };

/** One of the command line's sources; where it names none, the profile's. */
export async function sessionPassword(
  context: CliContext,
  options: Sources,
  profile: CallWish,
): Promise<string> {
  const typed = sources(options);
  if (typed.length > 1) {
    throw new CliFailure(exitCodes.usage, `${typed.join(" and ")} exclude each other`, "give one");
  }
  const chosen: Sources = typed.length === 1 ? options : profile;
  const { passwordEnv, passwordCommand, passwordFile, passwordStdin } = chosen;
  if (passwordEnv !== undefined) return fromEnvironment(context, passwordEnv);
  if (passwordCommand !== undefined) return fromCommand(passwordCommand);
  return knownPassword(context.io, {
    ...(passwordFile === undefined ? {} : { passwordFile }),
    ...(passwordStdin === undefined ? {} : { passwordStdin }),
  });
}

function sources(from: Sources): string[] {
  const all = {
    "--password-file": from.passwordFile,
    "--password-stdin": from.passwordStdin,
    "--password-env": from.passwordEnv,
    "--password-command": from.passwordCommand,
  };
  return Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [name]));
}

function fromEnvironment({ around }: CliContext, name: string): string {
  const value = around.environment[name];
  // Not for our children to see.
  delete process.env[name];
  if (value !== undefined) return firstLine(value);
  const message = `there is no variable ${name} in the environment`;
  throw new CliFailure(exitCodes.usage, message, "set it (sudo passes on none: sudo -E)");
}

/** Its own questions and complaints go to the terminal; only the first line it prints counts. */
function fromCommand(command: string): string {
  const { status, stdout, error } = spawnSync("/bin/sh", ["-c", command], {
    stdio: ["inherit", "pipe", "inherit"],
    encoding: "utf8",
    timeout: commandMs,
    maxBuffer: octetsMax,
  });
  if (error === undefined && status === 0) return firstLine(stdout);
  const why = error === undefined ? `ended with ${status}` : error.message;
  const message = `the password command ${why}`;
  throw new CliFailure(exitCodes.failed, message, "run it by itself to see what is wrong");
}
