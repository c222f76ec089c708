#!/usr/bin/env node
// The command line's entry. Rooms that do the long work are loaded when a command needs them, so that
// `holdfast status` starts in the time of the command line alone.
import { readFileSync } from "node:fs";
import { surroundings } from "../daemon/state-directory.js";
import { CliContext, type Rooms } from "./context.js";
import { processIo } from "./io.js";
import { runCli } from "./program.js";

const rooms: Rooms = {
  runServer: async (options) => (await import("../daemon/server-process.js")).runServer(options),
  runDemo: async (options) => (await import("../client/demo.js")).runDemo(options),
  runConnect: async (options) => (await import("../client/connect.js")).runConnect(options),
  runProbe: async (options) => (await import("../client/probe/probe.js")).runProbe(options),
  storm: () => import("../storm/room.js"),
};

/** package.json lies above both src/ and dist/. */
function ownVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const read: unknown = JSON.parse(text);
  const has = typeof read === "object" && read !== null && "version" in read;
  return has ? String(read.version) : "unknown";
}

const context = new CliContext(processIo(), surroundings(), rooms, ownVersion());
process.exitCode = await runCli(process.argv.slice(2), context);
