// One file for each running client: who it is, how its session stands, and what it has changed on this
// host. `--status` reads them; the next start undoes what a dead client left.
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { client as limits } from "../../limits.js";
import { writeDurably } from "../../os/durable-file.js";
import { fromNodeError, type OsError } from "../../os/errors.js";
import { makeDirectory } from "../../os/state-directory.js";
import { whereWeAre } from "../../os/sysctl.js";
import type { NameServerWay } from "./name-servers.js";
import type { Pin } from "./route-plan.js";

/** What must be put back, whoever does it. */
export type Changed = {
  readonly pin?: Pin;
  readonly nameServers?: { readonly way: NameServerWay; readonly device: string };
};

export type Traffic = {
  /** Of IP packets inside. */
  readonly receivedOctets: number;
  readonly sentOctets: number;
  /** Connections and sockets inside, and programs at the proxies. */
  readonly connections: number;
  readonly programs: number;
};

export type ClientState = {
  readonly server: string;
  readonly user: string;
  readonly tun: string | undefined;
  /** In its place: each kind and where it listens. */
  readonly proxies?: readonly string[];
  /** Of the session behind them, as it was a few seconds ago at the most. */
  readonly traffic?: Traffic | undefined;
  readonly phase: "connecting" | "up" | "waiting";
  /** Unix ms of the last change of phase. */
  readonly since: number;
  readonly address: string | undefined;
  readonly encryption: string | undefined;
  /** Sessions before this one. */
  readonly sessions: number;
  /** Why the last one ended. */
  readonly lastVerdict: string | undefined;
  readonly changed: Changed;
};

export type Record = ClientState & {
  readonly version: 1;
  readonly pid: number;
  /** Ticks since boot: a pid alone may be another's by now. */
  readonly startedAt: string;
  /** Boot and network namespace: elsewhere these changes mean nothing. */
  readonly where: string;
};

export class StateFile implements Disposable {
  readonly #path: string;

  constructor(readonly directory: string) {
    this.#path = join(directory, `${process.pid}.json`);
  }

  /** On disk when it returns: a change is written down before it is made. */
  write(state: ClientState): OsError | undefined {
    try {
      makeDirectory(this.directory);
    } catch (error) {
      return fromNodeError(`make ${this.directory}`, error);
    }
    const own = { version: 1, pid: process.pid, startedAt: startOf(process.pid) ?? "" } as const;
    const record: Record = { ...own, where: whereWeAre(), ...state };
    return writeDurably(this.#path, `${JSON.stringify(record, undefined, 1)}\n`);
  }

  [Symbol.dispose](): void {
    rmSync(this.#path, { force: true });
  }
}

/** Of living clients, here or in other namespaces. */
export function living(directory: string): Record[] {
  return records(directory).filter(isAlive);
}

/** Of dead ones of this boot and namespace; the files of those of another boot are removed. */
export function leftBehind(directory: string): Record[] {
  const here = whereWeAre();
  const [boot] = here.split(" ");
  const dead = records(directory).filter((record) => !isAlive(record));
  for (const record of dead) {
    if (record.where.split(" ")[0] !== boot) forget(directory, record);
  }
  return dead.filter(({ where }) => where === here);
}

export function forget(directory: string, { pid }: Record): void {
  rmSync(join(directory, `${pid}.json`), { force: true });
}

function isAlive({ pid, startedAt }: Record): boolean {
  return startOf(pid) === startedAt;
}

function records(directory: string): Record[] {
  let names: string[];
  try {
    names = readdirSync(directory).filter((name) => /^[0-9]+\.json$/.test(name));
  } catch {
    return [];
  }
  return names.slice(0, limits.clientsMax).flatMap((name) => {
    try {
      const text = readFileSync(join(directory, name), "utf8");
      const record: unknown = text.length > limits.stateOctetsMax ? undefined : JSON.parse(text);
      return isRecord(record) && `${record.pid}.json` === name ? [record] : [];
    } catch {
      return [];
    }
  });
}

function isRecord(value: unknown): value is Record {
  if (typeof value !== "object" || value === null) return false;
  const { version, pid, where, changed } = value as Partial<{ [key: string]: unknown }>;
  const typed = version === 1 && typeof pid === "number" && typeof where === "string";
  return typed && typeof changed === "object" && changed !== null;
}

/** proc(5): field 22, after a name that may hold anything. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}
