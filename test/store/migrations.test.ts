import { mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { describe, expect, it } from "vitest";
import { openKey } from "../../src/store/key-file.js";
import {
  APPLICATION_ID,
  MIGRATIONS,
  migrate,
  SCHEMA,
} from "../../src/store/migrations/migrations.js";
import { checkValue } from "../../src/store/secrets.js";
import { Connection, integer, text } from "../../src/store/sqlite-connection.js";
import { notOpened, opened, type Place, place, value } from "./stores.js";

/** A database as the holdfast of schema `version` left it, with a row in each of its tables. */
function databaseOf(version: number): Place {
  const where = place();
  mkdirSync(dirname(where.keyPath));
  const read = openKey(where.keyPath, process.geteuid!(), undefined);
  if (!read.ok) throw new Error(read.message);
  const db = new Connection(where.databasePath, 0);
  db.rows("PRAGMA journal_mode = WAL");
  migrate(db, 1_000, version);
  db.run("INSERT INTO settings VALUES ('instance-id', 'abc'), ('key-id', '1')");
  db.run("INSERT INTO settings VALUES ('key-check', ?)", checkValue(read.key));
  db.run(
    "INSERT INTO accounts (name, enabled, dial_in, created_at, changed_at) VALUES ('a',1,1,5,5)",
  );
  db.run("INSERT INTO account_routes VALUES (1, 167772160, 167772415, 24)");
  if (version >= 3) {
    db.run("UPDATE accounts SET up_bits_per_second = 10000000, down_bits_per_second = 0");
  }
  if (version >= 2) {
    db.run(
      `INSERT INTO sessions (session_id, run, name, peer_address, local_address, method, encryption,
       profile, started_at, counted_at) VALUES ('s', 0, 'a', 'p', 'l', 'pap', '', '', 1, 1)`,
    );
  }
  db.rows("PRAGMA wal_checkpoint(TRUNCATE)");
  db.close();
  return where;
}

function schema(db: Connection): readonly string[] {
  return db
    .rows("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
    .map((row) => text(row.sql));
}

describe("migrations", () => {
  it("are numbered from 1 without a gap", () => {
    expect(MIGRATIONS.map(({ number }) => number)).toEqual(MIGRATIONS.map((_, i) => i + 1));
  });

  it.each(MIGRATIONS.map(({ number }) => number))(
    "from schema %i: everything is kept",
    async (version) => {
      const where = databaseOf(version);
      const store = await opened(where);
      expect(store.instanceId).toBe("abc");
      const account = await value(store.accounts.find("a"));
      expect(account).toMatchObject({
        routes: [{ address: 0x0a000000, length: 24 }],
        createdAt: 5,
        upBitsPerSecond: version >= 3 ? 10_000_000 : undefined,
        downBitsPerSecond: version >= 3 ? 0 : undefined,
      });
      expect(await value(store.accounting.recent())).toHaveLength(version >= 2 ? 1 : 0);
      await store.close();
      const db = new Connection(where.databasePath, 0);
      const applied = db.rows("SELECT number FROM migrations ORDER BY number");
      expect(applied.map((row) => integer(row.number))).toEqual(
        MIGRATIONS.map(({ number }) => number),
      );
    },
  );

  it("step by step or at once come to the same schema, all tables STRICT", () => {
    const stepwise = new Connection(":memory:", 0);
    for (const { number } of MIGRATIONS) expect(migrate(stepwise, 0, number)).toBe(1);
    const atOnce = new Connection(":memory:", 0);
    expect(migrate(atOnce, 0)).toBe(SCHEMA);
    expect(migrate(atOnce, 0)).toBe(0);
    expect(schema(stepwise)).toEqual(schema(atOnce));
    const tables = atOnce.rows("SELECT name, strict FROM pragma_table_list WHERE schema = 'main'");
    const loose = tables.filter((row) => row.strict !== 1).map((row) => text(row.name));
    expect(loose.filter((name) => !name.startsWith("sqlite_"))).toEqual([]);
    expect(atOnce.row("PRAGMA application_id")?.application_id).toBe(APPLICATION_ID);
  });

  it("a newer schema is refused with a clear message, and the file left as it is", async () => {
    const where = databaseOf(SCHEMA);
    const db = new Connection(where.databasePath, 0);
    db.run("INSERT INTO migrations VALUES (?, 'of the future', 1)", SCHEMA + 1);
    db.rows("PRAGMA wal_checkpoint(TRUNCATE)");
    db.close();
    const before = readFileSync(where.databasePath);
    const failure = await notOpened(where);
    expect(failure).toMatchObject({ reason: "schema-newer" });
    expect(failure.message).toContain(`schema ${SCHEMA + 1}`);
    expect(failure.remedy).toMatch(/newer holdfast/);
    expect(readFileSync(where.databasePath)).toEqual(before);
  });
});
