// Notices that wait to be sent, in the database. Who puts them bounds their number.
import { type Answer, answer, type KeptNotice } from "./port.js";
import { text } from "./sqlite-connection.js";
import type { Opened } from "./sqlite-open.js";

export function listNotices({ connection }: Opened): Answer<readonly KeptNotice[]> {
  const rows = connection.rows("SELECT notice FROM notices ORDER BY id");
  return answer(rows.map(({ notice }) => JSON.parse(text(notice)) as KeptNotice));
}

export function putNotice(
  { connection }: Opened,
  { notice }: { notice: KeptNotice },
): Answer<void> {
  connection.run(
    "INSERT OR REPLACE INTO notices (id, notice) VALUES (?, ?)",
    notice.id,
    JSON.stringify(notice),
  );
  return answer(undefined);
}

export function removeNotice({ connection }: Opened, { id }: { id: number }): Answer<void> {
  connection.run("DELETE FROM notices WHERE id = ?", id);
  return answer(undefined);
}
