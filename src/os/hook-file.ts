// May this file be run as a hook: only if nobody but root and the server's user could have written it.
import { constants, lstatSync, realpathSync, statSync } from "node:fs";
import { dirname, isAbsolute } from "node:path";

/** Undefined when it may; else the reason. `owners` are trusted beside root. */
export function hookProblem(path: string, owners: readonly number[]): string | undefined {
  if (!isAbsolute(path)) return `${path}: not an absolute path`;
  if (path.includes("\0")) return "a NUL in the path";
  try {
    const file = realpathSync(path);
    const status = statSync(file);
    if (!status.isFile()) return `${file}: not a regular file`;
    if ((status.mode & constants.S_IXUSR) === 0) return `${file}: not executable`;
    // The way as written counts too: who can replace a link on it decides what is run.
    for (const way of [file, path]) {
      for (let at = way; ; at = dirname(at)) {
        const problem = writableByOthers(at, owners);
        if (problem !== undefined) return problem;
        if (at === dirname(at)) break;
      }
    }
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function writableByOthers(path: string, owners: readonly number[]): string | undefined {
  const { uid, mode } = lstatSync(path);
  if (uid !== 0 && !owners.includes(uid)) return `${path}: belongs to user ${uid}`;
  const isLink = (mode & constants.S_IFMT) === constants.S_IFLNK;
  if (!isLink && (mode & 0o022) !== 0) return `${path}: writable by others`;
  return undefined;
}
