// `npm run demo`: server and client in two network namespaces of one machine, a session between
// them, a ping and a transfer through it, and the server's ledger before, during and after.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { lease } from "../base/lease.js";
import { Ledger } from "../base/ledger.js";
import { Scope } from "../base/scope.js";
import { monotonicNow } from "../os/clock.js";

export type DemoOptions = { readonly megabytes: number; readonly json: boolean };

const cli = fileURLToPath(new URL("../cli/main.js", import.meta.url));
const peer = fileURLToPath(new URL("./demo-peer.js", import.meta.url));
const serverAddress = "198.18.77.1";
const clientAddress = "198.18.77.2";
const gateway = "10.99.77.1";
const transferPort = 7_777;
const waitMs = 20_000;

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

class DemoFailed extends Error {}

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
    if (!(failure instanceof DemoFailed)) throw failure;
    process.stderr.write(`${failure.message}\n`);
    return 1;
  } finally {
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
  }
}

class Demo {
  readonly #server = `hfdemo-s-${process.pid}`;
  readonly #client = `hfdemo-c-${process.pid}`;
  readonly #directory: string;

  constructor(
    readonly scope: Scope,
    readonly megabytes: number,
    readonly json: boolean,
  ) {
    this.#directory = mkdtempSync(join(tmpdir(), "holdfast-demo-"));
    scope.hold(
      "directory",
      lease(() => rmSync(this.#directory, { recursive: true, force: true })),
    );
  }

  async run(): Promise<void> {
    this.#say("1. two namespaces, joined by a cable");
    this.#network();
    const state = join(this.#directory, "state");
    const config = join(this.#directory, "holdfast.yaml");
    // The server becomes a user of its own, who must be able to read it.
    spawnSync("chmod", ["755", this.#directory]);
    writeFileSync(config, configuration, { mode: 0o644 });
    this.#say("2. the server in one of them");
    await this.#serve(config, state);
    this.#tell("   ledger before:", this.#ledger(state));
    this.#say("3. the client in the other calls, logs in, gets its address");
    const client = await this.#connect(state);
    this.#tell("   ledger during:", this.#ledger(state));
    this.#say("4. through the session");
    await this.#transfer();
    this.#say("5. the client hangs up");
    const ended = new Promise((resolve) => client.once("exit", resolve));
    client.kill("SIGTERM");
    await ended;
    this.#tell("   ledger after: ", this.#ledger(state));
    this.#say("What the session took is back. The server stops, and the host is as before.");
  }

  #network(): void {
    const [server, client] = [this.#server, this.#client];
    for (const name of [server, client]) {
      ip("netns", "add", name);
      this.scope.hold(
        "namespace",
        lease(() => void spawnSync("ip", ["netns", "delete", name])),
      );
      ip("-n", name, "link", "set", "lo", "up");
    }
    ip(
      "link",
      "add",
      "hfd0",
      "netns",
      server,
      "type",
      "veth",
      "peer",
      "name",
      "hfd0",
      "netns",
      client,
    );
    ip("-n", server, "address", "add", `${serverAddress}/24`, "dev", "hfd0");
    ip("-n", client, "address", "add", `${clientAddress}/24`, "dev", "hfd0");
    for (const name of [server, client]) ip("-n", name, "link", "set", "hfd0", "up");
  }

  async #serve(config: string, state: string): Promise<void> {
    const child = this.#start(this.#server, [cli, "serve", "--config", config, "--state", state]);
    await said(child, /serves PPTP/);
  }

  async #connect(state: string): Promise<ChildProcess> {
    const [user = "", password = ""] = readFileSync(join(state, "first-password"), "utf8")
      .trim()
      .split(" ");
    const secret = join(this.#directory, "password");
    mkdirSync(this.#directory, { recursive: true });
    writeFileSync(secret, `${password}\n`, { mode: 0o600 });
    const child = this.#start(this.#client, [
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
      const pings = inside(this.#client, ["ping", "-c", "3", "-i", "0.3", "-W", "2", gateway]);
      const last = pings.stdout.trim().split("\n").at(-1) ?? "";
      if (pings.status !== 0) throw new DemoFailed(`no ping through the session: ${pings.stdout}`);
      this.#tell("   ping:", last);
    }
    const receiver = this.#start(this.#server, [peer, "sink", gateway, String(transferPort)]);
    await said(receiver, /listening/);
    const octets = this.megabytes * 1_000_000;
    const words = [process.execPath, peer, "source", gateway, String(transferPort), String(octets)];
    const { stdout, stderr, status } = inside(this.#client, words);
    if (status !== 0) throw new DemoFailed(`the transfer failed: ${stderr}`);
    const { seconds, roundTripMs } = JSON.parse(stdout) as { seconds: number; roundTripMs: number };
    const rate = ((octets * 8) / seconds / 1e6).toFixed(0);
    this.#tell(
      "   transfer:",
      `${this.megabytes} MB in ${seconds.toFixed(1)} s, ${rate} Mbit/s, MPPE-128, digest equal`,
    );
    this.#tell("   first answer after", `${roundTripMs.toFixed(1)} ms`);
    receiver.kill("SIGTERM");
  }

  #start(namespace: string, words: readonly string[]): ChildProcess {
    const child = spawn("ip", ["netns", "exec", namespace, process.execPath, ...words], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, HOLDFAST_STATE: "" },
    });
    this.scope.hold(
      "child",
      lease(() => void endNow(child)),
      `${child.pid ?? ""}`,
    );
    return child;
  }

  #ledger(state: string): string {
    const { stdout, status } = spawnSync(
      process.execPath,
      [cli, "ledger", "--state", state, "--json"],
      {
        encoding: "utf8",
      },
    );
    if (status !== 0) throw new DemoFailed("the ledger could not be read");
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

/** In order, so that the server puts the kernel back as it was; waited for, bounded. */
function endNow(child: ChildProcess): void {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  child.kill("SIGTERM");
  for (let waited = 0; waited < 50; waited++) {
    const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", String(child.pid)], {
      encoding: "utf8",
    });
    if (stdout.trim() === "" || stdout.startsWith("Z")) return;
    spawnSync("sleep", ["0.1"]);
  }
  child.kill("SIGKILL");
}

function inside(namespace: string, words: readonly string[]) {
  const timeout = 3 * waitMs;
  return spawnSync("ip", ["netns", "exec", namespace, ...words], { encoding: "utf8", timeout });
}

function ip(...words: string[]): void {
  const { status, stderr } = spawnSync("ip", words, { encoding: "utf8" });
  if (status !== 0) throw new DemoFailed(`ip ${words.join(" ")}: ${stderr?.trim() ?? "no ip"}`);
}

/** Resolves when the child's output matches; fails when it ends or says nothing in time. */
function said(child: ChildProcess, pattern: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let heard = "";
    const timer = setTimeout(() => reject(new DemoFailed(`nothing happened:\n${heard}`)), waitMs);
    const settle = (act: () => void) => {
      clearTimeout(timer);
      act();
    };
    const hear = (text: Buffer) => {
      heard += text.toString();
      if (pattern.test(heard)) settle(resolve);
    };
    child.stdout?.on("data", hear);
    child.stderr?.on("data", hear);
    child.once("exit", () => settle(() => reject(new DemoFailed(heard))));
  });
}
