// The store's key on disk: one line in a file of its own, 0600, outside the database's directory, so
// that a copy of the database alone tells no secret. Never made over data that another key sealed.

import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readSync,
  realpathSync,
  renameSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { fromHex, toHex } from "../base/hex.js";
import type { OpenFailure } from "./port.js";
import { newKey, type StoreKey } from "./secrets.js";

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
/** `holdfast-key`, the key's number, 32 octets in hexadecimal. */
const LINE = /^holdfast-key ([1-9][0-9]{0,8}) ([0-9a-f]{64})\n$/;
const LINE_OCTETS_MAX = 128;

export type KeyRead = { readonly ok: true; readonly key: StoreKey } | OpenFailure;

function failure(reason: OpenFailure["reason"], message: string, remedy: string): OpenFailure {
  return { ok: false, reason, message, remedy };
}

export function missing(path: string): OpenFailure {
  return failure(
    "key-missing",
    `the key file ${path} is missing, and the database holds secrets sealed with it`,
    "put the key file back from its own backup; without it set the database aside and start anew " +
      "(every account then needs a password again)",
  );
}

/** The key must not lie where a copy of the database takes it along. */
export function placeFault(keyPath: string, databasePath: string): OpenFailure | undefined {
  const inside = relative(
    realpathSync(dirname(databasePath)),
    join(realpathSync(dirname(keyPath)), basename(keyPath)),
  );
  if (inside.startsWith("..")) return undefined;
  return failure(
    "key-place",
    `the key file ${keyPath} lies in the database's directory`,
    "move it to a directory of its own and name that in the configuration",
  );
}

/** `owner` is the user id the file must belong to: the one the server runs as. */
export function readKeyFile(path: string, owner: number): KeyRead {
  let fd: number;
  try {
    fd = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT") return missing(path);
    const message = `the key file ${path} can't be opened (${code})`;
    if (code === "ELOOP") {
      return failure("key-damaged", `${message}: it is a symbolic link`, "name the file itself");
    }
    return failure("key-owner", message, `chown it to the user the server runs as (id ${owner})`);
  }
  try {
    const { mode, uid, size } = fstatSync(fd);
    if ((mode & constants.S_IFMT) !== constants.S_IFREG || size > LINE_OCTETS_MAX) {
      return damaged(path);
    }
    if (uid !== owner) {
      return failure(
        "key-owner",
        `the key file ${path} belongs to user id ${uid}, not to ${owner}`,
        `look who could have written it; then \`chown ${owner} ${path}\``,
      );
    }
    if ((mode & 0o077) !== 0) {
      return failure(
        "key-exposed",
        `the key file ${path} can be read or written by others (mode ${(mode & 0o777).toString(8)})`,
        `\`chmod 600 ${path}\`, and when somebody may have read it, \`holdfast key rotate\``,
      );
    }
    return parsed(path, readWhole(fd));
  } finally {
    closeSync(fd);
  }
}

function readWhole(fd: number): string {
  const buffer = Buffer.alloc(LINE_OCTETS_MAX + 1);
  const length = readSync(fd, buffer);
  const line = buffer.toString("latin1", 0, length);
  buffer.fill(0);
  return line;
}

function damaged(path: string): OpenFailure {
  return failure(
    "key-damaged",
    `${path} is not a key file of holdfast`,
    "put the key file back from its own backup",
  );
}

function parsed(path: string, line: string): KeyRead {
  const fields = LINE.exec(line);
  const octets = fromHex(fields?.[2] ?? "");
  if (fields === null || octets === undefined) return damaged(path);
  return { ok: true, key: { id: Number(fields[1]), octets } };
}

function syncDirectory(path: string): void {
  const fd = openSync(dirname(path), O_RDONLY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** 0600 from its first moment; throws EEXIST rather than replace anything. */
export function writeExclusively(path: string, content: string): void {
  const fd = openSync(path, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0o600);
  try {
    writeSync(fd, content);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** What a process that died while it wrote leaves behind holds a key: the next opening removes it. */
function unfinishedPath(path: string): string {
  return `${path}.part`;
}

/** Whole or not at all: written under another name, then linked, which fails when `path` exists. */
function create(path: string, key: StoreKey): void {
  const unfinished = unfinishedPath(path);
  removeIfThere(unfinished);
  writeExclusively(unfinished, `holdfast-key ${key.id} ${toHex(key.octets)}\n`);
  try {
    linkSync(unfinished, path);
  } finally {
    unlinkSync(unfinished);
  }
  syncDirectory(path);
}

export function successorPath(path: string): string {
  return `${path}.new`;
}

/** Where nothing is to be removed the directory may be read-only. */
function removeIfThere(path: string): void {
  if (!existsSync(path)) return;
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

/**
 * The key for a database whose rows are sealed with key `sealedWith`, or for a new one. Finishes or
 * undoes a rotation that was cut off: the successor's file is there before the rows are changed,
 * and takes the place of the old one after.
 */
export function openKey(path: string, owner: number, sealedWith: number | undefined): KeyRead {
  const current = readKeyFile(path, owner);
  for (const one of [path, successorPath(path)]) removeIfThere(unfinishedPath(one));
  if (sealedWith === undefined) {
    if (current.ok || current.reason !== "key-missing") return current;
    const key = newKey(1);
    create(path, key);
    return { ok: true, key };
  }
  if (current.ok && current.key.id === sealedWith) {
    removeIfThere(successorPath(path));
    return current;
  }
  if (!current.ok && current.reason !== "key-missing") return current;
  const successor = readKeyFile(successorPath(path), owner);
  if (successor.ok && successor.key.id === sealedWith) {
    installSuccessor(path);
    return successor;
  }
  if (!successor.ok && successor.reason !== "key-missing") return successor;
  return current.ok ? wrong(path) : current;
}

export function wrong(path: string): OpenFailure {
  return failure(
    "key-wrong",
    `the key in ${path} is not the one that sealed this database`,
    "put the key file that belongs to this database in its place",
  );
}

/** The first step of a rotation. One left over from a rotation that was cut off is replaced. */
export function writeSuccessor(path: string, after: StoreKey): StoreKey {
  removeIfThere(successorPath(path));
  const key = newKey(after.id + 1);
  create(successorPath(path), key);
  return key;
}

/** The last step of a rotation: the old key is gone with it. */
export function installSuccessor(path: string): void {
  renameSync(successorPath(path), path);
  syncDirectory(path);
}

export function removeSuccessor(path: string): void {
  removeIfThere(successorPath(path));
}
