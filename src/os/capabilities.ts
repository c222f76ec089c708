// capabilities(7) of every thread, read from /proc: the kernel's word, not what was asked for.
import { readdirSync, readFileSync } from "node:fs";
import { fromNodeError, type OsError } from "./errors.js";

/** By bit number, as setpriv spells them. */
const NAMES = [
  "chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable",
  "net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio",
  "sys_chroot sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time",
  "sys_tty_config mknod lease audit_write audit_control setfcap mac_override mac_admin syslog",
  "wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore",
].flatMap((line) => line.split(" "));

export type Capability =
  | "net_admin"
  | "net_raw"
  | "bpf"
  | "setpcap"
  | "setuid"
  | "setgid"
  | "chown";

/** One thread as the kernel sees it. Capabilities by name, sorted by bit. */
export type ThreadPrivileges = {
  readonly tid: number;
  readonly name: string;
  /** Effective. */
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly noNewPrivileges: boolean;
  readonly effective: readonly string[];
  readonly permitted: readonly string[];
  readonly inheritable: readonly string[];
  readonly bounding: readonly string[];
  readonly ambient: readonly string[];
};

export type ProcessPrivileges = {
  readonly pid: number;
  readonly parent: number;
  /** Its argv; empty of one that has ended and is not reaped yet. */
  readonly command: readonly string[];
  readonly threads: readonly ThreadPrivileges[];
};

/** Names in a mask as /proc prints it, 16 hexadecimal digits. */
export function capabilityNames(mask: string): string[] {
  const names: string[] = [];
  let rest = BigInt(`0x${mask}`);
  for (let bit = 0; rest > 0n; bit++, rest >>= 1n) {
    if ((rest & 1n) === 1n) names.push(NAMES[bit] ?? `cap_${bit}`);
  }
  return names;
}

/**
 * Every thread of `pid`, its first one first, then by number: numbers begin anew at some time, so that the first
 * one's need not be the least. A thread that ends meanwhile is left out. Error ENOENT: no such process.
 */
export function readPrivileges(pid: number = process.pid): ProcessPrivileges | OsError {
  const threads: ThreadPrivileges[] = [];
  let parent = 0;
  try {
    const first = (tid: number) => (tid === pid ? 0 : tid);
    const tids = readdirSync(`/proc/${pid}/task`).map(Number);
    for (const tid of tids.sort((a, b) => first(a) - first(b))) {
      const fields = readStatus(`/proc/${pid}/task/${tid}/status`);
      if (fields === undefined) continue;
      parent = Number(fields.get("PPid"));
      threads.push(threadPrivileges(tid, fields));
    }
  } catch (error) {
    return fromNodeError(`read /proc/${pid}/task`, error);
  }
  return { pid, parent, command: commandOf(pid), threads };
}

/** `pid` and everything below it, parents first. */
export function readTreePrivileges(pid: number = process.pid): ProcessPrivileges[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync("/proc")) {
    if (!/^[0-9]+$/.test(entry)) continue;
    const parent = Number(readStatus(`/proc/${entry}/status`)?.get("PPid") ?? 0);
    children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const tree: ProcessPrivileges[] = [];
  const waiting = [pid];
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const read = readPrivileges(next);
    if ("threads" in read && read.threads.length > 0) tree.push(read);
    waiting.push(...(children.get(next) ?? []));
  }
  return tree;
}

function commandOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);
  } catch {
    return [];
  }
}

function readStatus(path: string): Map<string, string> | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
  const fields = new Map<string, string>();
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return fields;
}

function threadPrivileges(tid: number, fields: Map<string, string>): ThreadPrivileges {
  const numbers = (name: string) =>
    (fields.get(name) ?? "").split(/\s+/).filter(Boolean).map(Number);
  const set = (name: string) => capabilityNames(fields.get(name) ?? "0");
  return {
    tid,
    name: fields.get("Name") ?? "",
    uid: numbers("Uid")[1] ?? -1,
    gid: numbers("Gid")[1] ?? -1,
    groups: numbers("Groups"),
    noNewPrivileges: fields.get("NoNewPrivs") === "1",
    effective: set("CapEff"),
    permitted: set("CapPrm"),
    inheritable: set("CapInh"),
    bounding: set("CapBnd"),
    ambient: set("CapAmb"),
  };
}
