// One process a state directory: flock(2), which the kernel gives back however the holder ends.
import { constants, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { Descriptor } from "./descriptor.js";
import { EAGAIN, fromNodeError, type OsError, osError } from "./errors.js";
import { flock } from "./libc.js";

const LOCK_EX = 2;
const LOCK_NB = 4;

/** Held until disposed or the process ends. The file stays: removing it would race with the next. */
export class LockFile implements Disposable {
  constructor(
    readonly path: string,
    readonly descriptor: Descriptor,
  ) {}

  [Symbol.dispose](): void {
    this.descriptor[Symbol.dispose]();
  }
}

/** Error EAGAIN, with who holds it, when another process has it. */
export function lockFile(path: string): LockFile | OsError {
  let fd: number;
  try {
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
    fd = openSync(path, flags, 0o600);
  } catch (error) {
    return fromNodeError(`open ${path}`, error);
  }
  const descriptor = new Descriptor(fd);
  const result = flock(fd, LOCK_EX | LOCK_NB);
  if (result < 0) {
    descriptor[Symbol.dispose]();
    return osError(`flock ${path}`, result, result === -EAGAIN ? holderOf(path) : undefined);
  }
  try {
    ftruncateSync(fd);
    writeSync(fd, `${process.pid}\n`, 0);
  } catch {
    // A full disk keeps the pid from being told, not the lock from being held.
  }
  return new LockFile(path, descriptor);
}

function holderOf(path: string): string {
  try {
    const pid = readFileSync(path, "utf8").trim();
    if (!/^[0-9]{1,10}$/.test(pid)) return "held by another process";
    const name = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
    return `held by process ${pid} (${name.slice(0, 200)})`;
  } catch {
    return "held by another process";
  }
}
