// holdfast connect: a session from this host, until SIGINT or its end.
import { InvalidArgumentError, Option } from "commander";
import { printable } from "../base/printable.js";
import type { ConnectOptions } from "../client/connect.js";
import type { RouteWish } from "../client/network/route-plan.js";
import type { AuthenticationMethod } from "../core/access/ports.js";
import type { MppeBits } from "../core/ppp/ports.js";
import { readPrefix4 } from "../daemon/config/addresses.js";
import { clientDirectory, showClients } from "./client-status.js";
import { type CliContext, command, type JsonOption, withExamples, withJson } from "./context.js";
import { CliFailure, exitCodes } from "./exit.js";
import { addPasswordOptions, knownPassword, type PasswordOptions } from "./password.js";

type Options = JsonOption &
  PasswordOptions & {
    readonly user?: string;
    readonly port: number;
    readonly tun?: string;
    readonly auth: readonly AuthenticationMethod[];
    readonly encryption: "required" | "optional" | "none";
    readonly mppe: readonly MppeBits[];
    readonly stateful?: boolean;
    readonly once?: boolean;
    readonly routes: RouteWish;
    readonly dns: boolean;
    readonly status?: boolean;
  };

const methods = ["ms-chap-v2", "ms-chap-v1", "chap-md5", "pap"] as const;
const strengths = [128, 56, 40] as const;

export function connectCommand(context: CliContext) {
  const made = command("connect", "call a PPTP server and log in")
    .argument("[server]", "IPv4 address or name of the server")
    .option("-u, --user <name>", "user name")
    .option("--port <n>", "TCP port of the server", port, 1723)
    .option("--tun <name>", "name of the interface that is made")
    .addOption(
      new Option("--auth <methods>", `ways to log in: of ${methods.join(",")}`)
        .argParser((text) => listed(text, methods))
        .default(["ms-chap-v2"], "ms-chap-v2"),
    )
    .addOption(
      new Option("--encryption <policy>", "MPPE, or plain traffic on purpose")
        .choices(["required", "optional", "none"])
        .default("required"),
    )
    .addOption(
      new Option("--mppe <bits>", `key lengths that will do: of ${strengths.join(",")}`)
        .argParser((text) => listed(text, strengths))
        .default([128], "128"),
    )
    .option("--stateful", "take stateful MPPE where the server insists")
    .addOption(
      new Option("--routes <which>", "what goes through it: none, default, or prefixes")
        .argParser(routes)
        .default("none"),
    )
    .option("--no-dns", "leave this host's name servers alone")
    .option("--status", "show the sessions of this host that are there or being dialled")
    .option("--once", "do not dial again when a session is lost")
    .action(async (server: string | undefined, options: Options) => {
      if (options.status === true) return showClients(context, options.json === true);
      context.exitCode = await context.rooms.runConnect(await wish(context, server, options));
    });
  addPasswordOptions(withJson(made), "known");
  return withExamples(
    made,
    "sudo holdfast connect vpn.example.org -u ann",
    "sudo holdfast connect vpn.example.org -u ann --routes 10.0.0.0/8,192.168.20.0/24",
    "sudo holdfast connect 192.0.2.1 -u ann --password-file /root/ann.password --once",
    "holdfast connect --status",
  );
}

async function wish(
  context: CliContext,
  server: string | undefined,
  options: Options,
): Promise<ConnectOptions> {
  if (server === undefined) throw lacking("no server is named", "holdfast connect SERVER -u USER");
  const { user } = options;
  if (user === undefined) throw lacking("no user is named", "give one with -u");
  const terms = termsOf(options);
  const password = await knownPassword(context.io, options);
  const network = { routes: options.routes, dns: options.dns };
  const { port: number, tun, once, json } = options;
  return {
    ...{ server, user, password, tun, terms, network, port: number },
    stateDirectory: clientDirectory(context.around),
    once: once === true,
    json: json === true,
  };
}

function lacking(message: string, remedy: string): CliFailure {
  return new CliFailure(exitCodes.usage, message, remedy);
}

function routes(text: string): RouteWish {
  if (text === "default" || text === "none") return text;
  return text.split(",").map((word) => {
    const read = readPrefix4(word.trim());
    if (read.ok) return read.value;
    throw new InvalidArgumentError(`${printable(word)}: ${read.remedy}; or say default, or none.`);
  });
}

function termsOf({ auth, encryption, mppe, stateful }: Options): ConnectOptions["terms"] {
  const keys = auth.some((method) => method.startsWith("ms-chap"));
  if (encryption === "required" && !keys) {
    throw new CliFailure(
      exitCodes.usage,
      `--auth ${auth.join(",")} gives no keys to encrypt with, and encryption is required`,
      "add ms-chap-v2, or say --encryption none: everything then goes in the clear",
    );
  }
  return { authentication: auth, encryption, bits: mppe, stateful: stateful === true };
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
