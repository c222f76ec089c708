// The schema as numbered steps. A step that was released is never changed; a new one is added. The
// table `migrations` says which a file has had.
import { type Connection, integer } from "../sqlite-connection.js";
import { accountsAndSettings } from "./accounts-and-settings.js";
import { blockNetworks } from "./block-networks.js";
import { blocks } from "./blocks.js";
import { bulletins } from "./bulletins.js";
import { consoleAccess } from "./console.js";
import { consoleEnabled } from "./console-enabled.js";
import { incidents } from "./incidents.js";
import { notices } from "./notices.js";
import { rates } from "./rates.js";
import { sessions } from "./sessions.js";
import { trends } from "./trends.js";
import { usualRates } from "./usual-rates.js";

export type Migration = { readonly number: number; readonly name: string; readonly sql: string };

export const MIGRATIONS: readonly Migration[] = [
  { number: 1, name: "accounts and settings", sql: accountsAndSettings },
  { number: 2, name: "sessions", sql: sessions },
  { number: 3, name: "rates", sql: rates },
  { number: 4, name: "blocks", sql: blocks },
  { number: 5, name: "incidents", sql: incidents },
  { number: 6, name: "console", sql: consoleAccess },
  { number: 7, name: "blocks of networks", sql: blockNetworks },
  { number: 8, name: "bulletins", sql: bulletins },
  { number: 9, name: "notices", sql: notices },
  { number: 10, name: "trends", sql: trends },
  { number: 11, name: "console users disabled", sql: consoleEnabled },
  { number: 12, name: "usual rates", sql: usualRates },
];

export const SCHEMA = MIGRATIONS.length;

/** "HLDF": what `file` and a reader of the header see. */
export const APPLICATION_ID = 0x484c4446;

/** 0: a database without our tables. */
export function schemaOf(db: Connection): number {
  const table = db.row("SELECT 1 AS one FROM sqlite_schema WHERE name = 'migrations'");
  if (table === undefined) return 0;
  return integer(db.row("SELECT coalesce(max(number), 0) AS number FROM migrations")?.number);
}

/** Brings the file to `target` in one transaction; the caller holds it. Returns the steps taken. */
export function migrate(db: Connection, now: number, target = SCHEMA): number {
  db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
  db.exec(`CREATE TABLE IF NOT EXISTS migrations (
    number INTEGER PRIMARY KEY NOT NULL, name TEXT NOT NULL, applied_at INTEGER NOT NULL
  ) STRICT`);
  const from = schemaOf(db);
  let steps = 0;
  for (const { number, name, sql } of MIGRATIONS) {
    if (number <= from || number > target) continue;
    db.exec(sql);
    db.run("INSERT INTO migrations (number, name, applied_at) VALUES (?, ?, ?)", number, name, now);
    steps++;
  }
  return steps;
}
