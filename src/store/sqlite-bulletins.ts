// Bulletins in the database.
import type { Bulletin } from "../core/bulletin/bulletin.js";
import { bulletin as limits } from "../limits/bulletin.js";
import { store } from "../limits.js";
import { type Answer, answer } from "./port.js";
import { text } from "./sqlite-connection.js";
import type { Opened } from "./sqlite-open.js";

export function listBulletins(
  { connection }: Opened,
  { before, most }: { before?: number; most?: number },
): Answer<readonly Bulletin[]> {
  const rows = connection.rows(
    "SELECT bulletin FROM bulletins WHERE number < ? ORDER BY number DESC LIMIT ?",
    before ?? Number.MAX_SAFE_INTEGER,
    Math.min(most ?? store.pageMax, store.pageMax),
  );
  return answer(rows.map(({ bulletin }) => read(text(bulletin))));
}

export function findBulletin(
  { connection }: Opened,
  { number }: { number: number },
): Answer<Bulletin | undefined> {
  const row = connection.row("SELECT bulletin FROM bulletins WHERE number = ?", number);
  return answer(row && read(text(row.bulletin)));
}

/** In place of what is there of it; the oldest beyond what is kept go. */
export function putBulletin(
  { connection }: Opened,
  { bulletin }: { bulletin: Bulletin },
): Answer<void> {
  connection.run(
    "INSERT OR REPLACE INTO bulletins (number, bulletin) VALUES (?, ?)",
    bulletin.number,
    JSON.stringify(bulletin),
  );
  connection.run(
    "DELETE FROM bulletins WHERE number NOT IN (SELECT number FROM bulletins ORDER BY number DESC LIMIT ?)",
    limits.keptMax,
  );
  return answer(undefined);
}

/** Only we write it. */
function read(bulletin: string): Bulletin {
  return JSON.parse(bulletin) as Bulletin;
}
