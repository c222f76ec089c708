// Settings under /proc/sys that sessions need. Old values are on disk before anything changes, so
// that a stop, or the start after a crash, puts them back.
import { readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { writeDurably } from "./durable-file.js";
import { EINVAL, fromNodeError, isOsError, type OsError, osError } from "./errors.js";

/** Relative to /proc/sys, with slashes: an interface's name may contain dots. */
export type SysctlKey = string;

export const IP_FORWARD: SysctlKey = "net/ipv4/ip_forward";
export const IPV6_FORWARDING: SysctlKey = "net/ipv6/conf/all/forwarding";

export function acceptRa(device: string): SysctlKey {
  return `net/ipv6/conf/${device}/accept_ra`;
}

export function readSysctl(key: SysctlKey): string | OsError {
  if (!isKey(key)) return osError("read /proc/sys", EINVAL, key);
  try {
    return readFileSync(`/proc/sys/${key}`, "utf8").trim();
  } catch (error) {
    return fromNodeError(`read /proc/sys/${key}`, error);
  }
}

/** For settings of net/, CAP_NET_ADMIN is enough. */
export function writeSysctl(key: SysctlKey, value: string): OsError | undefined {
  if (!isKey(key)) return osError("write /proc/sys", EINVAL, key);
  try {
    writeFileSync(`/proc/sys/${key}`, value, { flag: "r+" });
    return undefined;
  } catch (error) {
    return fromNodeError(`write /proc/sys/${key}`, error);
  }
}

function isKey(key: string): boolean {
  return /^[A-Za-z0-9_.@-]+(\/[A-Za-z0-9_.@-]+)*$/.test(key) && !key.split("/").includes("..");
}

/** A setting changed by us, and those the kernel changed along with it. */
type Entry = {
  readonly key: SysctlKey;
  readonly old: string;
  readonly ours: string;
  readonly followers: readonly { readonly key: SysctlKey; readonly old: string }[];
};

type JournalFile = { readonly version: 1; readonly where: string; readonly entries: Entry[] };

/** What one restore did, for the log. */
export type Restored = {
  readonly restored: readonly SysctlKey[];
  /** Changed by somebody else since: left as they are. */
  readonly left: readonly SysctlKey[];
  readonly failed: readonly OsError[];
};

export class SysctlJournal {
  #entries: Entry[] = [];

  /** `path`: a file in the state directory, under whose lock we run. `where`: for tests. */
  constructor(
    readonly path: string,
    readonly where: () => string = whereWeAre,
  ) {}

  get changed(): readonly SysctlKey[] {
    return this.#entries.map(({ key }) => key);
  }

  /**
   * Takes up what an earlier run left and puts it back. Records of another boot or another network
   * namespace are dropped: those settings are gone.
   */
  recover(): Restored | OsError {
    let text: string;
    try {
      text = readFileSync(this.path, "utf8");
    } catch (error) {
      const failure = fromNodeError(`read ${this.path}`, error);
      return failure.errno === "ENOENT" ? { restored: [], left: [], failed: [] } : failure;
    }
    const file = parseJournal(text);
    if (file === undefined) return osError(`read ${this.path}`, "EPROTO", "not a sysctl journal");
    this.#entries = file.where === this.where() ? file.entries : [];
    return this.restore();
  }

  /** Sets `key`; a value that is there already is nobody's change. Recorded before it is made. */
  set(key: SysctlKey, value: string): OsError | undefined {
    const old = readSysctl(key);
    if (isOsError(old)) return old;
    if (old === value) return undefined;
    const known = this.#entries.find((entry) => entry.key === key);
    const followers = known?.followers ?? followersOf(key);
    const entry = { key, old: known?.old ?? old, ours: value, followers };
    const entries = [...this.#entries.filter((other) => other !== known), entry];
    const failure = this.#record(entries);
    if (failure !== undefined) return failure;
    return writeSysctl(key, value);
  }

  /** Puts all back that is still as we set it, last change first, and forgets the record. */
  restore(): Restored {
    const restored: SysctlKey[] = [];
    const left: SysctlKey[] = [];
    const failed: OsError[] = [];
    const kept: Entry[] = [];
    for (const entry of [...this.#entries].reverse()) {
      const now = readSysctl(entry.key);
      // An interface that went away took its settings with it.
      if (isOsError(now) && now.errno === "ENOENT") continue;
      if (now !== entry.ours) {
        left.push(entry.key);
        continue;
      }
      const failure = writeSysctl(entry.key, entry.old);
      if (failure === undefined) {
        restored.push(entry.key);
        for (const { key, old } of entry.followers) {
          if (readSysctl(key) !== old) writeSysctl(key, old);
        }
      } else {
        failed.push(failure);
        kept.unshift(entry);
      }
    }
    const failure = this.#record(kept);
    if (failure !== undefined) failed.push(failure);
    return { restored, left, failed };
  }

  #record(entries: Entry[]): OsError | undefined {
    if (entries.length === 0) {
      this.#entries = entries;
      rmSync(this.path, { force: true });
      return undefined;
    }
    const file: JournalFile = { version: 1, where: this.where(), entries };
    const failure = writeDurably(this.path, `${JSON.stringify(file, undefined, 2)}\n`);
    if (failure === undefined) this.#entries = entries;
    return failure;
  }
}

/** This boot and this network namespace. */
export function whereWeAre(): string {
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  return `${boot} ${readlinkSync("/proc/self/ns/net")}`;
}

/**
 * Forwarding for all sets it for each interface, in both families: what each had is recorded too,
 * since the way back would otherwise switch off what was on before us.
 */
function followersOf(key: SysctlKey): Entry["followers"] {
  if (key !== IP_FORWARD && key !== IPV6_FORWARDING) return [];
  const directory = key === IP_FORWARD ? "net/ipv4/conf" : "net/ipv6/conf";
  try {
    return readdirSync(`/proc/sys/${directory}`)
      .filter((name) => name !== "all")
      .flatMap((name) => {
        const follower = `${directory}/${name}/forwarding`;
        const old = readSysctl(follower);
        return isOsError(old) ? [] : [{ key: follower, old }];
      });
  } catch {
    return [];
  }
}

function parseJournal(text: string): JournalFile | undefined {
  try {
    const file: unknown = JSON.parse(text);
    return isJournal(file) ? file : undefined;
  } catch {
    return undefined;
  }
}

function isJournal(file: unknown): file is JournalFile {
  if (typeof file !== "object" || file === null) return false;
  if (!("version" in file && file.version === 1 && "where" in file && "entries" in file)) {
    return false;
  }
  return Array.isArray(file.entries) && file.entries.every(isEntry);
}

function isEntry(entry: unknown): entry is Entry {
  if (typeof entry !== "object" || entry === null) return false;
  const { key, old, ours, followers } = entry as Partial<Record<keyof Entry, unknown>>;
  const texts = [key, old, ours].every((value) => typeof value === "string");
  const isFollower = (row: unknown) =>
    typeof row === "object" && row !== null && "key" in row && "old" in row;
  return texts && Array.isArray(followers) && followers.every(isFollower);
}
