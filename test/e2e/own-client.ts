// Our own client in a namespace, in a process of its own, as tests steer it.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pingsAnswered, pingWords } from "../lab/ping.js";
import { run, until } from "../lab/place.js";
import type { Namespace } from "../os/namespace.js";
import type { CallWish, ClientSaid, Command } from "./calling-client.js";
import { compileProgram } from "./compile.js";

type Said<Event extends ClientSaid["event"]> = Extract<ClientSaid, { event: Event }>;
export type How = Extract<Command, { do: "end" }>["how"];

export class OwnClient implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #scratch: string;
  readonly #said: ClientSaid[] = [];
  #heard: (() => void) | undefined;
  #stderr = "";
  #over = false;
  #inCall = false;

  private constructor(
    readonly namespace: Namespace,
    readonly tun: string,
  ) {
    this.#scratch = mkdtempSync(join(tmpdir(), "hf-client-"));
    const program = compileProgram("calling-client", this.#scratch);
    // A session of its own (setsid): its group is what `signal` stops and continues.
    this.#child = spawn("ip", ["netns", "exec", namespace.name, process.execPath, program, tun], {
      stdio: "pipe",
      detached: true,
    });
    this.#child.stderr?.on("data", (text) => {
      this.#stderr += text;
    });
    this.#child.once("close", () => {
      this.#over = true;
      this.#heard?.();
    });
    createInterface({ input: this.#child.stdout! }).on("line", (line) => {
      const said = JSON.parse(line) as ClientSaid;
      this.#said.push(said);
      if (said.event === "up") this.#inCall = true;
      if (said.event === "ended") this.#inCall = false;
      this.#heard?.();
    });
  }

  static async start(namespace: Namespace, tun = "hfc0"): Promise<OwnClient> {
    const client = new OwnClient(namespace, tun);
    await client.says("ready");
    return client;
  }

  /**
   * Calls and logs in; throws with the cause when there is no session. It carries: the server's data path hears
   * of the address a moment after us, on a busy machine after a first packet.
   */
  async call(wish: CallWish): Promise<Said<"up">> {
    const said = await this.dial(wish);
    if (said.event !== "up") throw new Error(`no session: ${said.cause}`);
    const words = ["ping", "-n", "-c", "1", "-W", "1", "-I", this.tun, said.peers];
    await until("the session carries", 20, async () => {
      return (await run("ip", ["netns", "exec", this.namespace.name, ...words])).code === 0;
    });
    return said;
  }

  dial(wish: CallWish): Promise<Said<"up"> | Said<"ended">> {
    this.#tell({ do: "call", wish });
    return this.says("up", "ended");
  }

  /** Ends whatever call there is; nothing said of it stays to be asked for. */
  async hangUp(): Promise<void> {
    if (this.#inCall) {
      this.end("LCP");
      while (this.#inCall) await this.says("ended");
    }
    this.#said.length = 0;
  }

  end(how: How): void {
    this.#tell({ do: "end", how });
  }

  /** The next event of one of these kinds; earlier ones of other kinds stay to be asked for. */
  async says<Event extends ClientSaid["event"]>(...events: Event[]): Promise<Said<Event>> {
    const end = performance.now() + 30_000;
    for (;;) {
      const at = this.#said.findIndex(({ event }) => (events as string[]).includes(event));
      if (at >= 0) return this.#said.splice(at, 1)[0] as Said<Event>;
      if (this.#over) throw new Error(`the client's process ended: ${this.#stderr}`);
      const left = end - performance.now();
      if (left <= 0) throw new Error(`the client did not say ${events.join(" or ")}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#heard = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** Of `count` echo requests, how many were answered through the session. */
  async ping(address: string, options: readonly string[] = [], count = 3): Promise<number> {
    return (await ping(this.namespace, address, options, count)).received;
  }

  /** To the process and its data worker alike. */
  signal(signal: NodeJS.Signals): void {
    if (this.#child.pid !== undefined && !this.#over) process.kill(-this.#child.pid, signal);
  }

  #tell(command: Command): void {
    this.#child.stdin?.write(`${JSON.stringify(command)}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#child.once("close", resolve));
    if (!this.#over) {
      this.signal("SIGCONT");
      this.#child.stdin?.end();
      const timer = setTimeout(() => this.signal("SIGKILL"), 5_000);
      await closed;
      clearTimeout(timer);
    }
    rmSync(this.#scratch, { recursive: true, force: true });
  }
}

/** From a namespace: how many of `count` echo requests were answered, and what ping(8) said. */
export async function ping(
  namespace: Namespace,
  address: string,
  options: readonly string[] = [],
  count = 3,
): Promise<{ received: number; text: string }> {
  const words = pingWords(address, { count, options });
  const { stdout, stderr } = await run("ip", ["netns", "exec", namespace.name, ...words]);
  return { received: pingsAnswered(stdout, count), text: stdout + stderr };
}
