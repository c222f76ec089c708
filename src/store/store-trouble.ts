// Which trouble an exception of SQLite or of the file system is, and what helps against it.
import { type StoreTrouble, type TroubleKind, trouble } from "./port.js";

const REMEDIES: Readonly<Record<TroubleKind, string>> = {
  full: "free some room on the disk that holds the state directory; what waits is then written",
  locked:
    "another process holds the database's write lock (a shell, a copy, a second server?): end it",
  corrupt:
    "stop the server, keep the damaged file aside, and put the newest `holdfast backup` in its place",
  closed: "the server is stopping: ask again when it runs",
  "queue-full":
    "the disk is slower than the requests come: look at `holdfast status`, then ask again",
  failed: "look at the message: permissions, a read-only disk or failing hardware",
};

export function troubleWith(what: TroubleKind, message: string): StoreTrouble {
  return trouble(what, message, REMEDIES[what]);
}

function kindOf(code: string, message: string): TroubleKind {
  if (code.startsWith("SQLITE_FULL") || message.includes("No space left")) return "full";
  if (code.startsWith("SQLITE_BUSY") || code.startsWith("SQLITE_LOCKED")) return "locked";
  // A short read: the file ends before a page that belongs to it.
  if (/^SQLITE_(CORRUPT|NOTADB|IOERR_SHORT_READ)/.test(code)) return "corrupt";
  return "failed";
}

/** What an exception of the library or of node:fs means to the store's callers. */
export function troubleOf(failure: unknown): StoreTrouble {
  const message = failure instanceof Error ? failure.message : String(failure);
  const code =
    typeof failure === "object" && failure !== null && "code" in failure
      ? String(failure.code)
      : "";
  if (code === "ENOSPC" || code === "EDQUOT") return troubleWith("full", message);
  return troubleWith(kindOf(code, message), code === "" ? message : `${message} (${code})`);
}
