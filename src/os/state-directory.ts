// The state directory, and giving it to the user the server runs as. Root does that, in a place another
// user could write to: nothing is followed, and a directory that is not ours is never touched.
import {
  closeSync,
  constants,
  fchownSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
} from "node:fs";
import { dirname, resolve } from "node:path";
import { fromNodeError, type OsError, osError } from "./errors.js";

/** What a server keeps there. Both of the first two, or nothing but these: it is a state directory. */
const [DATABASES, KEYS] = ["db", "keys"] as const;
const NAMES = [
  DATABASES,
  KEYS,
  "run",
  "lock",
  "holdfast.yaml",
  "first-password",
  "sysctl-journal.json",
];

const DEPTH_MAX = 8;
const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const ENTRY = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** True of an empty directory, too. */
export function isStateDirectory(directory: string): boolean {
  const entries = readdirSync(directory);
  if (entries.includes(DATABASES) && entries.includes(KEYS)) return true;
  return entries.every((entry) => NAMES.includes(entry));
}

/**
 * The directory with its parents, those that are missing 0700. Not Node's `recursive: true`: below
 * /proc, where mkdir says ENOENT although the parent is there, that never ends. Throws as mkdirSync.
 */
export function makeDirectory(directory: string): void {
  const parent = dirname(resolve(directory));
  if (parent !== resolve(directory) && !isThere(parent)) makeDirectory(parent);
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/**
 * Makes it if need be (0700) and gives it with all in it to `uid`; nothing happens when it is that
 * user's. Error EEXIST: it is another's, and no state directory.
 */
export function giveDirectory(directory: string, uid: number, gid: number): OsError | undefined {
  try {
    makeDirectory(directory);
  } catch (error) {
    return fromNodeError(`make the state directory ${directory}`, error);
  }
  try {
    const fd = openSync(directory, DIRECTORY);
    try {
      if (fstatSync(fd).uid === uid) return undefined;
      if (!isStateDirectory(`/proc/self/fd/${fd}`)) {
        return osError(
          `chown ${directory}`,
          "EEXIST",
          "there are other things than holdfast's in it",
        );
      }
      giveAll(fd, uid, gid, 0);
    } finally {
      closeSync(fd);
    }
    return undefined;
  } catch (error) {
    return fromNodeError(`chown ${directory}`, error);
  }
}

/** Contents first: what was given away once is not looked at again. */
function giveAll(directory: number, uid: number, gid: number, depth: number): void {
  // Through the open directory, so that a name swapped for a link meanwhile leads nowhere else.
  const path = `/proc/self/fd/${directory}`;
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (!entry.isFile() && !entry.isDirectory()) continue;
    const fd = openSync(`${path}/${entry.name}`, ENTRY);
    try {
      const { nlink } = fstatSync(fd);
      if (entry.isDirectory() && depth < DEPTH_MAX) giveAll(fd, uid, gid, depth + 1);
      // A second name may be a file elsewhere that its maker wants to own.
      else if (nlink === 1) fchownSync(fd, uid, gid);
    } finally {
      closeSync(fd);
    }
  }
  fchownSync(directory, uid, gid);
}
