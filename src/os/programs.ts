// Children of a moment (ip, nft, setpriv, getent): a fixed path, no shell, a deadline, bounded output.
import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { kernel as limits } from "../limits.js";
import { fromNodeError, type OsError, osError } from "./errors.js";

/** Not PATH: it is the caller's, and these run with a capability. */
const DIRECTORIES = ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin"];

/** Enough for every child of ours; nothing of our own environment is passed on. */
export const CHILD_ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
  LC_ALL: "C.UTF-8",
};

const found = new Map<string, string>();

/** The absolute path of a program of the system, or undefined. */
export function findProgram(name: string): string | undefined {
  const known = found.get(name);
  if (known !== undefined) return known;
  for (const directory of DIRECTORIES) {
    const path = `${directory}/${name}`;
    try {
      accessSync(path, constants.X_OK);
      found.set(name, path);
      return path;
    } catch {}
  }
  return undefined;
}

export type ProgramResult = {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
};

export type ProgramOptions = {
  readonly input?: string;
  readonly deadlineMs?: number;
  readonly outputOctetsMax?: number;
};

/**
 * Runs `argv` (argv[0] an absolute path) to its end. A non-zero code is a result; errors are what kept
 * it from ending by itself: ENOENT, ETIMEDOUT, EFBIG (too much output), EINTR (a signal).
 */
export function runProgram(
  argv: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult | OsError> {
  const [path = "", ...rest] = argv;
  const call = argv.at(argv.indexOf("--") + 1) ?? path;
  return new Promise((settle) => {
    let child: ChildProcess;
    try {
      child = spawn(path, rest, { env: CHILD_ENVIRONMENT, cwd: "/", stdio: "pipe" });
    } catch (error) {
      settle(fromNodeError(call, error));
      return;
    }
    let failure: OsError | undefined;
    const stop = (why: OsError) => {
      failure ??= why;
      child.kill("SIGKILL");
    };
    const deadlineMs = options.deadlineMs ?? limits.programDeadlineMs;
    const timer = setTimeout(() => stop(osError(call, "ETIMEDOUT")), deadlineMs);
    let left = options.outputOctetsMax ?? limits.programOutputOctetsMax;
    const chunks: { stdout: Buffer[]; stderr: Buffer[] } = { stdout: [], stderr: [] };
    for (const name of ["stdout", "stderr"] as const) {
      child[name]?.on("data", (chunk: Buffer) => {
        left -= chunk.byteLength;
        if (left < 0) stop(osError(call, "EFBIG", "too much output"));
        else chunks[name].push(chunk);
      });
    }
    // A child that ends before it has read its input is told by its code, not by our write.
    child.stdin?.on("error", () => {});
    child.stdin?.end(options.input ?? "");
    child.on("error", (error) => {
      clearTimeout(timer);
      settle(fromNodeError(call, error));
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      const text = (parts: Buffer[]) => Buffer.concat(parts).toString("utf8");
      const stderr = text(chunks.stderr);
      if (failure !== undefined) settle(failure);
      else if (code === null) settle(osError(call, "EINTR", `ended by ${signal}`));
      else settle({ code, stdout: text(chunks.stdout), stderr });
    });
  });
}

const PHRASES: readonly [RegExp, string][] = [
  [/Operation not permitted/, "EPERM"],
  [/Permission denied/, "EACCES"],
  [/File exists/, "EEXIST"],
  [/Cannot find device|No such device|does not exist/, "ENODEV"],
  [/No such process/, "ESRCH"],
  [/No such file or directory/, "ENOENT"],
  [/Device or resource busy/, "EBUSY"],
  [/Network is unreachable/, "ENETUNREACH"],
  [/Network is down/, "ENETDOWN"],
  [/Cannot assign requested address/, "EADDRNOTAVAIL"],
  [/(Operation|Protocol) not supported/, "EOPNOTSUPP"],
  [/No buffer space available/, "ENOBUFS"],
  [/Cannot allocate memory/, "ENOMEM"],
];

/** The errno a child's error output speaks of; EINVAL when it names none we know. */
export function errnoOfText(stderr: string): string {
  return PHRASES.find(([phrase]) => phrase.test(stderr))?.[1] ?? "EINVAL";
}

/** The failure of a child that ended with `code`, its first words kept. */
export function programFailed(call: string, { stderr }: ProgramResult): OsError {
  // One line: it is shown in the middle of others. Of a batch, ip says which line as well: we know.
  const said = stderr.replaceAll(/^Command failed -:[0-9]+$/gm, "").trim();
  return osError(call, errnoOfText(stderr), said.replaceAll(/\s*\n\s*/g, "; ").slice(0, 500));
}
