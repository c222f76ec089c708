// How many descriptors this process has open, and how many it may.
import { readdirSync, readFileSync } from "node:fs";
import { fromNodeError, type OsError } from "./errors.js";
import { setCloseOnExec } from "./libc.js";

export type DescriptorLimit = { readonly soft: number; readonly hard: number };

/** RLIMIT_NOFILE; Infinity where there is none. Node itself raises the soft one to the hard one. */
export function descriptorLimit(pid: number | "self" = "self"): DescriptorLimit | OsError {
  try {
    const text = readFileSync(`/proc/${pid}/limits`, "utf8");
    const [, soft, hard] = /^Max open files\s+(\S+)\s+(\S+)/m.exec(text) ?? [];
    const number = (word = "0") => (word === "unlimited" ? Number.POSITIVE_INFINITY : Number(word));
    return { soft: number(soft), hard: number(hard) };
  } catch (error) {
    return fromNodeError(`read /proc/${pid}/limits`, error);
  }
}

/** Open now; the one that listing takes is not counted. */
export function openDescriptors(pid: number | "self" = "self"): number | OsError {
  try {
    const own = pid === "self" || pid === process.pid;
    return readdirSync(`/proc/${pid}/fd`).length - (own ? 1 : 0);
  } catch (error) {
    return fromNodeError(`read /proc/${pid}/fd`, error);
  }
}

/**
 * Keeps every descriptor above the standard streams from children that are not given it: ours are so
 * from the start, but whoever started us may have left some of its own open.
 */
export function keepFromChildren(): void {
  for (const entry of readdirSync("/proc/self/fd")) {
    if (Number(entry) > 2) setCloseOnExec(Number(entry), true);
  }
}
