// `holdfast connect` as a process of its own in a namespace, for tests: what it said, and its end; and a
// server for it.
import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { HostNetns, until } from "../lab/place.js";
import type { Namespace } from "../os/namespace.js";
import { TestServer } from "./harness.js";

export const main = join(import.meta.dirname, "../../dist/cli/main.js");
let files = 0;

/** A server of ours in `namespace`, itself reached through its sessions; ann may log in. */
export function serving(namespace: Namespace, more: object = {}): Promise<TestServer> {
  return TestServer.start({
    place: new HostNetns(namespace.name),
    config: {
      addresses: { pool: ["10.99.0.0/24"], gateway: "10.99.0.1" },
      client: { dns: [] },
      network: { reachHost: true },
      ...more,
    },
    users: [{ name: "ann", password: "secret-Pw1" }],
  });
}

export class Connecting implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly exit: Promise<number>;
  out = "";
  err = "";
  #over = false;

  constructor(
    namespace: Namespace,
    readonly scratch: string,
    password: string,
    words: readonly string[],
    /** A shell's words before it, in a mount namespace of its own. */
    before = "",
  ) {
    const file = join(scratch, `password-${++files}`);
    writeFileSync(file, `${password}\n`, { mode: 0o600 });
    const shell = ["netns", "exec", namespace.name, "bash", "-c", `${before} exec "$0" "$@"`];
    const command = [process.execPath, main, "connect", ...words, "--password-file", file];
    this.#child = spawn("ip", [...shell, ...command], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, HOLDFAST_CLIENT_STATE: join(scratch, "clients") },
    });
    this.#child.stdout?.on("data", (text: Buffer) => {
      this.out += text.toString();
    });
    this.#child.stderr?.on("data", (text: Buffer) => {
      this.err += text.toString();
    });
    this.exit = new Promise((resolve) => {
      this.#child.once("close", (code, signal) => {
        this.#over = true;
        resolve(signal === null ? (code ?? -1) : -1);
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** What it says from here on, line by line as it comes. */
  lines(): AsyncIterable<string> {
    return createInterface({ input: this.#child.stdout! });
  }

  /** Until it has said so `times` times. */
  async says(what: RegExp, times = 1, withinS = 20): Promise<void> {
    const all = new RegExp(what.source, "gm");
    await until(`it says ${what}`, withinS, () => {
      const heard = this.out.match(all)?.length ?? 0;
      if (heard < times && this.#over) throw new Error(`it ended: ${this.out}${this.err}`);
      return heard >= times;
    }).catch((failure) => {
      throw new Error(`${failure}\n${this.out}${this.err}`);
    });
  }

  async up(times = 1): Promise<void> {
    await this.says(/^up /, times);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  async stop(): Promise<number> {
    this.signal("SIGTERM");
    return this.exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#over) return;
    this.signal("SIGKILL");
    await this.exit;
  }
}
