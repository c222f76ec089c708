// holdfast connect: a session from this host, until SIGINT or its end.
import { InvalidArgumentError } from "commander";
import type { ConnectOptions } from "../client/connect.js";
import { client } from "../limits.js";
import {
  addCallOptions,
  type CallWish,
  proxiesOf,
  routesOf,
  said,
  termsOf,
} from "./call-options.js";
import { clientDirectory, showClients } from "./client-status.js";
import { type CliContext, command, type JsonOption, withExamples, withJson } from "./context.js";
import { CliFailure, exitCodes } from "./exit.js";
import { profilesPath, readProfiles } from "./profile-file.js";
import { sessionPassword } from "./session-password.js";

type Options = JsonOption &
  CallWish & {
    readonly status?: boolean;
    readonly passwordStdin?: boolean;
    readonly capture?: string;
    readonly captureSize: number;
  };

const MEBI = 1_048_576;

export function connectCommand(context: CliContext) {
  const made = command("connect", "call a PPTP server and log in")
    .argument("[server]", "name of a profile, or IPv4 address or name of the server")
    .option("--status", "show the sessions of this host that are there or being dialled")
    .option("--capture <file>", "write all that passes, in the clear too, as pcapng (Wireshark)")
    .option(
      "--capture-size <MiB>",
      "how large that file may get",
      mebibytes,
      client.captureOctetsMax / MEBI,
    )
    .action(async (server: string | undefined, options: Options) => {
      if (options.status === true) return showClients(context, options.json === true);
      context.exitCode = await context.rooms.runConnect(await wish(context, server, options));
    });
  addCallOptions(withJson(made)).option(
    "--password-stdin",
    "take it from the first line of standard input",
  );
  return withExamples(
    made,
    "sudo holdfast connect vpn.example.org -u ann",
    "sudo holdfast connect vpn.example.org -u ann --routes 10.0.0.0/8,192.168.20.0/24",
    "sudo holdfast connect 192.0.2.1 -u ann --password-file /root/ann.password --once",
    "sudo holdfast connect office",
    "holdfast connect office --socks 1080 --http 127.0.0.1:8080",
    "holdfast connect --status",
  );
}

/** The command line's words, before the profile's, before the defaults. */
async function wish(
  context: CliContext,
  called: string | undefined,
  options: Options,
): Promise<ConnectOptions> {
  if (called === undefined) throw lacking("no server is named", "holdfast connect SERVER -u USER");
  const profiles = readProfiles(profilesPath(context.around));
  const profile = profiles.find(({ name }) => name === called);
  const all: CallWish = { ...profile, ...said(options) };
  const { user, port = 1723, tun, dns = true, once = false } = all;
  if (user === undefined) throw lacking("no user is named", "give one with -u");
  const terms = termsOf(all);
  const octetsMax = options.captureSize * MEBI;
  return {
    ...{ server: profile?.server ?? called, user, port, tun, terms, once },
    password: await sessionPassword(context, options, profile ?? {}),
    network: { routes: routesOf(all), dns },
    proxies: proxiesOf(all),
    stateDirectory: clientDirectory(context.around),
    capture: options.capture === undefined ? undefined : { file: options.capture, octetsMax },
    json: options.json === true,
  };
}

function lacking(message: string, remedy: string): CliFailure {
  return new CliFailure(exitCodes.usage, message, remedy);
}

function mebibytes(text: string): number {
  const number = /^[0-9]{1,6}$/.test(text) ? Number(text) : 0;
  if (number >= 1) return number;
  throw new InvalidArgumentError("Not a whole number of MiB from 1 to 999999.");
}
