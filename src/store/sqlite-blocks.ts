// Blocked sources in the database.
import { guard } from "../limits.js";
import { type Answer, answer, type KeptBlock, type UnixMs } from "./port.js";
import { integer, text } from "./sqlite-connection.js";
import type { Opened } from "./sqlite-open.js";

export function listBlocks({ connection }: Opened): Answer<readonly KeptBlock[]> {
  const rows = connection.rows(
    "SELECT source, reason, since, until, times FROM blocks ORDER BY since DESC LIMIT ?",
    guard.blocksMax,
  );
  const blocks = rows.map((row) => ({
    source: integer(row.source),
    reason: text(row.reason),
    since: integer(row.since),
    until: integer(row.until),
    times: integer(row.times),
  }));
  return answer(blocks.reverse());
}

export function putBlock({ connection }: Opened, ask: { block: KeptBlock }): Answer<void> {
  const { source, reason, since, until, times } = ask.block;
  connection.run(
    "INSERT OR REPLACE INTO blocks (source, reason, since, until, times) VALUES (?, ?, ?, ?, ?)",
    source,
    reason,
    Math.round(since),
    Math.round(until),
    times,
  );
  return answer(undefined);
}

export function removeBlock({ connection }: Opened, ask: { source: number }): Answer<void> {
  connection.run("DELETE FROM blocks WHERE source = ?", ask.source);
  return answer(undefined);
}

/** Those that have ended before, and the oldest beyond what is kept. */
export function pruneBlocks({ connection }: Opened, ask: { before: UnixMs }): Answer<void> {
  connection.run("DELETE FROM blocks WHERE until < ?", Math.round(ask.before));
  connection.run(
    "DELETE FROM blocks WHERE source NOT IN (SELECT source FROM blocks ORDER BY since DESC LIMIT ?)",
    guard.blocksMax,
  );
  return answer(undefined);
}
