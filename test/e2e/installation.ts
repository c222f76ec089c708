// The package as it is published, installed in a directory of its own, and a server started from it.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { quote, type Result, run, until } from "../lab/place.js";
import type { Namespace } from "../os/namespace.js";

const ROOT = join(import.meta.dirname, "../..");

/** What `npm pack` makes of the built tree, with the dependencies that `npm ci --omit=dev` leaves. */
export class Installation implements Disposable {
  /** Nobody but root can write it or any directory above it: not so /tmp. */
  readonly directory = mkdtempSync("/var/lib/hf-test-");

  constructor({ mode = 0o755 }: { mode?: number } = {}) {
    const npm = (words: string[]) =>
      execFileSync("npm", words, {
        cwd: ROOT,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      }).trim();
    // Scripts would build again, under the feet of whatever else runs from dist/.
    const pack = ["pack", "--ignore-scripts", "--silent", "--pack-destination", this.directory];
    const file = npm(pack).split("\n").at(-1) ?? "";
    execFileSync("tar", ["-xzf", join(this.directory, file), "-C", this.directory]);
    const list = ["ls", "--omit=dev", "--all", "--parseable", "--silent"];
    for (const path of npm(list).split("\n").slice(1)) {
      const to = join(this.directory, "package", relative(ROOT, path));
      mkdirSync(to, { recursive: true });
      cpSync(path, to, { recursive: true });
    }
    chmodSync(this.directory, mode);
  }

  get main(): string {
    return join(this.directory, "package/dist/cli/main.js");
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export type ServingOptions = {
  readonly namespace: Namespace;
  readonly main: string;
  readonly state: string;
  /** Shell, before the server: mounts of its own, another user. */
  readonly prepare?: string;
  readonly config?: string;
};

export class Serving implements AsyncDisposable {
  readonly #options: ServingOptions;
  readonly #child: ChildProcess;
  readonly ended: Promise<number | null>;
  text = "";

  private constructor(options: ServingOptions) {
    this.#options = options;
    const { namespace, main, state, prepare = ":", config } = options;
    const words = [process.execPath, main, "serve", "--state", state];
    if (config !== undefined) words.push("--config", config);
    const command = `${prepare}; cd /; exec ${words.map(quote).join(" ")}`;
    this.#child = spawn("ip", ["netns", "exec", namespace.name, "bash", "-c", command], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env.PATH },
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on("data", (part) => {
        this.text += part;
      });
    }
    this.ended = new Promise((resolve) => this.#child.once("close", resolve));
  }

  static async start(options: ServingOptions): Promise<Serving> {
    const serving = new Serving(options);
    let over = false;
    serving.ended.then(() => {
      over = true;
    });
    try {
      await until("the server serves", 30, () => over || serving.text.includes("serves PPTP"));
      if (over) throw new Error("it ended");
    } catch (failure) {
      await serving[Symbol.asyncDispose]();
      throw new Error(`${failure}\n${serving.text}`);
    }
    return serving;
  }

  /** `exec` and the server's own keep it: the number of the server itself. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  cli(words: readonly string[], input?: string): Promise<Result> {
    const { namespace, main, state } = this.#options;
    const argv = ["netns", "exec", namespace.name, process.execPath, main, ...words];
    return run("ip", [...argv, "--state", state], input === undefined ? {} : { input });
  }

  async json<T>(...words: string[]): Promise<T> {
    const { code, stdout, stderr } = await this.cli([...words, "--json"]);
    if (code !== 0) throw new Error(`holdfast ${words.join(" ")}: ${code}\n${stderr}`);
    return JSON.parse(stdout) as T;
  }

  async stop(): Promise<number | null> {
    this.#child.kill("SIGTERM");
    return this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 10_000);
    await this.ended;
    clearTimeout(timer);
  }
}
