// What a call may be asked to be: the same words on the command line and in a profile.
import { type Command, InvalidArgumentError, Option } from "commander";
import { parseIpv4 } from "../base/ip.js";
import { printable } from "../base/printable.js";
import type { ConnectOptions } from "../client/connect.js";
import type { RouteWish } from "../client/network/route-plan.js";
import type { Listen } from "../client/proxy/proxies.js";
import type { AuthenticationMethod } from "../core/access/ports.js";
import type { MppeBits } from "../core/ppp/ports.js";
import { readPrefix4 } from "../daemon/config/addresses.js";
import { CliFailure, exitCodes } from "./exit.js";

export const methods = ["ms-chap-v2", "ms-chap-v1", "chap-md5", "pap"] as const;
export const strengths = [128, 56, 40] as const;
export const policies = ["required", "optional", "none"] as const;

/** What is left out is as the profile says, else the default. */
export type CallWish = {
  readonly user?: string | undefined;
  readonly port?: number | undefined;
  readonly tun?: string | undefined;
  readonly auth?: readonly AuthenticationMethod[] | undefined;
  readonly encryption?: (typeof policies)[number] | undefined;
  readonly mppe?: readonly MppeBits[] | undefined;
  readonly stateful?: boolean | undefined;
  readonly routes?: "default" | "none" | readonly string[] | undefined;
  readonly dns?: boolean | undefined;
  readonly once?: boolean | undefined;
  /** ADDRESS:PORT or PORT. */
  readonly socks?: string | undefined;
  readonly http?: string | undefined;
  readonly passwordFile?: string | undefined;
  readonly passwordEnv?: string | undefined;
  readonly passwordCommand?: string | undefined;
};

export function addCallOptions(command: Command): Command {
  return command
    .option("-u, --user <name>", "user name")
    .option("--port <n>", "TCP port of the server (1723)", port)
    .option("--tun <name>", "name of the interface that is made (holdfast-c0)")
    .addOption(
      new Option(
        "--auth <methods>",
        `ways to log in, of ${methods.join(",")} (ms-chap-v2)`,
      ).argParser((text) => listed(text, methods)),
    )
    .addOption(
      new Option("--encryption <policy>", "MPPE, or plain traffic on purpose (required)").choices([
        ...policies,
      ]),
    )
    .addOption(
      new Option(
        "--mppe <bits>",
        `key lengths that will do, of ${strengths.join(",")} (128)`,
      ).argParser((text) => listed(text, strengths)),
    )
    .option("--stateful", "take stateful MPPE where the server insists")
    .option("--routes <which>", "what goes through it: none, default, or prefixes (none)", routes)
    .option("--no-dns", "leave this host's name servers alone")
    .option("--once", "do not dial again when a session is lost")
    .option(
      "--socks <[address:]port>",
      "a SOCKS 5 proxy into the session, in place of a TUN",
      place,
    )
    .option("--http <[address:]port>", "an HTTP proxy likewise; one or both", place)
    .option("--password-file <file>", "take the password from the first line of a file")
    .option("--password-env <variable>", "take it from the environment")
    .option("--password-command <command>", "take it from what a command prints, a keyring's say");
}

/** Those of `given` that are more than a default of the command line's. */
export function said(given: CallWish): CallWish {
  const { user, port: number, tun, auth, encryption, mppe, stateful, routes: which } = given;
  const { dns, once, socks, http, passwordFile, passwordEnv, passwordCommand } = given;
  const secret = { socks, http, passwordFile, passwordEnv, passwordCommand };
  const all = { user, port: number, tun, auth, encryption, mppe, stateful, routes: which, once };
  const wish: CallWish = { ...all, ...secret, dns: dns === false ? false : undefined };
  const kept = Object.entries(wish).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept);
}

export function termsOf(wish: CallWish): ConnectOptions["terms"] {
  const { auth = ["ms-chap-v2"], encryption = "required", mppe = [128], stateful = false } = wish;
  const keys = auth.some((method) => method.startsWith("ms-chap"));
  if (encryption === "required" && !keys) {
    throw new CliFailure(
      exitCodes.usage,
      `--auth ${auth.join(",")} gives no keys to encrypt with, and encryption is required`,
      "add ms-chap-v2, or say --encryption none: everything then goes in the clear",
    );
  }
  return { authentication: auth, encryption, bits: mppe, stateful };
}

/** Undefined: a TUN. */
export function proxiesOf({
  socks,
  http,
  tun,
  routes: which,
}: CallWish): ConnectOptions["proxies"] {
  if (socks === undefined && http === undefined) return undefined;
  if (tun !== undefined || which !== undefined) {
    const message = "with --socks or --http there is no interface, and no route";
    const remedy = "leave --tun and --routes out, or the proxies";
    throw new CliFailure(exitCodes.usage, message, remedy);
  }
  const [socksAt, httpAt] = [socks, http].map((text) => listenOf(text ?? ""));
  return { ...(socksAt && { socks: socksAt }), ...(httpAt && { http: httpAt }) };
}

/** On loopback unless an address is given; undefined of what is no such place. */
export function listenOf(text: string): Listen | undefined {
  const [, host = "127.0.0.1", digits = ""] = /^(?:([^:]+):)?([0-9]{1,5})$/.exec(text) ?? [];
  const address = parseIpv4(host);
  const number = digits === "" ? -1 : Number(digits);
  const fine = address !== undefined && number >= 0 && number <= 65_535;
  return fine ? { address, port: number } : undefined;
}

export const placeExpected = "PORT or ADDRESS:PORT with an IPv4 address, as 127.0.0.1:1080";

function place(text: string): string {
  if (listenOf(text) !== undefined) return text;
  throw new InvalidArgumentError(`Not ${placeExpected}.`);
}

export function routesOf({ routes: which = "none" }: CallWish): RouteWish {
  if (typeof which === "string") return which;
  return which.flatMap((text) => {
    const read = readPrefix4(text);
    return read.ok ? [read.value] : [];
  });
}

function routes(text: string): "default" | "none" | readonly string[] {
  if (text === "default" || text === "none") return text;
  return text.split(",").map((word) => {
    const read = readPrefix4(word.trim());
    if (read.ok) return word.trim();
    throw new InvalidArgumentError(`${printable(word)}: ${read.remedy}; or say default, or none.`);
  });
}

function listed<const T extends string | number>(text: string, known: readonly T[]): T[] {
  const words = text.split(",").map((word) => word.trim());
  return words.map((word) => {
    const found = known.find((one) => String(one) === word);
    if (found === undefined) throw new InvalidArgumentError(`Not one of ${known.join(", ")}.`);
    return found;
  });
}

function port(text: string): number {
  const number = /^[0-9]{1,5}$/.test(text) ? Number(text) : 0;
  if (number >= 1 && number <= 65_535) return number;
  throw new InvalidArgumentError("Not a port from 1 to 65535.");
}
