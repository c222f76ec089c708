// The one place that touches SQLite; only the store's thread loads it. The native library ends the
// process on an argument type it does not know, keeps a statement running after `get` until it is
// collected, and holds the file until the thread ends: hence `bind`, and `all` everywhere.
import Database from "libsql";
import { InvariantBroken } from "../base/invariant.js";

export type SqlValue = number | string | Uint8Array | null;
export type Row = Readonly<Record<string, number | string | ArrayBuffer | null>>;

type Statement = {
  all(args: readonly SqlValue[]): unknown[];
  run(args: readonly SqlValue[]): { changes: number; lastInsertRowid: number | bigint };
};

/** `undefined` is SQL's NULL, a boolean 0 or 1; anything else that is not a column's is our bug. */
export type SqlArgument = SqlValue | boolean | undefined;

function bind(argument: SqlArgument): SqlValue {
  if (argument === undefined || argument === null) return null;
  if (typeof argument === "boolean") return argument ? 1 : 0;
  if (typeof argument === "string" || argument instanceof Uint8Array) return argument;
  if (typeof argument === "number" && Number.isSafeInteger(argument)) return argument;
  throw new InvariantBroken(`not a column's value: ${typeof argument}`);
}

export class Connection {
  readonly #database: Database.Database;
  readonly #statements = new Map<string, Statement>();

  /** Opens or makes the file; throws what `troubleOf` reads. */
  constructor(
    readonly path: string,
    busyMs: number,
  ) {
    this.#database = new Database(path, { timeout: busyMs });
  }

  exec(sql: string): void {
    this.#database.exec(sql);
  }

  rows(sql: string, ...args: SqlArgument[]): readonly Row[] {
    return this.#prepared(sql).all(args.map(bind)) as Row[];
  }

  row(sql: string, ...args: SqlArgument[]): Row | undefined {
    return this.rows(sql, ...args)[0];
  }

  /** Rows changed, and the id of a row that was inserted. */
  run(sql: string, ...args: SqlArgument[]): { readonly changes: number; readonly id: number } {
    const { changes, lastInsertRowid } = this.#prepared(sql).run(args.map(bind));
    return { changes, id: Number(lastInsertRowid) };
  }

  get inTransaction(): boolean {
    return this.#database.inTransaction;
  }

  /** A full disk rolls the transaction back by itself: a second rollback would be an error. */
  rollback(): void {
    if (this.inTransaction) this.exec("ROLLBACK");
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  #prepared(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql) as unknown as Statement;
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

export function octets(value: Row[string] | undefined): Uint8Array {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  throw new InvariantBroken("not a BLOB column");
}

export function text(value: Row[string] | undefined): string {
  if (typeof value === "string") return value;
  throw new InvariantBroken("not a TEXT column");
}

export function integer(value: Row[string] | undefined): number {
  if (typeof value === "number") return value;
  throw new InvariantBroken("not an INTEGER column");
}

export function optional<T>(
  read: (value: Row[string] | undefined) => T,
  value: Row[string] | undefined,
): T | undefined {
  return value === null || value === undefined ? undefined : read(value);
}
