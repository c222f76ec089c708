// `npm run demo`: server and client in two network namespaces of one machine, a session between
// them, a ping and a transfer through it, and the server's ledger before, during and after.
import { type ChildProcess, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Ledger } from "../base/ledger.js";
import { Scope } from "../base/scope.js";
import { monotonicNow } from "../os/clock.js";
import { type Side, Stage, StageFailed, said } from "../os/stage.js";

export type DemoOptions = { readonly megabytes: number; readonly json: boolean };

const cli = fileURLToPath(new URL("../cli/main.js", import.meta.url));
const peer = fileURLToPath(new URL("./demo-peer.js", import.meta.url));
const serverAddress = "198.18.77.1";
const clientAddress = "198.18.77.2";
const gateway = "10.99.77.1";
const transferPort = 7_777;
const giveBackMs = 5_000;

const configuration = `addresses:
  pool: [10.99.77.0/24]
  gateway: ${gateway}
client:
  dns: []
network:
  tun: hfdemo0
  # The transfer's other end runs on the server itself: outside a demo this stays closed.
  reachHost: true
`;

export async function runDemo({ megabytes, json }: DemoOptions): Promise<number> {
  if (process.getuid?.() !== 0) {
    process.stderr.write(
      "holdfast: the demo makes network namespaces, which needs root\nRemedy: sudo npm run demo\n",
    );
    return 6;
  }
  const scope = new Scope("demo", new Ledger(monotonicNow));
  const stop = () => scope[Symbol.dispose]();
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  try {
    using _scope = scope;
    await new Demo(scope, megabytes, json).run();
    return 0;
  } catch (failure) {
    if (!(failure instanceof StageFailed)) throw failure;
    process.stderr.write(`${failure.message}\n`);
    return 1;
  } finally {
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
  }
}

class Demo {
  readonly #stage: Stage;

  constructor(
    scope: Scope,
    readonly megabytes: number,
    readonly json: boolean,
  ) {
    this.#say("1. two namespaces, joined by a cable");
    const addresses = { server: serverAddress, client: clientAddress };
    this.#stage = new Stage(scope, { name: "demo", addresses });
  }

  async run(): Promise<void> {
    const state = join(this.#stage.directory, "state");
    const config = join(this.#stage.directory, "holdfast.yaml");
    writeFileSync(config, configuration, { mode: 0o644 });
    this.#say("2. the server in one of them");
    await this.#serve(config, state);
    const before = this.#ledger(state);
    this.#tell("   ledger before:", before);
    this.#say("3. the client in the other calls, logs in, gets its address");
    const client = await this.#connect(state);
    this.#tell("   ledger during:", this.#ledger(state));
    this.#say("4. through the session");
    await this.#transfer();
    this.#say("5. the client hangs up");
    const ended = new Promise((resolve) => client.once("exit", resolve));
    client.kill("SIGTERM");
    await ended;
    this.#tell("   ledger after: ", await this.#ledgerLike(before, state));
    this.#say("What the session took is back. The server stops, and the host is as before.");
  }

  async #serve(config: string, state: string): Promise<void> {
    const child = this.#start("server", [cli, "serve", "--config", config, "--state", state]);
    await said(child, /serves PPTP/);
  }

  async #connect(state: string): Promise<ChildProcess> {
    const [user = "", password = ""] = readFileSync(join(state, "first-password"), "utf8")
      .trim()
      .split(" ");
    const secret = join(this.#stage.directory, "password");
    writeFileSync(secret, `${password}\n`, { mode: 0o600 });
    const child = this.#start("client", [
      cli,
      ...["connect", serverAddress, "--user", user, "--password-file", secret, "--tun", "hfdemo1"],
    ]);
    child.stdout?.on("data", (text: Buffer) =>
      this.#tell("  ", text.toString().trim().replaceAll("\n", "\n   ")),
    );
    await said(child, /^up/m);
    return child;
  }

  async #transfer(): Promise<void> {
    if (spawnSync("ping", ["-V"]).status === 0) {
      const pings = this.#stage.run("client", ["ping", "-c", "3", "-i", "0.3", "-W", "2", gateway]);
      const last = pings.stdout.trim().split("\n").at(-1) ?? "";
      if (pings.status !== 0) throw new StageFailed(`no ping through the session: ${pings.stdout}`);
      this.#tell("   ping:", last);
    }
    const receiver = this.#start("server", [peer, "sink", gateway, String(transferPort)]);
    await said(receiver, /listening/);
    const octets = this.megabytes * 1_000_000;
    const words = [process.execPath, peer, "source", gateway, String(transferPort), String(octets)];
    const { stdout, stderr, status } = this.#stage.run("client", words);
    if (status !== 0) throw new StageFailed(`the transfer failed: ${stderr}`);
    const { seconds, roundTripMs } = JSON.parse(stdout) as { seconds: number; roundTripMs: number };
    const rate = ((octets * 8) / seconds / 1e6).toFixed(0);
    this.#tell(
      "   transfer:",
      `${this.megabytes} MB in ${seconds.toFixed(1)} s, ${rate} Mbit/s, MPPE-128, digest equal`,
    );
    this.#tell("   first answer after", `${roundTripMs.toFixed(1)} ms`);
    receiver.kill("SIGTERM");
  }

  #start(side: Side, words: readonly string[]): ChildProcess {
    return this.#stage.start(side, words, ["ignore", "pipe", "pipe"]);
  }

  /** What the ledger says once it says `before`, or after a while: the server may be giving back. */
  async #ledgerLike(before: string, state: string): Promise<string> {
    const end = monotonicNow() + giveBackMs;
    for (let now = this.#ledger(state); ; now = this.#ledger(state)) {
      if (now === before || monotonicNow() > end) return now;
      await setTimeout(giveBackMs / 50);
    }
  }

  #ledger(state: string): string {
    const { stdout, status } = spawnSync(
      process.execPath,
      [cli, "ledger", "--state", state, "--json"],
      {
        encoding: "utf8",
      },
    );
    if (status !== 0) throw new StageFailed("the ledger could not be read");
    const { balance } = JSON.parse(stdout) as { balance: Record<string, number> };
    return Object.entries(balance)
      .map(([what, count]) => `${what} ${count}`)
      .join(", ");
  }

  #say(line: string): void {
    this.#tell(line, "");
  }

  #tell(line: string, value: string): void {
    const text = value === "" ? line : `${line} ${value}`;
    process.stdout.write(this.json ? `${JSON.stringify({ line, value })}\n` : `${text}\n`);
  }
}
