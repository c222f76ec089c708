// What the kernel's scheduler says of a process's first thread: whether it ran, waited for a processor, or
// slept. Linux's own words (proc(5)): stat's state, and the first two numbers of schedstat.
import { readFileSync } from "node:fs";

export type ThreadRun = {
  /** `R`, `S`, `D`, `T`, `Z`… as proc(5) has them. */
  readonly state: string;
  /** Milliseconds since it began: on a processor, and runnable without one. */
  readonly ranMs: number;
  readonly waitedMs: number;
};

const NS_PER_MS = 1e6;

/** Undefined where the process is gone, or the kernel keeps no such account (no CONFIG_SCHED_INFO). */
export function threadRun(pid: number): ThreadRun | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The command's name may hold anything: what follows its closing bracket does not.
    const state = stat.charAt(stat.lastIndexOf(")") + 2);
    const [ran, waited] = readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ").map(Number);
    // Where the account is switched off the file is there, with noughts.
    if (ran === undefined || !(ran > 0) || waited === undefined) return undefined;
    return { state, ranMs: ran / NS_PER_MS, waitedMs: waited / NS_PER_MS };
  } catch {
    return undefined;
  }
}
