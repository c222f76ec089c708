// What every command works with: the outside, the state directory it means, and the rooms it calls
// that are not the command line's own.

import { existsSync } from "node:fs";
import { Command } from "commander";
import type { ConnectOptions } from "../client/connect.js";
import type { DemoOptions } from "../client/demo.js";
import type { ProbeEnd, ProbeOptions } from "../client/probe/probe.js";
import { formatProblems, type Loaded, loadConfig, readConfigFile } from "../daemon/config/load.js";
import type { ServeOptions } from "../daemon/server-process.js";
import {
  chooseStateDirectory,
  type StatePaths,
  type Surroundings,
  statePaths,
} from "../daemon/state-directory.js";
import { AdminClient } from "./admin-client.js";
import { CliFailure, type ExitCode, exitCodes } from "./exit.js";
import type { Io } from "./io.js";

/** The rooms behind long-running commands; each returns the exit code, or its result. */
export type Rooms = {
  runServer(options: ServeOptions): Promise<number>;
  runDemo(options: DemoOptions): Promise<number>;
  runConnect(options: ConnectOptions): Promise<number>;
  runProbe(options: ProbeOptions): Promise<ProbeEnd>;
  storm(): Promise<typeof import("../storm/room.js")>;
};

export class CliContext {
  exitCode: ExitCode | number = exitCodes.ok;

  constructor(
    readonly io: Io,
    readonly around: Surroundings,
    readonly rooms: Rooms,
    readonly version: string,
  ) {}

  /** --state, else what --config says, else the surroundings. */
  paths({ state, config }: StateOptions): StatePaths {
    const configured = config === undefined ? undefined : this.config(config).config.state;
    return statePaths(chooseStateDirectory(state, configured, this.around));
  }

  client(options: StateOptions): AdminClient {
    return new AdminClient(this.paths(options).adminSocket);
  }

  /** A named file must be there and right. */
  config(file: string): Extract<Loaded, { ok: true }> {
    return whole(readConfigFile(file));
  }

  /** The file named, else the state directory's, else the defaults. */
  configInEffect(
    options: StateOptions,
    remembered?: string,
  ): Extract<Loaded, { ok: true }> & { readonly file: string | undefined } {
    const own = this.paths(options).config;
    const file = options.config ?? remembered ?? (existsSync(own) ? own : undefined);
    if (file !== undefined) return { ...this.config(file), file };
    return { ...whole(loadConfig("", "defaults")), file: undefined };
  }
}

function whole(loaded: Loaded): Extract<Loaded, { ok: true }> {
  if (loaded.ok) return loaded;
  const count = loaded.problems.length;
  throw new CliFailure(
    exitCodes.configuration,
    `${formatProblems(loaded.problems)}\n${count === 1 ? "One fault" : `${count} faults`} in the configuration`,
    "holdfast config check tells when it is right",
    "configuration",
  );
}

export type StateOptions = { readonly state?: string; readonly config?: string };
export type JsonOption = { readonly json?: boolean };

export function command(name: string, description: string): Command {
  return new Command(name).description(description);
}

export function withState(made: Command): Command {
  return made.option("--state <dir>", "state directory of the server that is meant");
}

export function withConfig(made: Command): Command {
  return made.option(
    "--config <file>",
    "configuration file, where it is not the state directory's",
  );
}

export function withJson(made: Command): Command {
  return made.option("--json", "print JSON");
}

export function withExamples(made: Command, ...lines: readonly string[]): Command {
  return made.addHelpText("after", `\nExamples:\n${lines.map((line) => `  ${line}`).join("\n")}`);
}
