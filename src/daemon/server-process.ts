// `holdfast serve`: from an invocation to a running server, and from a signal to its end.
import { existsSync, readFileSync } from "node:fs";
import { formatIpv4, mask4, type Prefix4, parseIpv4 } from "../base/ip.js";
import { printable } from "../base/printable.js";
import { control } from "../limits.js";
import { monotonicNow, turnNow } from "../os/clock.js";
import { descriptorLimit } from "../os/descriptors.js";
import { describeOsError, isOsError } from "../os/errors.js";
import { listAddresses, listRoutes } from "../os/ip.js";
import { type LockFile, lockFile } from "../os/lock-file.js";
import { makeFirstAccount, writePasswordFile } from "../store/first-account.js";
import type { Store } from "../store/port.js";
import { openStore } from "../store/sqlite-store.js";
import { admission } from "./admission.js";
import { formatProblems, loadConfig, readConfigFile } from "./config/load.js";
import { formatProblem } from "./config/problems.js";
import type { Config } from "./config/resolve.js";
import { chooseDefaults, selfMadeConfig, writeSelfMade } from "./config/self-made.js";
import { configFileSetting, storeTerms } from "./config/store-terms.js";
import { Log, standardOutput } from "./log.js";
import { strangersLines } from "./log-budget.js";
import { RunningServer, type StartFault } from "./running-server.js";
import { runtimeWarning } from "./runtime-support.js";
import { type SettledPrivileges, settlePrivileges } from "./settle-privileges.js";
import {
  chooseStateDirectory,
  prepareStateDirectory,
  type StatePaths,
  statePaths,
  surroundings,
} from "./state-directory.js";
import { legacyWarning } from "./status.js";

export type ServeOptions = {
  /** As given; undefined: the state directory's own, made when there is none. */
  readonly config: string | undefined;
  readonly state: string | undefined;
  readonly logLevel: string | undefined;
  readonly logFormat: string | undefined;
};

export type ServeRooms = {
  readonly version: string;
  /** A line for the person at the terminal, and one for what went wrong. */
  readonly say: (line: string) => void;
  readonly complain: (line: string) => void;
  readonly isTerminal: boolean;
};

/** Signals closer together than this are one. */
const sameSignalMs = 500;

const codes = { ok: 0, failed: 1, configuration: 5, privileges: 6 } as const;

/** The process's own outside; the version is the package's, above both src/ and dist/. */
function ownRooms(): ServeRooms {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return {
    version: (JSON.parse(text) as { version: string }).version,
    say: (line) => void process.stdout.write(`${line}\n`),
    complain: (line) => void process.stderr.write(`${line}\n`),
    isTerminal: process.stdout.isTTY === true,
  };
}

/** Returns the exit code once the server has ended. */
export async function runServer(options: ServeOptions, rooms = ownRooms()): Promise<number> {
  const early = earlyConfig(options);
  if (typeof early === "string") {
    rooms.complain(early);
    return codes.configuration;
  }
  const tooFew = tooFewDescriptors();
  if (tooFew !== undefined) return refuse(rooms, tooFew);
  const paths = statePaths(chooseStateDirectory(options.state, early.state, surroundings()));
  const privileges = settlePrivileges(early, paths.directory);
  if ("message" in privileges) return refuse(rooms, privileges, codes.privileges);
  const unfit = prepareStateDirectory(paths, privileges.uid);
  if (unfit !== undefined) {
    return refuse(rooms, { message: `${unfit.path}: ${unfit.fault}`, remedy: unfit.remedy });
  }
  const lock = lockFile(paths.lock);
  if (isOsError(lock)) {
    const remedy = "another server uses this state directory: stop it, or name another --state";
    return refuse(rooms, { message: describeOsError(lock), remedy });
  }
  using _lock: LockFile = lock;
  // Awaited here: the lock is held until the server has ended.
  return await serveLocked(options, rooms, paths, privileges);
}

async function serveLocked(
  options: ServeOptions,
  rooms: ServeRooms,
  paths: StatePaths,
  privileges: SettledPrivileges,
): Promise<number> {
  const made = options.config === undefined ? await makeConfig(paths) : undefined;
  if (made !== undefined && "message" in made) return refuse(rooms, made, codes.configuration);
  const configFile = options.config ?? paths.config;
  const loaded = readConfigFile(configFile);
  if (!loaded.ok) {
    rooms.complain(formatProblems(loaded.problems));
    return codes.configuration;
  }
  const config = withLogOptions(loaded.config, options);
  using log = new Log({
    level: config.log.level,
    format: config.log.format,
    linesPerMinute: config.limits.admin.logLinesPerMinute,
    strangersLinesPerMinute: strangersLines(config.limits.admin),
    sourcesMax: config.limits.guard.sourcesMax,
    clock: turnNow,
    destination: standardOutput(),
  });
  for (const warning of loaded.warnings)
    log.warn({ warning: formatProblem(warning) }, "configuration");
  const warnings = startWarnings(config, privileges, log);
  const { connectionsMax, warning } = admission(config.limits, descriptorsMax(), config.workers);
  if (warning !== undefined) {
    warnings.push(warning);
    log.warn({ warning }, "fewer connections than configured");
  }
  log.info(
    {
      descriptorsMax: descriptorsMax(),
      connectionsMax,
      sessionsMax: config.limits.access.sessionsMax,
    },
    "admits",
  );
  const opened = await openStore({
    databasePath: paths.database,
    keyPath: paths.keyFile,
    onTrouble: (trouble) => {
      if (trouble === undefined) return log.info({}, "the store is well again");
      const { what, message: problem, remedy } = trouble;
      log.error({ what, problem, remedy }, "the store is in trouble");
    },
  });
  if (!opened.ok) return refuse(rooms, opened);
  const { store } = opened;
  const firstAccount = await prepareStore(store, config, configFile, paths, rooms);
  if (firstAccount !== undefined && "message" in firstAccount) {
    await store.close();
    return refuse(rooms, firstAccount);
  }
  const lost = await store.accounting.endOrphans();
  if (lost.ok && lost.value > 0) {
    log.warn(
      { sessions: lost.value },
      "ended the accounting of sessions that an earlier run had left",
    );
  }
  const running = new RunningServer({
    config,
    configFile,
    paths,
    store,
    log,
    version: rooms.version,
    privileges,
    tunDevices: privileges.tunDevices,
    hooks: privileges.hooks,
    connectionsMax,
    descriptorsMax: descriptorsMax(),
    warnings,
  });
  const fault = await running.start();
  if (fault === undefined) {
    tellHowToConnect(rooms, running, made !== undefined, firstAccount);
    await untilStopped(running, log);
  }
  privileges.hooks?.[Symbol.dispose]();
  const { recordsLost } = await store.close();
  if (recordsLost > 0) log.error({ recordsLost }, "accounting records could not be written");
  if (fault !== undefined) return refuse(rooms, fault);
  log.info({}, "stopped");
  return recordsLost > 0 ? codes.failed : codes.ok;
}

function descriptorsMax(): number {
  const limit = descriptorLimit();
  return isOsError(limit) ? 1_024 : limit.soft;
}

/** Below it Node itself hardly loads us, and there would be next to no connection. */
const connectionsLeast = 32;

function tooFewDescriptors(): StartFault | undefined {
  const least = control.descriptorsReserved + connectionsLeast;
  if (descriptorsMax() >= least) return undefined;
  return {
    message: `this process may have ${descriptorsMax()} descriptors; at least ${least} are needed`,
    remedy: "raise the limit: ulimit -n 4096, or LimitNOFILE=4096 in the unit",
  };
}

/** What must be known before privileges are settled: state directory, user, hooks. */
function earlyConfig({ config, state }: ServeOptions): Config | string {
  const own = statePaths(chooseStateDirectory(state, undefined, surroundings())).config;
  const file = config ?? (existsSync(own) ? own : undefined);
  const loaded = file === undefined ? loadConfig("", "defaults") : readConfigFile(file);
  return loaded.ok ? loaded.config : formatProblems(loaded.problems);
}

/** The first start's own configuration; undefined where there is one already. */
async function makeConfig(paths: StatePaths): Promise<StartFault | { made: true } | undefined> {
  if (existsSync(paths.config)) return undefined;
  const taken = await takenPrefixes();
  const choice = chooseDefaults(taken, false);
  if (choice === undefined) {
    const remedy = `write addresses.pool into ${paths.config}`;
    return { message: "every private prefix is in use on this host", remedy };
  }
  try {
    writeSelfMade(paths.config, selfMadeConfig(choice));
    return { made: true };
  } catch (error) {
    return {
      message: `${paths.config}: ${String(error)}`,
      remedy: "make room, or give the right to",
    };
  }
}

async function takenPrefixes(): Promise<Prefix4[]> {
  const [addresses, routes] = await Promise.all([listAddresses(), listRoutes(4)]);
  const texts = [
    ...(isOsError(addresses) ? [] : addresses.map(({ address, length }) => `${address}/${length}`)),
    ...(isOsError(routes) ? [] : routes.map(({ to }) => to)),
  ];
  return texts.flatMap((text) => {
    const [head = "", length = "32"] = text.split("/");
    const address = parseIpv4(head);
    if (address === undefined) return [];
    return [{ address: (address & mask4(Number(length))) >>> 0, length: Number(length) }];
  });
}

function withLogOptions(config: Config, { logLevel, logFormat }: ServeOptions): Config {
  const log = {
    level: (logLevel ?? config.log.level) as Config["log"]["level"],
    format: (logFormat ?? config.log.format) as Config["log"]["format"],
  };
  return { ...config, log };
}

function startWarnings(config: Config, { how, why }: SettledPrivileges, log: Log): string[] {
  const kept: string[] = [];
  const keep = (warning: string, line: string) => {
    kept.push(warning);
    log.warn({ warning }, line);
  };
  const runtime = runtimeWarning(process.version, new Date());
  if (runtime !== undefined) keep(runtime, "this runtime is out of support");
  if (how === "confined-root") {
    keep(
      `runs under root's user number without root's power, not as its own user: ${why}`,
      "no user of its own",
    );
  }
  for (const { name, legacy } of config.profiles) {
    if (legacy) log.warn({ profile: name }, legacyWarning(name));
  }
  return kept;
}

type FirstAccountTold = { readonly lines: readonly string[] };

async function prepareStore(
  store: Store,
  config: Config,
  configFile: string,
  paths: StatePaths,
  rooms: ServeRooms,
): Promise<StartFault | FirstAccountTold | undefined> {
  const configured = await store.configure(storeTerms(config));
  if (!configured.ok) return configured;
  await store.settings.set(configFileSetting, configFile);
  const first = await makeFirstAccount(store, config.users.firstAccount);
  if (!first.ok) return first;
  if (first.value === undefined) return undefined;
  const { account, password } = first.value;
  if (rooms.isTerminal) {
    return {
      lines: [`  first account  ${printable(account.name)}`, `  its password   ${password}`],
    };
  }
  const written = writePasswordFile(paths.firstPassword, first.value);
  if (!written.ok) {
    await store.accounts.remove(account.name);
    return written;
  }
  return {
    lines: [
      `  first account  ${printable(account.name)}`,
      `  its password   in ${paths.firstPassword} (read it, then remove it)`,
    ],
  };
}

function tellHowToConnect(
  rooms: ServeRooms,
  { config, terms, console }: RunningServer,
  madeConfig: boolean,
  first: FirstAccountTold | undefined,
): void {
  const { addresses, listen } = config;
  const where =
    listen.addresses === "all"
      ? "any address of this host"
      : listen.addresses.map(formatIpv4).join(", ");
  // In a checkout (npm start) nothing of that name is on the PATH.
  const command = process.argv[1]?.endsWith("/dist/cli/main.js") ? "./holdfast" : "holdfast";
  rooms.say(
    [
      `holdfast ${terms.version} serves PPTP on ${where}, TCP ${listen.port} and GRE`,
      ...(first?.lines ?? unreadPassword(terms.paths)),
      `  clients get    ${formatIpv4(addresses.pool[0]?.first ?? 0)} and up; the server is ${formatIpv4(addresses.gateway)}`,
      `  configuration  ${terms.configFile ?? "defaults"}${madeConfig ? " (made now)" : ""}`,
      `  state          ${terms.paths.directory}`,
      `  connect        Windows: VPN type PPTP, MS-CHAP v2. Linux: ${command} connect SERVER --user NAME`,
      `  look           ${command} status, sessions, ledger, doctor   stop: Ctrl-C`,
      ...(console.url === undefined
        ? []
        : [`  console        ${console.url} for whom ${command} console-user add NAME made known`]),
      "  PPTP is broken against a determined eavesdropper: docs/SECURITY-MODEL.md",
    ].join("\n"),
  );
}

/** Of an earlier start: somebody should read it and take it away. */
function unreadPassword({ firstPassword }: StatePaths): string[] {
  if (!existsSync(firstPassword)) return [];
  return [`  first account  its password is still in ${firstPassword} (read it, then remove it)`];
}

/** SIGTERM or SIGINT: in order; the second one: at once. SIGHUP: reload. */
function untilStopped(running: RunningServer, log: Log): Promise<void> {
  return new Promise((resolve) => {
    let stopping = false;
    let firstAt = 0;
    const stop = (signal: NodeJS.Signals) => {
      // A terminal's Ctrl-C reaches npm and us, and npm passes it on: that is one signal, not two.
      if (stopping && monotonicNow() - firstAt < sameSignalMs) return;
      if (stopping) {
        log.warn({ signal }, "stopping at once");
        return running.stopAtOnce();
      }
      stopping = true;
      firstAt = monotonicNow();
      log.info({ signal, sessions: running.sessionCount }, "stopping");
      running.stop().then(() => {
        process.off("SIGTERM", stop);
        process.off("SIGINT", stop);
        process.off("SIGHUP", reload);
        resolve();
      });
    };
    const reload = () => {
      running.reload().catch((failure) => log.error({ failure: String(failure) }, "reload failed"));
    };
    process.on("SIGTERM", stop);
    process.on("SIGINT", stop);
    process.on("SIGHUP", reload);
  });
}

function refuse(rooms: ServeRooms, fault: StartFault, code: number = codes.failed): number {
  const { message, remedy } = fault;
  const named = message.startsWith("holdfast ") ? message : `holdfast: ${message}`;
  rooms.complain(`${named}\nRemedy: ${remedy}`);
  return code;
}
