// The store's thread: it owns the database connection, and nobody else in the process touches SQLite.
import { readlinkSync } from "node:fs";
import { basename } from "node:path";
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { InvariantBroken } from "../base/invariant.js";
import { runAlone, runReads, runWrites } from "./sqlite-engine.js";
import type { FromThread, ThreadData, ToThread } from "./sqlite-link.js";
import { type Opened, openDatabase } from "./sqlite-open.js";

const port = parentPort;
if (isMainThread || port === null) throw new InvariantBroken("this is the store's thread");

function tell(message: FromThread): void {
  port?.postMessage(message);
}

function handle(opened: Opened, message: ToThread): void {
  if (message.kind === "close") {
    opened.connection.close();
    opened.key.octets.fill(0);
    port?.close();
    return;
  }
  const last = message.writes.length === 0 && message.alone === undefined;
  if (message.reads.length > 0) {
    tell({ kind: "read", answers: runReads(opened, message.reads), last });
    // A second message would wake the main thread a second time, and most log-ins only read.
    if (last) return;
  }
  const answers = runWrites(opened, message.writes);
  const alone = message.alone === undefined ? undefined : runAlone(opened, message.alone);
  tell({ kind: "written", answers, alone });
}

/** `PID/task/TID`; 0 where there is no /proc. */
function ownTid(): number {
  try {
    return Number(basename(readlinkSync("/proc/thread-self")));
  } catch {
    return 0;
  }
}

const result = openDatabase((workerData as ThreadData).terms);
if (result.ok) {
  const { opened } = result;
  port.on("message", (message: ToThread) => handle(opened, message));
  tell({ kind: "opened", instanceId: opened.instanceId, tid: ownTid() });
} else {
  tell({ kind: "not-opened", failure: result });
}
