// Where a command gets a password from. Never from its arguments: every user of the host can read
// those.
import { closeSync, fstatSync, openSync, readSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { writeExclusively } from "../store/key-file.js";
import { randomPassword } from "../store/random-password.js";
import { CliFailure, exitCodes } from "./exit.js";
import type { Io } from "./io.js";

export type PasswordOptions = {
  readonly passwordFile?: string;
  readonly passwordStdin?: boolean;
  readonly random?: boolean;
};

const octetsMax = 4_096;

export function addPasswordOptions(command: Command, kind: "new" | "known"): Command {
  command
    .option("--password-file <file>", "take the password from the first line of a file")
    .option("--password-stdin", "take it from the first line of standard input");
  if (kind === "known") return command;
  return command.option("--random", "make one: shown on the terminal, else written to a 0600 file");
}

export type NewPassword = {
  readonly password: string;
  /** Before the account has it: without a terminal it is written down, for it must not get lost. */
  keep(): void;
  /** The account has it: says what it is, or where it stands. */
  tell(): void;
  /** The account did not get it. */
  forget(): void;
};

/** `directory` is where a made password goes when there is no terminal. */
export async function newPassword(
  io: Io,
  options: PasswordOptions,
  name: string,
  directory: string,
): Promise<NewPassword> {
  one(options);
  if (options.random !== true) {
    const password = await knownPassword(io, options, true);
    return { password, keep: () => {}, tell: () => {}, forget: () => {} };
  }
  const password = randomPassword();
  if (io.outIsTerminal) {
    const tell = () => io.err(`Password: ${password}\n`);
    return { password, keep: () => {}, tell, forget: () => {} };
  }
  let written: string | undefined;
  return {
    password,
    keep: () => {
      const slug = name.replaceAll(/[^A-Za-z0-9_-]/g, "_").slice(0, 64);
      try {
        written = writePasswordFile(join(directory, `password-${slug}`), `${name} ${password}\n`);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        const message = `the password cannot be written to a file: ${why}`;
        throw new CliFailure(exitCodes.failed, message, "use a terminal, or --password-stdin");
      }
    },
    tell: () => io.err(`The password is in ${written}: read it, then remove the file.\n`),
    forget: () => {
      if (written !== undefined) unlinkSync(written);
    },
  };
}

/** Runs `give` between keeping the password and telling it. */
export async function handOver<T>(secret: NewPassword, give: () => Promise<T>): Promise<T> {
  secret.keep();
  try {
    const given = await give();
    secret.tell();
    return given;
  } catch (failure) {
    secret.forget();
    throw failure;
  }
}

/** `twice`: a new one is typed again, since nobody sees it. */
export async function knownPassword(
  io: Io,
  options: PasswordOptions,
  twice = false,
): Promise<string> {
  one(options);
  if (options.passwordFile !== undefined) return firstLine(readFile(options.passwordFile));
  if (options.passwordStdin === true) return firstLine(io.readAll(octetsMax));
  if (!io.inIsTerminal) {
    throw new CliFailure(
      exitCodes.usage,
      "there is no terminal to ask for the password on",
      "use --password-stdin or --password-file",
    );
  }
  const typed = await io.askHidden("Password: ");
  if (typed === undefined) throw givenUp();
  if (filled(typed) && !twice) return typed;
  const again = await io.askHidden("Again: ");
  if (again === undefined) throw givenUp();
  if (again === typed) return typed;
  throw new CliFailure(exitCodes.usage, "the two are not the same", "type it again");
}

function one({ passwordFile, passwordStdin, random }: PasswordOptions): void {
  const given = [passwordFile !== undefined, passwordStdin === true, random === true];
  if (given.filter(Boolean).length <= 1) return;
  const options = "--password-file, --password-stdin and --random";
  throw new CliFailure(exitCodes.usage, `${options} exclude each other`, "give one of them");
}

function givenUp(): CliFailure {
  return new CliFailure(exitCodes.failed, "given up", "nothing was changed");
}

export function firstLine(text: string): string {
  return filled(/^[^\r\n]*/.exec(text)?.[0] ?? "");
}

function filled(password: string): string {
  if (password !== "") return password;
  throw new CliFailure(exitCodes.usage, "the password is empty", "give at least one character");
}

function readFile(path: string): string {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, "r");
    if (!fstatSync(descriptor).isFile()) throw new Error("it is not a file");
    const octets = Buffer.alloc(octetsMax);
    const text = octets.subarray(0, readSync(descriptor, octets)).toString("utf8");
    octets.fill(0);
    return text;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const message = `the password file ${path} cannot be read: ${why}`;
    throw new CliFailure(exitCodes.failed, message, "name a file you may read");
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** A new 0600 file; where the name is taken, one with a number. */
function writePasswordFile(path: string, line: string): string {
  for (let number = 1; ; number++) {
    const tried = number === 1 ? path : `${path}-${number}`;
    try {
      writeExclusively(tried, line);
      return tried;
    } catch (error) {
      const taken = error instanceof Error && "code" in error && error.code === "EEXIST";
      if (!taken || number >= 100) throw error;
    }
  }
}
