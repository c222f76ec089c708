// Addresses, links, routes and proxy neighbours of the kernel, through ip(8): changes one after the
// other, each a child with CAP_NET_ADMIN alone; listings as JSON, with no capability.
import { formatIpv4, formatIpv6, type Ipv4, type Ipv6 } from "../base/ip.js";
import { kernel as limits } from "../limits.js";
import { EINVAL, isOsError, type OsError, osError } from "./errors.js";
import { withNetAdminOnly, withoutCapabilities } from "./privileges.js";
import { findProgram, programFailed, runProgram } from "./programs.js";

/** rtm_protocol and NDA_PROTOCOL of what we put into the kernel, so that ours can be told. */
export const ROUTE_PROTOCOL = 147;

export type Destination =
  | { readonly family: 4; readonly address: Ipv4; readonly length: number }
  | { readonly family: 6; readonly address: Ipv6; readonly length: number };

export type IpChange =
  | {
      readonly kind: "AddAddress";
      readonly device: string;
      readonly address: Destination;
      /** The other end of a point-to-point interface. */
      readonly peer?: Ipv4;
    }
  | {
      readonly kind: "DeleteAddress";
      readonly device: string;
      readonly address: Destination;
      /** As it was added with: the kernel finds no address by its own half alone. */
      readonly peer?: Ipv4;
    }
  | { readonly kind: "LinkUp"; readonly device: string; readonly mtu: number }
  | { readonly kind: "DeleteLink"; readonly device: string }
  | {
      readonly kind: "AddRoute" | "DeleteRoute";
      readonly device: string;
      readonly to: Destination;
      readonly via?: Ipv4;
      /** Preferred source of what this host sends there. */
      readonly source?: Ipv4;
    }
  /** Answers ARP for `address` on `device`. */
  | {
      readonly kind: "AddProxyNeighbour" | "DeleteProxyNeighbour";
      readonly device: string;
      readonly address: Ipv4;
    };

export function destinationText(to: Destination): string {
  const address = to.family === 4 ? formatIpv4(to.address) : formatIpv6(to.address);
  return `${address}/${to.length}`;
}

/** The words of one line of `ip -batch`. */
export function changeWords(change: IpChange): string[] {
  const protocol = ["protocol", String(ROUTE_PROTOCOL)];
  switch (change.kind) {
    case "AddAddress": {
      // An address we give is ours: no need to ask the link whether somebody has it.
      const once = change.address.family === 6 ? ["nodad"] : [];
      return ["address", "add", ...addressWords(change), "dev", change.device, ...once];
    }
    case "DeleteAddress":
      return ["address", "delete", ...addressWords(change), "dev", change.device];
    case "LinkUp":
      return ["link", "set", "dev", change.device, "mtu", String(change.mtu), "up"];
    case "DeleteLink":
      return ["link", "delete", "dev", change.device];
    case "AddRoute":
    case "DeleteRoute": {
      const verb = change.kind === "AddRoute" ? "add" : "delete";
      const source = change.source === undefined ? [] : ["src", formatIpv4(change.source)];
      const via = change.via === undefined ? [] : ["via", formatIpv4(change.via)];
      const words = ["route", verb, destinationText(change.to), ...via, "dev", change.device];
      return [...words, ...source, ...protocol];
    }
    case "AddProxyNeighbour":
    case "DeleteProxyNeighbour": {
      const address = ["proxy", formatIpv4(change.address), "dev", change.device];
      return change.kind === "AddProxyNeighbour"
        ? ["neighbour", "add", ...address, ...protocol]
        : ["neighbour", "delete", ...address];
    }
  }
}

function addressWords({ address, peer }: { address: Destination; peer?: Ipv4 }): string[] {
  const text = destinationText(address);
  return peer === undefined ? [text] : [text.replace(/\/.*/, ""), "peer", formatIpv4(peer)];
}

/** Changes the kernel one after the other, in the order asked. */
export class IpChanges {
  #pending = 0;
  #last: Promise<unknown> = Promise.resolve();

  /** Asked and not yet answered. */
  get pending(): number {
    return this.#pending;
  }

  /**
   * Does all of `changes`, or stops at the first that fails: those before it stay. Undefined is success.
   * Errors: EEXIST, ESRCH (no such route), ENODEV, EPERM, …; EAGAIN when too many wait.
   */
  apply(changes: readonly IpChange[]): Promise<OsError | undefined> {
    if (this.#pending >= limits.ipPendingMax) {
      return Promise.resolve(osError("ip", "EAGAIN", "too many changes wait"));
    }
    this.#pending++;
    const answer = this.#last.then(() => runBatch(changes));
    this.#last = answer.finally(() => this.#pending--);
    return answer;
  }
}

async function runBatch(changes: readonly IpChange[]): Promise<OsError | undefined> {
  const lines = changes.map(changeWords);
  for (const words of lines) {
    // A batch line is split at blanks and unquoted: a word that is more than one is none of ours.
    const strange = words.find((word) => !/^[A-Za-z0-9_.:/-]{1,64}$/.test(word));
    if (strange !== undefined) return osError("ip -batch", EINVAL, strange);
  }
  const argv = ipArgv(["-batch", "-"], withNetAdminOnly);
  if (isOsError(argv)) return argv;
  const input = lines.map((words) => `${words.join(" ")}\n`).join("");
  const result = await runProgram(argv, { input });
  if (isOsError(result)) return result;
  if (result.code === 0) return undefined;
  const at = Number(/Command failed -:([0-9]+)/.exec(result.stderr)?.[1] ?? 1);
  return programFailed(`ip ${(lines[at - 1] ?? ["-batch"]).join(" ")}`, result);
}

type Wrapper = (argv: readonly string[]) => string[] | OsError;
function ipArgv(words: readonly string[], wrapper: Wrapper): string[] | OsError {
  const ip = findProgram("ip");
  return ip === undefined ? osError("ip", "ENOENT", "package iproute2") : wrapper([ip, ...words]);
}

export type LocalAddress = {
  readonly device: string;
  readonly family: 4 | 6;
  /** As ip prints it. */
  readonly address: string;
  readonly length: number;
  /** global, link, host, site. */
  readonly scope: string;
  readonly peer: string | undefined;
};

export type Link = {
  readonly name: string;
  readonly index: number;
  readonly mtu: number;
  readonly up: boolean;
};

export type Route = {
  readonly family: 4 | 6;
  /** `default`, a prefix, or an address alone. */
  readonly to: string;
  readonly device: string | undefined;
  readonly gateway: string | undefined;
  /** rtm_protocol as a number: 2 kernel, 3 boot, 4 static, 9 router advertisement. */
  readonly protocol: number;
  readonly source: string | undefined;
};

export type ProxyNeighbour = {
  readonly address: string;
  readonly device: string;
  readonly protocol: number;
};

/** Every address of this host, those of interfaces that are down included. */
export async function listAddresses(): Promise<LocalAddress[] | OsError> {
  const rows = await listing(["address", "show"]);
  if (isOsError(rows)) return rows;
  return rows.flatMap((row) =>
    objects(row.addr_info).flatMap((entry): LocalAddress[] => {
      const address = text(entry.local);
      if (address === undefined) return [];
      const family = entry.family === "inet6" ? 6 : 4;
      const peer = text(entry.address);
      const length = number(entry.prefixlen);
      const scope = text(entry.scope) ?? "";
      return [{ device: text(row.ifname) ?? "", family, address, length, scope, peer }];
    }),
  );
}

export async function listLinks(): Promise<Link[] | OsError> {
  const rows = await listing(["link", "show"]);
  if (isOsError(rows)) return rows;
  return rows.map((row) => ({
    name: text(row.ifname) ?? "",
    index: number(row.ifindex),
    mtu: number(row.mtu),
    up: Array.isArray(row.flags) && row.flags.includes("UP"),
  }));
}

/** The main table; with `device`, only its routes. */
export async function listRoutes(family: 4 | 6, device?: string): Promise<Route[] | OsError> {
  const only = device === undefined ? [] : ["dev", device];
  const rows = await listing([`-${family}`, "-N", "route", "show", ...only]);
  if (isOsError(rows)) return rows;
  return rows.map((row) => ({
    family,
    to: text(row.dst) ?? "",
    // Asked for one device, ip leaves its name out.
    device: text(row.dev) ?? device,
    gateway: text(row.gateway),
    protocol: number(row.protocol),
    source: text(row.prefsrc),
  }));
}

/** By which route a packet to `address` would leave now. ENETUNREACH: by none. */
export async function routeTo(address: Ipv4): Promise<Route | OsError> {
  const rows = await listing(["-4", "-N", "route", "get", formatIpv4(address)]);
  if (isOsError(rows)) return rows;
  const [row = {}] = rows;
  return {
    family: 4,
    to: formatIpv4(address),
    device: text(row.dev),
    gateway: text(row.gateway),
    protocol: number(row.protocol),
    source: text(row.prefsrc),
  };
}

export async function listProxyNeighbours(): Promise<ProxyNeighbour[] | OsError> {
  const rows = await listing(["-4", "-N", "neighbour", "show", "proxy"]);
  if (isOsError(rows)) return rows;
  return rows.map((row) => ({
    address: text(row.dst) ?? "",
    device: text(row.dev) ?? "",
    protocol: number(row.protocol),
  }));
}

type Row = Readonly<Record<string, unknown>>;

async function listing(words: readonly string[]): Promise<Row[] | OsError> {
  const argv = ipArgv(["-j", ...words], withoutCapabilities);
  if (isOsError(argv)) return argv;
  const result = await runProgram(argv);
  if (isOsError(result)) return result;
  const call = `ip ${words.join(" ")}`;
  if (result.code !== 0) return programFailed(call, result);
  try {
    // Nothing at all is how older versions print an empty list.
    return result.stdout.trim() === "" ? [] : objects(JSON.parse(result.stdout));
  } catch {
    return osError(call, "EPROTO", result.stdout.slice(0, 200));
  }
}

function objects(value: unknown): Row[] {
  const isRow = (row: unknown): row is Row => typeof row === "object" && row !== null;
  return Array.isArray(value) ? value.filter(isRow) : [];
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** ip prints some numbers as text. */
function number(value: unknown): number {
  return Number(value ?? 0);
}
