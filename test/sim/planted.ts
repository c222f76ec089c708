// Copies of the program with a fault planted in each (test/faults/sim), bundled with the simulation that is
// to find it: one file each, run by itself.
import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../..", import.meta.url));
const faults = join(root, "test/faults/sim");

/** Of one simulation: seconds of it are enough, on a machine that has other work too. */
const TIMEOUT_MS = 90_000;

export type Ended = { readonly code: number | null; readonly text: string };

export class PlantedBuilds implements Disposable {
  readonly #directory = mkdtempSync(join(tmpdir(), "holdfast-planted-"));

  /** Simulates the build with `fault` in it, or that without any; throws where the patch does not fit. */
  async simulate(fault: string | undefined, words: readonly string[]): Promise<Ended> {
    const place = join(this.#directory, fault ?? "none");
    // Of the lab nothing is simulated, and a guest's fetched kernel may lie in it.
    const filter = (path: string) =>
      !/\.test\.ts$|\/captures|\/lab\/(guest|boot|kernel|run)/.test(path);
    for (const name of ["src", "test"]) {
      cpSync(join(root, name), join(place, name), { recursive: true, filter });
    }
    // Of what was built the compiled lane alone.
    for (const name of ["node_modules", "package.json", "dist"]) {
      symlinkSync(join(root, name), join(place, name));
    }
    if (fault !== undefined) {
      const patch = join(faults, `${fault}.patch`);
      const words = ["-p1", "--no-backup-if-mismatch", "--fuzz=0", "-i", patch];
      execFileSync("patch", words, { cwd: place, stdio: "pipe" });
    }
    // As deep as what it is made of, since some of that finds its data from where it is itself.
    const program = join(place, "test/sim/bundle.mjs");
    await build({
      stdin: { contents: ENTRY, resolveDir: join(place, "test/sim"), loader: "ts" },
      ...{ outfile: program, bundle: true, platform: "node", format: "esm", target: "node20" },
      ...{ packages: "external", logLevel: "error" },
    });
    return run([program, ...words]);
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

const ENTRY = `
import { simulate } from "./main.js";
const [seed, callers, runs] = process.argv.slice(2).map(Number);
const most = { sessions: Infinity, seconds: 60 };
process.exitCode = await simulate({ seed, callers, runs, ...most }, (line) => console.log(line));
`;

function run(words: readonly string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, words, {
      stdio: ["ignore", "pipe", "pipe"],
      // A fault may keep it from ever ending.
      ...{ timeout: TIMEOUT_MS, killSignal: "SIGKILL" },
    });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (octets: Buffer) => {
        text += octets.toString("utf8");
      });
    }
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, text }));
  });
}
