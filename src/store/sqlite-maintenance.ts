// What is done to the database as a whole: its terms, a copy of it, a new key for its secrets.
import { existsSync } from "node:fs";
import { isAbsolute } from "node:path";
import { InvariantBroken } from "../base/invariant.js";
import { formatIpv4 } from "../base/ip.js";
import { installSuccessor, removeSuccessor, writeSuccessor } from "./key-file.js";
import { type Answer, answer, type KeyRotation, refused, type StoreTerms } from "./port.js";
import { checkValue, type SecretColumn, type StoreKey, seal, unseal } from "./secrets.js";
import { integer, octets, text } from "./sqlite-connection.js";
import { copyTo, type Opened, putSetting, setting } from "./sqlite-open.js";

export function getSetting(db: Opened, { key }: { key: string }): Answer<string | undefined> {
  return answer(setting(db.connection, key));
}

export function setSetting(
  db: Opened,
  { key, value }: { key: string; value: string },
): Answer<void> {
  putSetting(db.connection, key, value);
  return answer(undefined);
}

/** The first clashes of what accounts have with what the server now calls its own. */
function clashes(db: Opened): readonly string[] {
  const found: string[] = [];
  for (const reserved of db.reserved) {
    const rows = db.connection.rows(
      `SELECT first, last, length, name FROM account_routes JOIN accounts ON id = account_id
       WHERE first <= ? AND last >= ? LIMIT 10`,
      reserved.last,
      reserved.first,
    );
    for (const row of rows) {
      const route = `${formatIpv4(integer(row.first))}/${integer(row.length)}`;
      found.push(`${text(row.name)}: the route ${route} overlaps ${reserved.whose}`);
    }
    if (reserved.kind === "pool") continue;
    for (const row of db.connection.rows(
      "SELECT static_address, name FROM accounts WHERE static_address BETWEEN ? AND ? LIMIT 10",
      reserved.first,
      reserved.last,
    )) {
      const address = formatIpv4(integer(row.static_address));
      found.push(`${text(row.name)}: the static address ${address} lies in ${reserved.whose}`);
    }
  }
  return found;
}

export function configure(
  db: Opened,
  { keepClearText, reserved }: StoreTerms,
): Answer<{ clearTextsErased: number; clashes: readonly string[] }> {
  db.keepClearText = keepClearText;
  db.reserved = reserved;
  const erased = keepClearText
    ? 0
    : db.connection.run("UPDATE account_secrets SET clear_text = NULL WHERE clear_text IS NOT NULL")
        .changes;
  return answer({ clearTextsErased: erased, clashes: clashes(db) });
}

/** Outside a transaction: SQLite copies from a snapshot of its own. */
export function backup(db: Opened, { path }: { path: string }): Answer<{ octets: number }> {
  if (!isAbsolute(path)) {
    return refused("bad-path", `${path} is not an absolute path`, "give one that begins with /");
  }
  if (existsSync(path)) {
    return refused("file-exists", `${path} exists`, "name a file that does not: none is replaced");
  }
  return answer(copyTo(db.connection, path));
}

function resealed(
  from: StoreKey,
  to: StoreKey,
  accountId: number,
  column: SecretColumn,
  sealed: Uint8Array,
): Uint8Array {
  const plain = unseal(from, accountId, column, sealed);
  if (plain === undefined) {
    const error = new Error(`the secrets of account id ${accountId} do not open`);
    throw Object.assign(error, { code: "SQLITE_CORRUPT" });
  }
  const again = seal(to, accountId, column, plain);
  plain.fill(0);
  return again;
}

const PAGE = 1_000;

/** Seals every row with `to`; inside a transaction. Returns how many. */
export function resealAll(db: Opened, to: StoreKey): number {
  let done = 0;
  let after = 0;
  for (;;) {
    const rows = db.connection.rows(
      `SELECT account_id, key_id, nt_hash, clear_text FROM account_secrets
       WHERE account_id > ? ORDER BY account_id LIMIT ${PAGE}`,
      after,
    );
    for (const row of rows) {
      const id = integer(row.account_id);
      const reseal = (column: "nt_hash" | "clear_text") =>
        resealed(db.key, to, id, column, octets(row[column]));
      db.connection.run(
        "UPDATE account_secrets SET key_id = ?, nt_hash = ?, clear_text = ? WHERE account_id = ?",
        to.id,
        reseal("nt_hash"),
        row.clear_text === null ? null : reseal("clear_text"),
        id,
      );
      after = id;
    }
    done += rows.length;
    if (rows.length < PAGE) break;
  }
  putSetting(db.connection, "key-id", String(to.id));
  putSetting(db.connection, "key-check", checkValue(to));
  return done;
}

/**
 * A transaction of its own: the new key's file, then the rows, then the new file in the old one's
 * place. Cut off between any two, the next opening finishes or undoes it (`openKey`).
 */
export function rotateKey(db: Opened, _ask: undefined): Answer<KeyRotation> {
  if (db.connection.inTransaction) throw new InvariantBroken("a rotation inside a transaction");
  const from = db.key;
  const to = writeSuccessor(db.keyPath, from);
  db.connection.exec("BEGIN IMMEDIATE");
  let accounts: number;
  try {
    accounts = resealAll(db, to);
    db.connection.exec("COMMIT");
  } catch (error) {
    db.connection.rollback();
    // A commit that failed half-way may stand all the same: then the successor is still needed.
    if (setting(db.connection, "key-id") === String(from.id)) removeSuccessor(db.keyPath);
    throw error;
  }
  db.key = to;
  from.octets.fill(0);
  installSuccessor(db.keyPath);
  return answer({ from: from.id, to: to.id, accounts });
}
