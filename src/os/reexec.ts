// From root to a user of our own with exactly the capabilities we need: an exec of setpriv, which
// execs Node anew. The pid stays, so npm's and systemd's signals still arrive.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type Capability, readPrivileges } from "./capabilities.js";
import type { Descriptor } from "./descriptor.js";
import { keepFromChildren } from "./descriptors.js";
import { isOsError, type OsError, osError } from "./errors.js";
import { execve, setCloseOnExec } from "./libc.js";
import { chooseOwnUser, type OwnUser, type OwnUserWish } from "./own-user.js";
import { keepDescriptors, PASSED_DESCRIPTORS, passDescriptors } from "./passed-descriptors.js";
import { capabilitySet, NEEDED, ownPrivileges } from "./privileges.js";
import { CHILD_ENVIRONMENT, findProgram } from "./programs.js";
import { giveDirectory } from "./state-directory.js";

/** Says that the exec was done and to what end; never believed without a look at /proc. */
const MARKER = "HOLDFAST_REEXEC";

const STANDARD_STREAMS = [0, 1, 2];

/** How this process came by its privileges. */
export type Settled = {
  readonly kind: "Settled";
  /** `given`: started so, by a service manager. `own-user`, `confined-root`: by our own exec. */
  readonly how: "given" | "own-user" | "confined-root";
  readonly uid: number;
  /** Why it is not a user of its own; empty otherwise. */
  readonly why: string;
};

/** This process is root and should do `reexecAsOwnUser`. */
export type ReexecDue = { readonly kind: "ReexecDue" };

/**
 * Where this process stands. An error EPERM: the exec was done and did not have its effect (or somebody
 * set its marker by hand); do not serve then. Whether something is missing, `missingPrivileges` says.
 */
export function privilegeState(
  capabilities: readonly Capability[] = NEEDED,
  env: NodeJS.ProcessEnv = process.env,
): Settled | ReexecDue | OsError {
  const own = ownPrivileges();
  if (isOsError(own)) return own;
  const marker = env[MARKER];
  delete env[MARKER];
  if (marker === undefined) {
    return own.uid === 0 && own.effective.includes("setpcap")
      ? { kind: "ReexecDue" }
      : { kind: "Settled", how: "given", uid: own.uid, why: "" };
  }
  const excess = excessCapabilities(capabilities);
  if (isOsError(excess)) return excess;
  if (excess.length > 0) return osError("setpriv", "EPERM", `still has ${excess.join(" ")}`);
  const how = own.uid === 0 ? "confined-root" : "own-user";
  return { kind: "Settled", how, uid: own.uid, why: marker };
}

/** Capabilities in any set of any thread that are not among `capabilities`. */
export function excessCapabilities(capabilities: readonly string[]): string[] | OsError {
  const read = readPrivileges();
  if (isOsError(read)) return read;
  const excess = read.threads.flatMap(({ effective, permitted, inheritable, bounding, ambient }) =>
    [effective, permitted, inheritable, bounding, ambient].flat(),
  );
  return [...new Set(excess)].filter((name) => !capabilities.includes(name));
}

export type Reexec = {
  /** The user, or undefined: root's uid without its power. */
  readonly user: OwnUser | undefined;
  /** Why it is root's uid; empty otherwise. */
  readonly why: string;
  readonly capabilities: readonly Capability[];
  readonly descriptors: Readonly<Record<string, Descriptor>>;
  readonly stateDirectory: string;
  /** Of Node: its own options, the script, the script's arguments. */
  readonly argv?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
};

/**
 * Which user it will be. The state directory is made (0700) and given to it. A user who cannot read the
 * program or reach the state directory is no use: then it stays root's uid, and `why` says so.
 */
export function planReexec(
  wish: Omit<OwnUserWish, "usualName">,
  program: string = process.argv[1] ?? "",
): Pick<Reexec, "user" | "why" | "stateDirectory"> | OsError {
  const { stateDirectory } = wish;
  const user = chooseOwnUser({ ...wish, usualName: "holdfast" });
  if (isOsError(user)) return user;
  const failure = giveDirectory(stateDirectory, user.uid, user.gid);
  if (failure !== undefined) return failure;
  const why = cannotUse(user, program, stateDirectory);
  if (why === undefined) return { user, why: "", stateDirectory };
  const back = giveDirectory(stateDirectory, 0, 0);
  if (back !== undefined) return back;
  // Asked for by name, so not silently something else.
  if (wish.user !== undefined) return osError(`run as ${wish.user}`, "EACCES", why);
  return { user: undefined, why, stateDirectory };
}

/** Replaces this process; comes back only with what went wrong. */
export function reexecAsOwnUser(reexec: Reexec): OsError {
  const setpriv = findProgram("setpriv");
  if (setpriv === undefined) return osError("setpriv", "ENOENT", "package util-linux");
  const argv = reexec.argv ?? [...process.execArgv, ...process.argv.slice(1)];
  const env: NodeJS.ProcessEnv = { ...(reexec.env ?? process.env) };
  env[MARKER] = reexec.why;
  env.HOME = reexec.stateDirectory;
  delete env.USER;
  delete env.LOGNAME;
  keepFromChildren();
  env[PASSED_DESCRIPTORS] = passDescriptors(reexec.descriptors);
  const words = [
    ...setprivWords(reexec.user, reexec.capabilities),
    "--",
    process.execPath,
    ...argv,
  ];
  const pairs = Object.entries(env).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  );
  // Node marks the standard streams close-on-exec when it starts.
  for (const stream of STANDARD_STREAMS) setCloseOnExec(stream, false);
  const result = execve(setpriv, [setpriv, ...words], pairs);
  for (const stream of STANDARD_STREAMS) setCloseOnExec(stream, true);
  keepDescriptors(reexec.descriptors);
  return osError("execve setpriv", result);
}

/** setpriv's options for `user`, or for root's uid without root's power. */
export function setprivWords(
  user: OwnUser | undefined,
  capabilities: readonly Capability[],
): string[] {
  const set = capabilitySet(capabilities);
  const who =
    user === undefined
      ? ["--securebits=+noroot,+noroot_locked,+no_setuid_fixup,+no_setuid_fixup_locked"]
      : [`--reuid=${user.uid}`, `--regid=${user.gid}`, "--clear-groups"];
  const sets = [`--inh-caps=${set}`, `--ambient-caps=${set}`, `--bounding-set=${set}`];
  return [...who, ...sets, "--no-new-privs"];
}

const PROBE_MS = 10_000;
const PROBE = `const fs = require("node:fs"); const [state, ...files] = process.argv.slice(1);
for (const file of files) fs.accessSync(file, fs.constants.R_OK);
fs.accessSync(".", fs.constants.X_OK);
fs.accessSync(state, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK);`;

/** Tried as that user, since only the kernel knows all that counts. Undefined: it works. */
function cannotUse(user: OwnUser, program: string, stateDirectory: string): string | undefined {
  const setpriv = findProgram("setpriv");
  if (setpriv === undefined) return "setpriv is missing (package util-linux)";
  const files = [fileURLToPath(import.meta.url), createRequire(import.meta.url).resolve("koffi")];
  if (program !== "") files.push(program);
  const words = [...setprivWords(user, []), "--", process.execPath, "-e", PROBE, "--"];
  const result = spawnSync(setpriv, [...words, resolve(stateDirectory), ...files], {
    env: CHILD_ENVIRONMENT,
    timeout: PROBE_MS,
    encoding: "utf8",
  });
  if (result.status === 0) return undefined;
  const denied = /E[A-Z]+: [^\n]*/.exec(result.stderr ?? "")?.[0];
  const said = denied ?? result.error?.message ?? (result.stderr ?? "").trim().slice(0, 200);
  return `user ${user.name ?? user.uid} cannot use this installation: ${said}`;
}
