// Our own client as a process of its own: one session, and a ping that goes through it all the while.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "../lab/place.js";
import type { Namespace } from "../os/namespace.js";
import { type Account, cli, GATEWAY, SERVER } from "./scene.js";

const pingEveryMs = 200;

export class Caller {
  readonly tun: string;
  readonly #child: ChildProcess;
  #said = "";
  #over = false;

  constructor(
    readonly namespace: Namespace,
    directory: string,
    number: number,
    { name, password }: Account,
  ) {
    this.tun = `hfc${number}`;
    const secret = join(directory, `password-${number}`);
    writeFileSync(secret, `${password}\n`, { mode: 0o600 });
    // Once: what is over here is looked at, not dialled again.
    const words = [cli, "connect", SERVER, "--once", "--user", name, "--password-file", secret];
    this.#child = spawn(
      "ip",
      ["netns", "exec", namespace.name, process.execPath, ...words, "--tun", this.tun],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on("data", (text: Buffer) => {
        this.#said += text.toString();
      });
    }
    this.#child.once("close", () => {
      this.#over = true;
    });
  }

  get said(): string {
    return this.#said;
  }

  get over(): boolean {
    return this.#over;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async up(): Promise<void> {
    await until("the session is up", 20, () => {
      if (this.#over) throw new Error(`the client ended: ${this.#said}`);
      return /^up/m.test(this.#said);
    });
  }

  get address(): string {
    return /^up {2}address ([0-9.]+)/m.exec(this.#said)?.[1] ?? "";
  }

  /** Begins to ping the gateway through the session, five times a second. */
  pinging(): Pinging {
    return new Pinging(this.namespace, this.tun);
  }

  /** One echo through the session, waited for. */
  async ping(withinS = 10): Promise<void> {
    await until(`a ping through ${this.tun}`, withinS, async () => {
      const words = ["ping", "-c", "1", "-W", "1", "-I", this.tun, GATEWAY];
      const child = spawn("ip", ["netns", "exec", this.namespace.name, ...words], {
        stdio: "ignore",
      });
      const [code] = await once(child, "exit");
      return code === 0;
    });
  }

  async ended(withinS = 20): Promise<string> {
    await until("the client ends", withinS, () => this.#over);
    return this.#said;
  }

  /** In order, when it lives. */
  async end(): Promise<void> {
    if (this.#over) return;
    this.#child.kill("SIGTERM");
    await this.ended(10).catch(() => this.#child.kill("SIGKILL"));
  }

  /** Without a word: its host lost power. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }
}

export class Pinging {
  readonly #child: ChildProcess;
  #out = "";

  constructor(namespace: Namespace, tun: string) {
    const interval = String(pingEveryMs / 1_000);
    const words = ["ping", "-i", interval, "-W", "2", "-I", tun, GATEWAY];
    this.#child = spawn("ip", ["netns", "exec", namespace.name, ...words], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    this.#child.stdout?.on("data", (text: Buffer) => {
      this.#out += text.toString();
    });
  }

  get answered(): number {
    return this.#numbers().length;
  }

  /** Of the requests that were answered, whole lines only, each once and in order. */
  #numbers(): number[] {
    const all = [...this.#out.matchAll(/icmp_seq=(\d+)\b.*\n/g)].map(([, number]) =>
      Number(number),
    );
    return [...new Set(all)].sort((a, b) => a - b);
  }

  /**
   * Stops once two more were answered, or throws when none is any more. How many were sent up to the last that
   * was answered, how many of these were answered, and the longest pause: what is under way, which on a busy
   * machine is more than one, is not lost.
   */
  async stop(): Promise<{ sent: number; received: number; gapMs: number }> {
    const ended = once(this.#child, "close");
    const before = this.answered;
    try {
      await until("two more echoes are answered", 20, () => this.answered >= before + 2);
    } finally {
      this.#child.kill("SIGINT");
      await ended;
    }
    const numbers = this.#numbers();
    const gaps = numbers.slice(1).map((number, at) => number - (numbers[at] ?? 0));
    const gapMs = Math.max(0, ...gaps) * pingEveryMs;
    return { sent: numbers.at(-1) ?? 0, received: numbers.length, gapMs };
  }
}
