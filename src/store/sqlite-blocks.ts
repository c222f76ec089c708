// Blocked sources in the database.
import type { Prefix4 } from "../base/ip.js";
import { type Answer, answer, type KeptBlock, type UnixMs } from "./port.js";
import { integer, text } from "./sqlite-connection.js";
import type { Opened } from "./sqlite-open.js";

export function listBlocks(
  { connection }: Opened,
  ask: { most: number },
): Answer<readonly KeptBlock[]> {
  const rows = connection.rows(
    "SELECT source, length, reason, since, until, times FROM blocks ORDER BY since DESC LIMIT ?",
    ask.most,
  );
  const blocks = rows.map((row) => ({
    source: { address: integer(row.source), length: integer(row.length) },
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
    `INSERT OR REPLACE INTO blocks (source, length, reason, since, until, times)
     VALUES (?, ?, ?, ?, ?, ?)`,
    source.address,
    source.length,
    reason,
    Math.round(since),
    Math.round(until),
    times,
  );
  return answer(undefined);
}

export function removeBlock({ connection }: Opened, ask: { source: Prefix4 }): Answer<void> {
  const { address, length } = ask.source;
  connection.run("DELETE FROM blocks WHERE source = ? AND length = ?", address, length);
  return answer(undefined);
}

/** Those that have ended before, and the oldest beyond `most`. */
export function pruneBlocks(
  { connection }: Opened,
  ask: { before: UnixMs; most: number },
): Answer<void> {
  connection.run("DELETE FROM blocks WHERE until < ?", Math.round(ask.before));
  connection.run(
    "DELETE FROM blocks WHERE rowid NOT IN (SELECT rowid FROM blocks ORDER BY since DESC LIMIT ?)",
    ask.most,
  );
  return answer(undefined);
}
