// Opening the database file: made whole or not at all, checked for being ours, undamaged and not
// newer than we are, brought to our schema, and matched with its key file.
import { randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  statSync,
  unlinkSync,
} from "node:fs";
import { dirname } from "node:path";
import { store as limits } from "../limits.js";
import { missing, openKey, placeFault, writeExclusively, wrong } from "./key-file.js";
import { APPLICATION_ID, migrate, SCHEMA, schemaOf } from "./migrations/migrations.js";
import type { OpenFailure, Reserved, StoreTrouble } from "./port.js";
import { checkValue, keyFits, type StoreKey } from "./secrets.js";
import { Connection, integer, text } from "./sqlite-connection.js";
import { troubleOf, troubleWith } from "./store-trouble.js";

export type OpenTerms = {
  readonly databasePath: string;
  readonly keyPath: string;
  /** User id both files belong to: the one the server runs as. */
  readonly owner: number;
};

/** All that an operation works on. Lives in the store's thread. */
export type Opened = {
  readonly connection: Connection;
  readonly keyPath: string;
  readonly instanceId: string;
  /** This opening's number: sessions of an earlier one that are open have lost their server. */
  readonly run: number;
  key: StoreKey;
  /** False until the terms are known: only they can ask for more to be kept. */
  keepClearText: boolean;
  reserved: readonly Reserved[];
};

export type OpenResult = { readonly ok: true; readonly opened: Opened } | OpenFailure;

export function fromTrouble({ what, message, remedy }: StoreTrouble): OpenFailure {
  return { ok: false, reason: "trouble", what, message, remedy };
}

export function setting(db: Connection, key: string): string | undefined {
  const row = db.row("SELECT value FROM settings WHERE key = ?", key);
  return row === undefined ? undefined : text(row.value);
}

export function putSetting(db: Connection, key: string, value: string): void {
  db.run(
    "INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    key,
    value,
  );
}

export function syncDirectoryOf(path: string): void {
  const fd = openSync(dirname(path), "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * A copy of `db` at `path`, which must not exist: SQLite writes it under another name (0600 from the
 * first moment), it is synced, then linked to its name.
 */
export function copyTo(db: Connection, path: string): { readonly octets: number } {
  const unfinished = `${path}.unfinished-${randomBytes(4).toString("hex")}`;
  writeExclusively(unfinished, "");
  try {
    db.run("VACUUM INTO ?", unfinished);
    const fd = openSync(unfinished, "r");
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    linkSync(unfinished, path);
    syncDirectoryOf(path);
    return { octets: statSync(path).size };
  } finally {
    unlinkSync(unfinished);
  }
}

/** A database of zero length is never one we made: it was cut off. */
function createDatabase({ databasePath, keyPath, owner }: OpenTerms): OpenFailure | undefined {
  mkdirSync(dirname(keyPath), { recursive: true, mode: 0o700 });
  const misplaced = placeFault(keyPath, databasePath);
  if (misplaced !== undefined) return misplaced;
  const read = openKey(keyPath, owner, undefined);
  if (!read.ok) return read;
  const memory = new Connection(":memory:", 0);
  migrate(memory, Date.now());
  putSetting(memory, "instance-id", randomBytes(8).toString("hex"));
  putSetting(memory, "key-id", String(read.key.id));
  putSetting(memory, "key-check", checkValue(read.key));
  copyTo(memory, databasePath);
  memory.close();
  return undefined;
}

function damaged(message: string): OpenFailure {
  return fromTrouble(troubleWith("corrupt", message));
}

function fileFault(path: string): OpenFailure | undefined {
  if (existsSync(path)) {
    return statSync(path).size > 0 ? undefined : damaged(`${path} is empty: it was cut off`);
  }
  if (!existsSync(`${path}-wal`)) return undefined;
  return damaged(`${path} is gone, but its write-ahead log ${path}-wal is there`);
}

function schemaFault(db: Connection): OpenFailure | undefined {
  const ours = integer(db.row("PRAGMA application_id")?.application_id) === APPLICATION_ID;
  if (!ours) return damaged(`${db.path} is a database, but not one of holdfast`);
  const schema = schemaOf(db);
  if (schema <= SCHEMA) return undefined;
  return {
    ok: false,
    reason: "schema-newer",
    message: `${db.path} has schema ${schema}; this holdfast knows up to ${SCHEMA}`,
    remedy: "run the newer holdfast that wrote it, or restore the backup made before the upgrade",
  };
}

/** Reads every page while that is quick; a file cut short is told by SQLite itself in any case. */
function damageFault(db: Connection): OpenFailure | undefined {
  if (statSync(db.path).size > limits.checkOctetsMax) return undefined;
  const found = text(db.row("PRAGMA quick_check(1)")?.quick_check);
  return found === "ok" ? undefined : damaged(`${db.path}: ${found}`);
}

function prepare(db: Connection): void {
  db.rows("PRAGMA journal_mode = WAL");
  for (const pragma of [
    "synchronous = FULL",
    "foreign_keys = ON",
    "secure_delete = ON",
    "trusted_schema = OFF",
    "journal_size_limit = 16777216",
  ]) {
    db.rows(`PRAGMA ${pragma}`);
  }
}

function takeRun(db: Connection): number {
  const run = Number(setting(db, "run") ?? "0") + 1;
  putSetting(db, "run", String(run));
  return run;
}

function matchKey(db: Connection, { keyPath, owner, databasePath }: OpenTerms) {
  if (!existsSync(dirname(keyPath))) return missing(keyPath);
  const misplaced = placeFault(keyPath, databasePath);
  if (misplaced !== undefined) return misplaced;
  const read = openKey(keyPath, owner, Number(setting(db, "key-id")));
  if (!read.ok) return read;
  return keyFits(read.key, setting(db, "key-check") ?? "") ? read : wrong(keyPath);
}

function openExisting(terms: OpenTerms): OpenResult {
  const db = new Connection(terms.databasePath, limits.busyMs);
  const fault = schemaFault(db) ?? damageFault(db);
  if (fault !== undefined) return fault;
  prepare(db);
  db.exec("BEGIN IMMEDIATE");
  let run: number;
  try {
    migrate(db, Date.now());
    const read = matchKey(db, terms);
    if (!read.ok) {
      db.rollback();
      return read;
    }
    run = takeRun(db);
    db.exec("COMMIT");
    db.rows(`PRAGMA busy_timeout = ${limits.busySliceMs}`);
    return {
      ok: true,
      opened: {
        connection: db,
        keyPath: terms.keyPath,
        instanceId: setting(db, "instance-id") ?? "",
        run,
        key: read.key,
        keepClearText: false,
        reserved: [],
      },
    };
  } catch (error) {
    db.rollback();
    throw error;
  }
}

/** Opens the database, or makes it and its key where there is neither. Changes nothing on failure. */
export function openDatabase(terms: OpenTerms): OpenResult {
  try {
    const fault = fileFault(terms.databasePath);
    if (fault !== undefined) return fault;
    if (!existsSync(terms.databasePath)) {
      const refusal = createDatabase(terms);
      if (refusal !== undefined) return refusal;
    }
    return openExisting(terms);
  } catch (error) {
    return fromTrouble(troubleOf(error));
  }
}
