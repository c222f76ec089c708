// Small files that must survive whatever happens next, and temporary ones for a child to read.
import { randomBytes } from "node:crypto";
import { closeSync, constants, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { fromNodeError, type OsError } from "./errors.js";

const FRESH = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** Replaces `path` as a whole, 0600, on disk when it returns; a failure leaves the old content. */
export function writeDurably(path: string, text: string): OsError | undefined {
  const temporary = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    writeFresh(temporary, text);
    renameSync(temporary, path);
    syncDirectory(dirname(path));
    return undefined;
  } catch (error) {
    rmSync(temporary, { force: true });
    return fromNodeError(`write ${path}`, error);
  }
}

/** Has what was renamed into `directory` on disk under its new name. Throws as node:fs does. */
export function syncDirectory(directory: string): void {
  const fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** A new 0600 file in `directory`, removed when disposed. */
export function temporaryFile(
  directory: string,
  suffix: string,
  text: string,
): (Disposable & { readonly path: string }) | OsError {
  const path = `${directory}/${randomBytes(9).toString("hex")}${suffix}`;
  const remove = () => rmSync(path, { force: true });
  try {
    writeFresh(path, text);
  } catch (error) {
    remove();
    return fromNodeError(`write ${path}`, error);
  }
  return { path, [Symbol.dispose]: remove };
}

function writeFresh(path: string, text: string): void {
  const fd = openSync(path, FRESH, 0o600);
  try {
    const octets = Buffer.from(text, "utf8");
    for (let at = 0; at < octets.byteLength; ) at += writeSync(fd, octets, at);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
