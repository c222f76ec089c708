// holdfast storm: the robustness bench against a server, ours or another's.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { InvalidArgumentError } from "commander";
import { formatIpv4, type Ipv4, parseIpv4 } from "../base/ip.js";
import { printable } from "../base/printable.js";
import { addressOf } from "../client/resolve.js";
import { ledgerSchema, logLevelSchema, statusSchema } from "../console/contract.js";
import { storm as bounds } from "../limits/storm.js";
import type { Admin } from "../storm/account.js";
import type { StormReport } from "../storm/report.js";
import {
  type CliContext,
  command,
  type JsonOption,
  type StateOptions,
  withExamples,
  withJson,
  withState,
} from "./context.js";
import { CliFailure, exitCodes } from "./exit.js";
import { sessionPassword } from "./session-password.js";
import { printJson, table } from "./table.js";

type Options = JsonOption &
  StateOptions & {
    readonly scenario?: readonly string[];
    readonly seconds: number;
    readonly rate: number;
    readonly seed?: number;
    readonly sessions: number;
    readonly ramp: number;
    readonly namespace?: boolean;
    readonly user?: string;
    readonly passwordFile?: string;
    readonly passwordStdin?: boolean;
    readonly passwordEnv?: string;
    readonly passwordCommand?: string;
    readonly port: number;
    readonly pid?: number;
    readonly from?: readonly Ipv4[];
    readonly sessionsFrom?: readonly Ipv4[];
    readonly report?: string;
    readonly html?: string;
    readonly list?: boolean;
    readonly iOperateThisServer?: boolean;
  };

const more = `
It takes loopback, and a server of this machine whose admin socket (--state) you can open and whose
process the connection ends in; for any other that is yours say --i-operate-this-server.
Streams leave from addresses of this host alone, are bounded in rate and time, and stop by themselves.
GRE needs CAP_NET_RAW: run it as root. The exit code is 0 if no invariant broke, 1 if one did.`;

export function stormCommand(context: CliContext) {
  const made = command("storm", "storm a PPTP server of your own, and see what it does to it")
    .argument("[server]", "IPv4 address or name of the server")
    .option("--list", "show the scenarios")
    .option(
      "--scenario <names...>",
      "only these, or all that stand for a row of docs/THREATS.md (G-09)",
    )
    .option("--seconds <n>", "each scenario", upTo(bounds.secondsMax), bounds.seconds)
    .option(
      "--rate <n>",
      `GRE packets a second, and connections up to ${bounds.connectionsPerSecondMax}`,
      upTo(bounds.packetsPerSecondMax),
      bounds.packetsPerSecond,
    )
    .option("--seed <n>", "the same one makes the same stream", upTo(0xffff_ffff))
    .option("-u, --user <name>", "log in, for sessions that carry traffic and new log-ins")
    .option("--sessions <n>", "how many stay", upTo(bounds.sessionsMax), 2)
    .option(
      "--ramp <n>",
      "of these, how many log in a second",
      upTo(bounds.logInsPerSecondMax),
      bounds.logInsPerSecond,
    )
    .option("--password-file <file>", "take the password from the first line of a file")
    .option("--password-stdin", "take it from the first line of standard input")
    .option("--password-env <variable>", "take it from the environment")
    .option("--password-command <command>", "take it from what a command prints")
    .option("--port <n>", "TCP port of the server", upTo(65_535), 1723)
    .option("--pid <pid>", "the server's process, to watch", upTo(0x7fff_ffff))
    .option("--from <addresses>", "where streams come from: addresses of this host", addresses)
    .option("--sessions-from <addresses>", "where sessions come from: likewise", addresses)
    .option("--report <dir>", "write storm.json and storm.html there")
    .option("--html <file>", "write the page there")
    .option("--namespace", "a server of its own, in network namespaces: instead of one that runs")
    .option("--i-operate-this-server", "for a server that is not known to be yours")
    .addHelpText("after", more)
    .action((server: string | undefined, options: Options) => {
      if (options.list === true) return list(context, options);
      if (options.namespace === true) return apart(context, server, options);
      return storm(context, server, options);
    });
  return withExamples(
    withState(withJson(made)),
    "holdfast storm --list",
    "sudo holdfast storm --namespace --seconds 2",
    "sudo holdfast storm 127.0.0.1 -u ann --password-file ann.password --report .",
    "sudo holdfast storm 127.0.0.1 --scenario gre-unknown-call --rate 100000 --seconds 60 --pid 1234",
  );
}

async function list(context: CliContext, options: Options): Promise<void> {
  const scenarios = (await context.rooms.storm()).scenarios.map(({ name, threats, about }) => ({
    name,
    threats,
    about,
  }));
  if (options.json === true) return printJson(context.io, { scenarios });
  const columns = [
    { title: "SCENARIO", value: (one: (typeof scenarios)[number]) => one.name },
    { title: "WHAT", value: (one: (typeof scenarios)[number]) => one.about, least: 20 },
    {
      title: "THREATS",
      value: (one: (typeof scenarios)[number]) => one.threats.join(" "),
      least: 8,
    },
  ];
  context.io.out(table(scenarios, columns, context.io.columns));
}

/** The same command, within namespaces, where a server of ours is. */
async function apart(
  context: CliContext,
  server: string | undefined,
  options: Options,
): Promise<void> {
  const { scenario = [], seconds, rate, seed, sessions, ramp, report, html, json } = options;
  const { user, state, pid, from, sessionsFrom } = options;
  if ([server, user, state, pid, from, sessionsFrom].some((one) => one !== undefined)) {
    const message = "--namespace makes server, user and addresses of its own";
    const remedy = "leave out SERVER, -u, --state, --pid, --from, --sessions-from";
    throw new CliFailure(exitCodes.usage, message, remedy);
  }
  const words = [
    ...["--seconds", String(seconds), "--rate", String(rate), "--ramp", String(ramp)],
    ...(seed === undefined ? [] : ["--seed", String(seed)]),
    ...(report === undefined ? [] : ["--report", report]),
    ...(html === undefined ? [] : ["--html", html]),
    ...(json === true ? ["--json"] : []),
    ...(scenario.length === 0 ? [] : ["--scenario", ...scenario]),
  ];
  const end = await (await context.rooms.storm()).stormApart(words, sessions);
  if (!end.ok) {
    const remedy = "run it as root, with iproute2 installed";
    throw new CliFailure(exitCodes.failed, end.message, remedy);
  }
  context.exitCode = end.code;
}

async function storm(
  context: CliContext,
  name: string | undefined,
  options: Options,
): Promise<void> {
  if (name === undefined) {
    const remedy = "holdfast storm SERVER, --namespace or --list";
    throw new CliFailure(exitCodes.usage, "no server is named", remedy);
  }
  const { user, seconds, rate, sessions, ramp, port, pid, scenario = [] } = options;
  const { from = [], sessionsFrom = [] } = options;
  const password = user === undefined ? "" : await sessionPassword(context, options, {});
  const server = await addressOf(name);
  if (server === undefined) {
    const message = `${printable(name)} has no IPv4 address`;
    throw new CliFailure(exitCodes.failed, message, "check the name, or give an address");
  }
  const room = await context.rooms.storm();
  const end = await room.runStorm({
    ...{ server, port, seconds, sessions, ramp, pid, from, sessionsFrom, scenarios: scenario },
    version: context.version,
    operated: options.iOperateThisServer === true,
    perSecond: rate,
    seed: options.seed ?? context.io.now() % 0x1_0000_0000,
    credentials: user === undefined ? undefined : { name: user, password },
    admin: await adminOf(context, options, server, port),
    say: (line) => context.io.err(`${line}\n`),
  });
  if (!end.ok) throw new CliFailure(exitCodes[end.why], end.message, end.remedy, end.why);
  write(end.report, room, options);
  context.io.out(options.json === true ? room.reportJson(end.report) : room.reportText(end.report));
  context.exitCode = room.allHeld(end.report) ? exitCodes.ok : exitCodes.failed;
}

/** The server's own account of itself; undefined where none of ours listens at that address. */
async function adminOf(
  context: CliContext,
  options: Options,
  server: Ipv4,
  port: number,
): Promise<Admin | undefined> {
  const client = context.client(options);
  const status = () => client.get("/status", statusSchema);
  const first = await status().catch((failure: unknown) => {
    // Named, it must be there; unnamed, there may be none.
    if (options.state !== undefined) throw failure;
    return undefined;
  });
  const listens = first?.listening.some(({ address, port: its }) => {
    return its === port && (address === formatIpv4(server) || !/^[1-9]/.test(address));
  });
  if (first === undefined || listens !== true) return undefined;
  return {
    pid: first.pid,
    counters: async () => (await status()).counters,
    holdings: async () => {
      const { connections, sessions, addresses: lent, deadlines } = await status();
      const { balance } = await client.get("/ledger", ledgerSchema, { most: 1 });
      // A block outlasts its stream, and so does the table that it is in.
      delete balance.nftTable;
      const held = { connections, sessions: sessions.now, "leased addresses": lent.leased };
      return { ...balance, ...held, deadlines };
    },
    heap: async () => (await status()).heapOctets,
    answer: async () => void (await client.get("/log-level", logLevelSchema)),
  };
}

type Room = Awaited<ReturnType<CliContext["rooms"]["storm"]>>;

function write(report: StormReport, room: Room, { report: directory, html }: Options): void {
  const files: [string, string][] = [];
  if (directory !== undefined) {
    files.push([join(directory, "storm.json"), room.reportJson(report)]);
    files.push([join(directory, "storm.html"), room.reportHtml(report)]);
  }
  if (html !== undefined) files.push([html, room.reportHtml(report)]);
  for (const [file, text] of files) {
    try {
      writeFileSync(file, text);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const message = `the report cannot be written: ${why}`;
      throw new CliFailure(exitCodes.failed, message, "name a place that you may write to");
    }
  }
}

function upTo(most: number) {
  return (text: string): number => {
    const number = /^[0-9]{1,10}$/.test(text) ? Number(text) : 0;
    if (number >= 1 && number <= most) return number;
    throw new InvalidArgumentError(`Not a whole number from 1 to ${most}.`);
  };
}

function addresses(text: string): Ipv4[] {
  return text.split(",").map((word) => {
    const address = parseIpv4(word.trim());
    if (address !== undefined) return address;
    throw new InvalidArgumentError("Not IPv4 addresses separated by commas.");
  });
}
