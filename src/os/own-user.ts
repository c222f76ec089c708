// Which user the server runs as when it was started by root.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { type OsError, osError } from "./errors.js";
import { CHILD_ENVIRONMENT, findProgram } from "./programs.js";

/** `name` is absent for a number that no database knows. */
export type OwnUser = { readonly uid: number; readonly gid: number; readonly name?: string };

/** systemd's range for users that exist only while something runs as them. */
export const DYNAMIC_UID_MIN = 61_184;
export const DYNAMIC_UID_MAX = 65_519;

const LOOKUP_MS = 5_000;

/** By name or number, in every database of the system; undefined when there is none. */
export function lookUpUser(nameOrUid: string): OwnUser | undefined {
  const getent = findProgram("getent");
  const line =
    getent === undefined
      ? passwdFile().find(
          (row) => row.split(":")[0] === nameOrUid || row.split(":")[2] === nameOrUid,
        )
      : spawnSync(getent, ["passwd", "--", nameOrUid], {
          env: CHILD_ENVIRONMENT,
          timeout: LOOKUP_MS,
          encoding: "utf8",
        }).stdout;
  const [name, , uid, gid] = (line ?? "").trim().split(":");
  if (name === undefined || !/^[0-9]+$/.test(uid ?? "") || !/^[0-9]+$/.test(gid ?? ""))
    return undefined;
  return { uid: Number(uid), gid: Number(gid), name };
}

function passwdFile(): string[] {
  try {
    return readFileSync("/etc/passwd", "utf8").split("\n");
  } catch {
    return [];
  }
}

export type OwnUserWish = {
  /** From the configuration: a name that must exist, or a number that need not. */
  readonly user?: string | undefined;
  /** Tried before a number is made up: `holdfast`, `holdfast-hooks`. */
  readonly usualName: string;
  /** Whoever owns it is the user of the last run. */
  readonly stateDirectory: string;
  /** Numbers that are somebody else's. */
  readonly taken?: readonly number[];
};

/** The wished one, else the usual name's, else the last run's number, else a free one. */
export function chooseOwnUser(wish: OwnUserWish): OwnUser | OsError {
  if (wish.user !== undefined) {
    const known = lookUpUser(wish.user);
    if (known !== undefined) return refuseRoot(known, wish.user);
    if (!/^[0-9]{1,10}$/.test(wish.user)) return osError("getpwnam", "ENOENT", wish.user);
    return refuseRoot({ uid: Number(wish.user), gid: Number(wish.user) }, wish.user);
  }
  const usual = lookUpUser(wish.usualName);
  if (usual !== undefined && usual.uid !== 0) return usual;
  const taken = new Set(wish.taken ?? []);
  const last = ownerOf(wish.stateDirectory);
  if (last !== undefined && isDynamic(last) && !taken.has(last) && !isKnown(last)) {
    return { uid: last, gid: last };
  }
  return freeUser(`${wish.usualName} ${wish.stateDirectory}`, taken);
}

function refuseRoot(user: OwnUser, asked: string): OwnUser | OsError {
  return user.uid === 0 ? osError("choose user", "EINVAL", `${asked} is root`) : user;
}

/** The same number for the same `seed`, as long as nobody else has it. */
function freeUser(seed: string, taken: ReadonlySet<number>): OwnUser | OsError {
  const range = DYNAMIC_UID_MAX - DYNAMIC_UID_MIN + 1;
  const start = createHash("sha256").update(seed).digest().readUInt32BE(0) % range;
  const running = runningUsers();
  for (let step = 0; step < 64; step++) {
    const uid = DYNAMIC_UID_MIN + ((start + step) % range);
    if (!taken.has(uid) && !running.has(uid) && !isKnown(uid)) return { uid, gid: uid };
  }
  return osError("choose user", "EAGAIN", "no free user number found");
}

function isDynamic(uid: number): boolean {
  return uid >= DYNAMIC_UID_MIN && uid <= DYNAMIC_UID_MAX;
}

function isKnown(uid: number): boolean {
  return lookUpUser(String(uid)) !== undefined;
}

function ownerOf(path: string): number | undefined {
  try {
    return statSync(path).uid;
  } catch {
    return undefined;
  }
}

function runningUsers(): Set<number> {
  const users = new Set<number>();
  for (const entry of readdirSync("/proc")) {
    if (!/^[0-9]+$/.test(entry)) continue;
    const uid = ownerOf(`/proc/${entry}`);
    if (uid !== undefined) users.add(uid);
  }
  return users;
}
