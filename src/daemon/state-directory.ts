// Where a server keeps everything it owns, and for whom it is closed. One directory holds it all.
import { lstatSync, type Stats } from "node:fs";
import { join, resolve } from "node:path";
import { DYNAMIC_UID_MAX, DYNAMIC_UID_MIN, lookUpUser } from "../os/own-user.js";
import { makeDirectory } from "../os/state-directory.js";

export type StatePaths = {
  readonly directory: string;
  readonly config: string;
  readonly lock: string;
  readonly databaseDirectory: string;
  readonly database: string;
  /** Beside the database's directory, never in it: a copy of one must not carry the other. */
  readonly keysDirectory: string;
  readonly keyFile: string;
  readonly adminDirectory: string;
  readonly adminSocket: string;
  /** Kernel settings as they were before the server changed them. */
  readonly sysctlJournal: string;
  /** The first account's password, when there was no terminal to show it on. */
  readonly firstPassword: string;
  /** The console's own, where it was given none. */
  readonly consoleCertificate: string;
  readonly consoleKey: string;
};

export function statePaths(directory: string): StatePaths {
  const databaseDirectory = join(directory, "db");
  const keysDirectory = join(directory, "keys");
  const adminDirectory = join(directory, "run");
  return {
    directory,
    config: join(directory, "holdfast.yaml"),
    lock: join(directory, "lock"),
    databaseDirectory,
    database: join(databaseDirectory, "holdfast.db"),
    keysDirectory,
    keyFile: join(keysDirectory, "master.key"),
    adminDirectory,
    adminSocket: join(adminDirectory, "admin.sock"),
    sysctlJournal: join(directory, "sysctl-journal.json"),
    firstPassword: join(directory, "first-password"),
    consoleCertificate: join(directory, "console.crt"),
    consoleKey: join(directory, "console.key"),
  };
}

export type Surroundings = {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
  readonly cwd: string;
  /** Of the system user `holdfast`, where there is one. */
  readonly serviceUid: number | undefined;
  /** Owner of a directory, undefined where there is none. */
  readonly ownerOf: (directory: string) => number | undefined;
};

export const serviceDirectory = "/var/lib/holdfast";
export const localDirectoryName = ".holdfast";

/**
 * `option` (--state) wins, then `configured` (`state:` of the file named by --config), then what the
 * surroundings say: the unit's STATE_DIRECTORY, the service's user, else ./.holdfast.
 */
export function chooseStateDirectory(
  option: string | undefined,
  configured: string | undefined,
  around: Surroundings,
): string {
  const named = option ?? configured ?? around.environment.HOLDFAST_STATE;
  if (named !== undefined && named !== "") return resolve(around.cwd, named);
  const unit = around.environment.STATE_DIRECTORY?.split(":")[0];
  if (unit !== undefined && unit !== "") return unit;
  if (around.uid === around.serviceUid) return serviceDirectory;
  const local = join(around.cwd, localDirectoryName);
  if (around.environment.npm_lifecycle_event !== undefined) return local;
  // A directory another user laid in our way must not become our server.
  const owner = around.ownerOf(local);
  const servers = owner === around.serviceUid || isDynamic(owner);
  const ours = owner === around.uid || (around.uid === 0 && servers);
  if (owner !== undefined) return ours ? local : serviceDirectory;
  return around.ownerOf(serviceDirectory) === undefined ? local : serviceDirectory;
}

/** Numbers a server started by root takes where there is no user of its name: nobody logs in as one. */
function isDynamic(uid: number | undefined): boolean {
  return uid !== undefined && uid >= DYNAMIC_UID_MIN && uid <= DYNAMIC_UID_MAX;
}

export function surroundings(): Surroundings {
  return {
    environment: process.env,
    uid: process.getuid?.() ?? 0,
    cwd: process.cwd(),
    serviceUid: lookUpUser("holdfast")?.uid,
    ownerOf: (directory) => stat(directory)?.uid,
  };
}

export type StateFault = { readonly path: string; readonly fault: string; readonly remedy: string };

/**
 * Makes what is missing, closed to everyone else, and refuses what is open to others: it would give
 * the keys away. Never changes the mode of what it did not make.
 */
export function prepareStateDirectory(paths: StatePaths, uid: number): StateFault | undefined {
  const { directory, databaseDirectory, keysDirectory, adminDirectory } = paths;
  for (const path of [directory, databaseDirectory, keysDirectory, adminDirectory]) {
    try {
      makeDirectory(path);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : String(error);
      const remedy = "make it as root and give it to the server's user, or name another --state";
      return { path, fault: `it cannot be made (${code})`, remedy };
    }
    const fault = faultOfDirectory(path, uid);
    if (fault !== undefined) return fault;
  }
  return socketFault(paths);
}

/** Modes and owner as they must be; `doctor` asks too. */
export function faultOfDirectory(path: string, uid: number): StateFault | undefined {
  const found = stat(path);
  if (found === undefined) return { path, fault: "it is missing", remedy: `mkdir -m 700 ${path}` };
  if (!found.isDirectory()) {
    return { path, fault: "it is no directory", remedy: "move it away" };
  }
  if (found.uid !== uid) {
    return {
      path,
      fault: `it belongs to user ${found.uid}, the server runs as ${uid}`,
      remedy: `chown -R ${uid} ${path}`,
    };
  }
  if ((found.mode & 0o077) !== 0) {
    const mode = (found.mode & 0o777).toString(8).padStart(4, "0");
    return { path, fault: `others may enter it (mode ${mode})`, remedy: `chmod 700 ${path}` };
  }
  return undefined;
}

/** sun_path has 108 octets with its NUL: a longer name would be cut without a word. */
export function socketFault({ adminSocket }: StatePaths): StateFault | undefined {
  const octets = Buffer.byteLength(adminSocket);
  if (octets <= 107) return undefined;
  const fault = `the admin socket's path has ${octets} octets, at most 107 are possible`;
  return { path: adminSocket, fault, remedy: "name a shorter --state" };
}

function stat(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}
