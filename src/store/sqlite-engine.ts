// Runs batches of requests against the open database: what is refused is undone by itself, what the
// disk can't take is undone as a whole.
import { type Answer, type StoreTrouble, trouble } from "./port.js";
import type { Request } from "./sqlite-link.js";
import type { Opened } from "./sqlite-open.js";
import { alone, reads, writes } from "./sqlite-operations.js";
import { troubleOf, troubleWith } from "./store-trouble.js";

type Run = (db: Opened, ask: unknown) => Answer<unknown>;

function runOf(table: object, name: string): Run | undefined {
  return Object.hasOwn(table, name) ? (table as Readonly<Record<string, Run>>)[name] : undefined;
}

const UNKNOWN = trouble("failed", "an unknown request", "this is a defect of holdfast: report it");

/** A wrong statement or value is a defect of ours: that request fails, the others go on. */
function isOfTheDisk(failure: StoreTrouble): boolean {
  return (
    failure.what !== "failed" ||
    /SQLITE_(IOERR|READONLY|CANTOPEN|PERM|NOMEM|AUTH)/.test(failure.message)
  );
}

export function runReads(db: Opened, requests: readonly Request[]): readonly Answer<unknown>[] {
  return requests.map(({ operation, ask }) => {
    try {
      return runOf(reads, operation)?.(db, ask) ?? UNKNOWN;
    } catch (error) {
      return troubleOf(error);
    }
  });
}

/** One write between savepoints; throws when the disk is in trouble. */
function runWrite(db: Opened, { operation, ask }: Request): Answer<unknown> {
  const { connection } = db;
  connection.exec("SAVEPOINT request");
  let result: Answer<unknown>;
  try {
    result = runOf(writes, operation)?.(db, ask) ?? UNKNOWN;
  } catch (error) {
    result = troubleOf(error);
    if (!connection.inTransaction || (result.reason === "trouble" && isOfTheDisk(result))) {
      throw error;
    }
  }
  if (!result.ok) connection.exec("ROLLBACK TO request");
  connection.exec("RELEASE request");
  return result;
}

/** After a full disk: what lies in the log may fit into the file, which makes room for the next. */
function makeRoom(db: Opened): void {
  try {
    db.connection.rows("PRAGMA wal_checkpoint(TRUNCATE)");
  } catch {
    // It does not: the next batch says so again.
  }
}

/** All of `requests` are committed when this returns answers; none are when it returns a trouble. */
export function runWrites(
  db: Opened,
  requests: readonly Request[],
): readonly Answer<unknown>[] | StoreTrouble {
  if (requests.length === 0) return [];
  const { connection, keepClearText, reserved } = db;
  try {
    connection.exec("BEGIN IMMEDIATE");
    const answers = requests.map((request) => runWrite(db, request));
    connection.exec("COMMIT");
    return answers;
  } catch (error) {
    Object.assign(db, { keepClearText, reserved });
    const failure = troubleOf(error);
    try {
      connection.rollback();
    } catch (second) {
      return troubleWith("failed", `${failure.message}; then: ${troubleOf(second).message}`);
    }
    if (failure.what === "full") makeRoom(db);
    return failure;
  }
}

export function runAlone(db: Opened, { operation, ask }: Request): Answer<unknown> {
  try {
    return runOf(alone, operation)?.(db, ask) ?? UNKNOWN;
  } catch (error) {
    return troubleOf(error);
  }
}
