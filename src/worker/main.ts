// Entry of the data worker's process. Descriptors come by number; see host.ts for who opens them.
import { constants } from "node:os";
import { type Bounds, plane } from "../limits.js";
import { exitAtOnce, ignoreSignal } from "../os/libc.js";
import { DataWorker } from "./data-worker.js";
import { engineChoices } from "./engine-choice.js";

/** What stands behind `--name=`, undefined where it is not given. */
function text(name: string): string | undefined {
  const prefix = `--${name}=`;
  return process.argv.find((argument) => argument.startsWith(prefix))?.slice(prefix.length);
}

function option(name: string): number | undefined {
  const value = text(name);
  return value !== undefined && /^[0-9]{1,9}$/.test(value) ? Number(value) : undefined;
}

function descriptor(name: string): number {
  const number = option(name);
  if (number !== undefined) return number;
  process.stderr.write(`data worker: no descriptor --${name}\n`);
  return process.exit(2);
}

/** The bounds of src/limits.ts, each replaced by its option of the same name where there is one. */
function bounds(): Bounds<typeof plane> {
  const configured: { -readonly [Name in keyof typeof plane]: number } = { ...plane };
  for (const name of Object.keys(plane) as (keyof typeof plane)[]) {
    configured[name] = option(name) ?? plane[name];
  }
  return configured;
}

// A terminal's Ctrl-C reaches the whole group: the main process decides, through Stop or by closing.
ignoreSignal(constants.signals.SIGINT);
ignoreSignal(constants.signals.SIGTERM);

const previous = option("ring-previous");
const next = option("ring-next");

try {
  const descriptors = {
    link: descriptor("link"),
    gre: { receive: descriptor("gre"), sendNoDf: descriptor("gre-fragmentable") },
    tun: descriptor("tun"),
    ring: previous === undefined || next === undefined ? undefined : { previous, next },
    workers: option("workers") ?? 1,
  };
  const choice = engineChoices.find((name) => name === text("engine"));
  new DataWorker(descriptors, exitAtOnce, bounds(), choice).start();
} catch (error) {
  // One line: the main process logs the last one that we wrote.
  process.stderr.write(`data worker: ${error instanceof Error ? error.message : error}\n`);
  process.exit(2);
}
