// What the kernel says a server's processes use: resident memory, processor time, socket memory.
import { readdirSync, readFileSync } from "node:fs";

export type Process = { readonly pid: number; readonly what: "main" | "data worker" | "other" };

/** Empty where the process or thread is gone: children of a moment (ip, nft) come and go. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (failure) {
    const { code } = failure as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH") return "";
    throw failure;
  }
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** The server's main process and everything below it. */
export function processesOf(pid: number): Process[] {
  const command = textOf(`/proc/${pid}/cmdline`).replaceAll("\0", " ");
  const what = command.includes("/worker/main.js") ? "data worker" : "other";
  const children = threadsOf(pid).flatMap((task) =>
    textOf(`/proc/${pid}/task/${task}/children`).split(" ").filter(Boolean),
  );
  return [{ pid, what }, ...children.map(Number).flatMap(processesOf)];
}

export function serverProcesses(pid: number): Process[] {
  return processesOf(pid).map((one) => (one.pid === pid ? { pid, what: "main" } : one));
}

/** Octets. */
export function residentOctets(pid: number): number {
  const text = textOf(`/proc/${pid}/smaps_rollup`);
  return 1_024 * Number(/^Rss:\s+(\d+)/m.exec(text)?.[1] ?? 0);
}

const TICK_MS = 10;

/** User and system time in ms, of its reaped children too: those of a moment (ip) are there. */
export function processorMs(pid: number): number {
  const text = textOf(`/proc/${pid}/stat`);
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [user = 0, system = 0, childUser = 0, childSystem = 0] = fields.slice(11, 15).map(Number);
  return TICK_MS * (user + system + childUser + childSystem);
}

export function openDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Caches whose objects a TCP connection and its descriptor are made of. */
const caches =
  /^(TCP|sock_inode_cache|tw_sock_TCP|request_sock_TCP|filp|dentry|eventpoll_\w+|ep_head)\s/;

export type SocketMemory = { readonly slabOctets: number; readonly tcpOctets: number };

/** 0 where the kernel does not say. */
export function socketMemory(): SocketMemory {
  let slabOctets = 0;
  try {
    for (const line of readFileSync("/proc/slabinfo", "utf8").split("\n")) {
      if (!caches.test(line)) continue;
      const [, active = 0, , size = 0] = line.split(/\s+/).map(Number);
      slabOctets += active * size;
    }
  } catch {
    // Some kernels have no such file.
  }
  // Pages, all namespaces together.
  const pages = /^TCP: .* mem (\d+)/m.exec(readFileSync("/proc/net/sockstat", "utf8"))?.[1];
  return { slabOctets, tcpOctets: 4_096 * Number(pages ?? 0) };
}
