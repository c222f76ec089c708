// Waiting on a descriptor that Node has no object for. koffi's poll handle is wrapped here and never
// exposed: used in the wrong order it takes the process down.
import koffi from "koffi";
import { type OsError, osError } from "./errors.js";
import { probePollable } from "./libc.js";

type PollHandle = ReturnType<typeof koffi.node.poll>;

/** Live watches. It also keeps the handles referenced: one that is collected stops watching. */
const watched = new Map<number, PollHandle>();

/**
 * Calls `callback` whenever `fd` has something to read or has failed, again and again until it is
 * read. Dispose it before `fd` is closed. Errors: EEXIST when `fd` is watched already, EPERM when
 * nothing can wait on such a file, EBADF.
 */
export function watchReadable(fd: number, callback: () => void): Disposable | OsError {
  if (watched.has(fd)) return osError("poll", "EEXIST");
  const pollable = probePollable(fd);
  if (pollable < 0) return osError("poll", pollable);
  let live = true;
  let due = false;
  const run = () => {
    due = false;
    if (live) callback();
  };
  // koffi calls from outside Node's callback scope: promises and next ticks made there would not run,
  // and an exception would stay behind unseen. An immediate has both, and runs in the same turn.
  const handle = koffi.node.poll(fd, { readable: true }, () => {
    if (due || !live) return;
    due = true;
    setImmediate(run);
  });
  watched.set(fd, handle);
  return {
    [Symbol.dispose]() {
      if (!live) return;
      live = false;
      watched.delete(fd);
      // Close stops by itself; a stop after it is what crashes.
      handle.close();
    },
  };
}
