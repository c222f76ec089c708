// The name servers that the server gave, through whatever manages them on this host: systemd-resolved
// or resolvconf. A file that nobody manages is not touched.
import { lstatSync, readlinkSync } from "node:fs";
import { formatIpv4, type Ipv4 } from "../../base/ip.js";
import { isOsError, type OsError, osError } from "../../os/errors.js";
import { findProgram, programFailed, runProgram } from "../../os/programs.js";

export type NameServerWay = "systemd-resolved" | "resolvconf";

const RESOLVED_SOCKET = "/run/systemd/resolve/io.systemd.Resolve";

/** Undefined: there is nobody to tell. */
export function nameServerWay(): NameServerWay | undefined {
  if (findProgram("resolvectl") !== undefined && isThere(RESOLVED_SOCKET)) {
    return "systemd-resolved";
  }
  const resolvconf = findProgram("resolvconf");
  if (resolvconf === undefined) return undefined;
  // systemd's own program of that name serves systemd-resolved alone.
  return pointsTo(resolvconf).endsWith("resolvectl") ? undefined : "resolvconf";
}

/** `all`: every name is asked for through the session. */
export async function setNameServers(
  way: NameServerWay,
  device: string,
  servers: readonly Ipv4[],
  all: boolean,
): Promise<OsError | undefined> {
  const addresses = servers.map(formatIpv4);
  if (way === "resolvconf") {
    const input = addresses.map((address) => `nameserver ${address}\n`).join("");
    return run("resolvconf", ["-a", record(device)], input);
  }
  const failure = await run("resolvectl", ["dns", device, ...addresses]);
  if (failure !== undefined || !all) return failure;
  return run("resolvectl", ["domain", device, "~."]);
}

/** systemd-resolved forgets an interface's servers with the interface, too. */
export function unsetNameServers(way: NameServerWay, device: string): Promise<OsError | undefined> {
  if (way === "resolvconf") return run("resolvconf", ["-d", record(device)]);
  return run("resolvectl", ["revert", device]);
}

function record(device: string): string {
  return `${device}.holdfast`;
}

async function run(
  program: string,
  words: readonly string[],
  input?: string,
): Promise<OsError | undefined> {
  const path = findProgram(program);
  if (path === undefined) return osError(program, "ENOENT");
  const result = await runProgram([path, ...words], input === undefined ? {} : { input });
  if (isOsError(result)) return result;
  return result.code === 0 ? undefined : programFailed(`${program} ${words.join(" ")}`, result);
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function pointsTo(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return path;
  }
}
