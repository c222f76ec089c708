// What a process and its children use, as /proc tells: of whatever server, ours or another's.
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { openDescriptors } from "./descriptors.js";
import { isOsError } from "./errors.js";

export type ProcessUsage = {
  readonly processes: number;
  readonly residentOctets: number;
  /** Since they began, their ended children included. */
  readonly processorMs: number;
  /** Undefined where they may not be looked at. */
  readonly descriptors: number | undefined;
};

/** Linux tells processor time in hundredths of a second, whatever its own tick. */
const MS_PER_TICK = 10;
const PROCESSES_MAX = 4_096;

/** Undefined: `pid` is gone. */
export function treeUsage(pid: number): ProcessUsage | undefined {
  let processes = 0;
  let residentOctets = 0;
  let processorMs = 0;
  let descriptors: number | undefined = 0;
  const waiting = [pid];
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const one = processUsage(next);
    if (one === undefined) continue;
    processes++;
    residentOctets += one.residentOctets;
    processorMs += one.processorMs;
    const open = openDescriptors(next);
    descriptors = isOsError(open) || descriptors === undefined ? undefined : descriptors + open;
    if (processes < PROCESSES_MAX) waiting.push(...childrenOf(next));
  }
  return processUsage(pid) && { processes, residentOctets, processorMs, descriptors };
}

/** What the kernel's own tables take, for all of this machine; undefined where it does not say. */
export function kernelSlab(): number | undefined {
  const kibi = /^Slab:\s+(\d+) kB$/m.exec(read("/proc/meminfo"))?.[1];
  return kibi === undefined ? undefined : Number(kibi) * 1_024;
}

/**
 * Octets of fragments that wait in the kernel for the rest of their datagram, in the network namespace of that process;
 * undefined where it does not say.
 */
export function fragmentMemory(pid: number): number | undefined {
  const octets = /^FRAG: inuse \d+ memory (\d+)$/m.exec(read(`/proc/${pid}/net/sockstat`))?.[1];
  return octets === undefined ? undefined : Number(octets);
}

export function processUsage(
  pid: number,
): { residentOctets: number; processorMs: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The command's name may hold anything: what follows its closing bracket does not.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return undefined;
    const ticks = [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at] ?? 0), 0);
    const resident = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return { residentOctets: Number(resident?.[1] ?? 0) * 1_024, processorMs: ticks * MS_PER_TICK };
  } catch {
    return undefined;
  }
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8")
        .split(" ")
        .filter((word) => word !== "")
        .map(Number),
    );
  } catch {
    return [];
  }
}

export type TcpEnds = {
  readonly address: string;
  readonly port: number;
  readonly peersAddress: string;
  readonly peersPort: number;
};

/** Whether that process holds the socket of a connection with these ends, seen from its side. */
export function holdsConnection(pid: number, ends: TcpEnds): boolean {
  const local = `${hexOf(ends.address)}:${hexPort(ends.port)}`;
  const peer = `${hexOf(ends.peersAddress)}:${hexPort(ends.peersPort)}`;
  const inodes = ["tcp", "tcp6"].flatMap((table) => {
    const rows = read(`/proc/${pid}/net/${table}`).split("\n").slice(1);
    return rows.flatMap((row) => {
      const words = row.trim().split(/\s+/);
      // IPv4 within IPv6 ends in the same eight digits.
      const ours = words[1]?.endsWith(local) === true && words[2]?.endsWith(peer) === true;
      return ours ? [words[9] ?? ""] : [];
    });
  });
  return inodes.some((inode) => descriptorsOf(pid).includes(`socket:[${inode}]`));
}

function descriptorsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
      } catch {
        return [];
      }
    });
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** Of a little-endian machine, as all are that this runs on. */
function hexOf(address: string): string {
  const octets = address.split(".").map((part) => Number(part).toString(16).padStart(2, "0"));
  return octets.reverse().join("").toUpperCase();
}

function hexPort(port: number): string {
  return port.toString(16).padStart(4, "0").toUpperCase();
}
