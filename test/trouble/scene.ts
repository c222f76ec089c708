// A scene for trouble: a real server of ours in one namespace, callers in another, joined by a cable,
// and this thread inside the callers' one. All of it is taken down again, whatever became of it.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type {
  AccountingPage,
  LedgerPage,
  SessionDetail,
  SessionsPage,
  Status,
} from "../../src/console/contract.js";
import { apiVersion } from "../../src/console/contract.js";
import { type Result, run, until } from "../lab/place.js";
import { joined, type Namespace } from "../os/namespace.js";
import { Caller } from "./caller.js";

export const cli = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
export const SERVER = "198.51.100.1";
export const CALLERS = "198.51.100.2";
export const GATEWAY = "10.99.0.1";
const TUN = "hft0";

export const BASE_CONFIG = {
  addresses: { pool: ["10.99.0.0/24"], gateway: GATEWAY },
  client: { dns: [] as string[] },
  network: { tun: TUN },
  // All callers have one address; test/trouble/guard.test.ts is about what that is held to.
  guard: { allow: ["198.51.100.2/32"] },
  log: { format: "json" },
};

export type Account = { readonly name: string; readonly password: string };

export type SceneOptions = {
  /** Laid over BASE_CONFIG, section by section. */
  readonly config?: object;
  /** A tmpfs of so many octets below the state directory. */
  readonly diskOctets?: number;
  /** RLIMIT_NOFILE of the server, soft and hard. */
  readonly descriptors?: number;
  /** Capabilities that root has not got there, as setpriv spells them. */
  readonly lacking?: readonly string[];
  /** Another build than this one. */
  readonly cli?: string;
  /** A program that is not installed, as far as the server sees. */
  readonly without?: string;
};

export class Scene implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), "holdfast-trouble-"));
  readonly disk = join(this.directory, "disk");
  readonly state = join(this.disk, "state");
  readonly configFile = join(this.directory, "holdfast.yaml");
  readonly #net = joined([`${SERVER}/24`], [`${CALLERS}/24`]);
  readonly #entered = this.#net.b.entered();
  readonly #callers: Caller[] = [];
  #server: ChildProcess | undefined;
  #ended: Promise<number> | undefined;
  #mounted = false;

  constructor(readonly options: SceneOptions = {}) {
    // The server becomes a user of its own, who must get here.
    chmodSync(this.directory, 0o755);
    mkdirSync(this.disk);
    if (options.diskOctets !== undefined) {
      const size = `size=${options.diskOctets},mode=755`;
      execFileSync("mount", ["-t", "tmpfs", "-o", size, "holdfast-test", this.disk]);
      this.#mounted = true;
    }
    this.configure(options.config ?? {});
  }

  /** A scene whose server listens and answers. */
  static async started(options: SceneOptions = {}): Promise<Scene> {
    const scene = new Scene(options);
    try {
      await scene.start();
      return scene;
    } catch (failure) {
      const log = scene.log();
      await scene[Symbol.asyncDispose]();
      throw new Error(`the server did not start: ${failure}\n${log}`);
    }
  }

  get server(): Namespace {
    return this.#net.a;
  }

  get callers(): Namespace {
    return this.#net.b;
  }

  get pid(): number {
    return this.#server?.pid ?? 0;
  }

  configure(config: object): void {
    const whole = { ...BASE_CONFIG, ...config };
    writeFileSync(this.configFile, JSON.stringify(whole, undefined, 1), { mode: 0o644 });
  }

  /** Command words of a server of this scene; another one of it, too. */
  serveWords(...more: string[]): string[] {
    const program = this.options.cli ?? cli;
    const words = [process.execPath, program, "serve", "--config", this.configFile];
    const { descriptors: limit, without, lacking } = this.options;
    const less = lacking?.map((name) => `-${name}`).join(",");
    // `ip netns exec` gives each command its own view of the mounts.
    const hide = 'mount --bind /dev/null "$(realpath "$(command -v "$0")")" && exec "$@"';
    return [
      ...["netns", "exec", this.server.name],
      ...(without === undefined ? [] : ["sh", "-c", hide, without]),
      ...(limit === undefined ? [] : ["prlimit", `--nofile=${limit}:${limit}`]),
      ...(less === undefined ? [] : ["setpriv", `--bounding-set=${less}`, `--inh-caps=${less}`]),
      ...words,
      ...["--state", this.state],
      ...more,
    ];
  }

  async start(): Promise<void> {
    this.launch();
    let over: number | undefined;
    this.#ended?.then((code) => {
      over = code;
    });
    await until("the server answers", 30, () => {
      if (over !== undefined) throw new Error(`it ended with ${over}`);
      return this.said("serves PPTP");
    });
  }

  launch(): void {
    const log = execFileSync("mktemp", ["-p", this.directory, "log-XXXX"], { encoding: "utf8" });
    this.#log = log.trim();
    const child = spawn(
      "bash",
      ["-c", 'exec ip "$@" >"$0" 2>&1', this.#log, ...this.serveWords()],
      {
        stdio: ["ignore", "ignore", "ignore"],
        env: { ...process.env, HOLDFAST_STATE: "" },
      },
    );
    this.#server = child;
    this.#ended = new Promise((resolve) => {
      child.once("exit", (code, signal) => resolve(signal === null ? (code ?? -1) : -1));
    });
  }
  #log = "";

  /** What it wrote, since its last start. */
  log(): string {
    return this.#log === "" ? "" : readFileSync(this.#log, "utf8");
  }

  said(text: string | RegExp): boolean {
    return typeof text === "string" ? this.log().includes(text) : text.test(this.log());
  }

  /** Its log's lines with this text, parsed. It writes them behind what it does: see `logged`. */
  lines(message: string): Record<string, unknown>[] {
    return this.log()
      .split("\n")
      .slice(0, -1)
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ msg }) => msg === message);
  }

  /** Its lines with this text, once there are so many: what it did may be seen before it is written. */
  async logged(message: string, times = 1): Promise<Record<string, unknown>[]> {
    await until(`its log says: ${message}`, 20, () => this.lines(message).length >= times);
    return this.lines(message);
  }

  signal(name: NodeJS.Signals): void {
    this.#server?.kill(name);
  }

  /** Its exit code; -1 when a signal ended it. */
  async end(withinS = 20): Promise<number> {
    const ended = this.#ended;
    if (ended === undefined) throw new Error("it was never started");
    let code: number | undefined;
    ended.then((was) => {
      code = was;
    });
    await until("the server ends", withinS, () => code !== undefined);
    this.#server = undefined;
    return code ?? -1;
  }

  stop(): Promise<number> {
    this.signal("SIGTERM");
    return this.end();
  }

  /** A start that must be refused: exit code and what it said. */
  async refused(...more: string[]): Promise<Result> {
    return run("ip", this.serveWords(...more), { timeoutS: 30 });
  }

  cli(words: readonly string[], input = ""): Promise<Result> {
    return run(process.execPath, [cli, ...words, "--state", this.state], { input, timeoutS: 30 });
  }

  /** One request to the admin socket: its status, its answer and how long it took. */
  admin(method: string, path: string, body?: object): Promise<AdminReply> {
    const begun = performance.now();
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = text === undefined ? {} : { "content-type": "application/json" };
    return new Promise((resolve, reject) => {
      const socketPath = join(this.state, "run/admin.sock");
      const asked = request(
        { socketPath, method, path: `/${apiVersion}${path}`, headers, agent: false },
        (reply) => {
          let received = "";
          reply.setEncoding("utf8");
          reply.on("data", (part: string) => {
            received += part;
          });
          reply.on("end", () =>
            resolve({
              status: reply.statusCode ?? 0,
              body: JSON.parse(received),
              ms: performance.now() - begun,
            }),
          );
        },
      );
      asked.on("error", reject);
      asked.end(text);
    });
  }

  async #get<T>(path: string): Promise<T> {
    const { status, body } = await this.admin("GET", path);
    if (status !== 200) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`);
    return body as T;
  }

  status = () => this.#get<Status>("/status");
  sessions = () => this.#get<SessionsPage>("/sessions");
  session = (id: number) => this.#get<SessionDetail>(`/sessions/${id}`);
  ledger = () => this.#get<LedgerPage>("/ledger");
  accounting = async () => (await this.#get<AccountingPage>("/accounting")).lines;

  async addUser(account: Account): Promise<Account> {
    const { status, body } = await this.admin("POST", "/users", account);
    if (status !== 200) throw new Error(JSON.stringify(body));
    return account;
  }

  /** The account that the first start made. */
  firstAccount(): Account {
    const text = readFileSync(join(this.state, "first-password"), "utf8").trim();
    const [name = "", password = ""] = text.split(" ");
    return { name, password };
  }

  /** A caller that is up, or the failure with what it said. */
  async caller(account: Account): Promise<Caller> {
    const caller = new Caller(this.callers, this.directory, this.#callers.length, account);
    this.#callers.push(caller);
    await caller.up();
    return caller;
  }

  /** What is held, by kind; kinds of which nothing is held left out. */
  async held(): Promise<Record<string, number>> {
    const { balance } = await this.ledger();
    return Object.fromEntries(Object.entries(balance).filter(([, count]) => count > 0));
  }

  /** Waits until as much is held as `before`. */
  async expectHeld(before: Record<string, number>, withinS = 15): Promise<void> {
    const wanted = JSON.stringify(Object.entries(before).sort());
    let now = "";
    await until("the ledger reads as before", withinS, async () => {
      now = JSON.stringify(Object.entries(await this.held()).sort());
      return now === wanted;
    }).catch((failure) => {
      throw new Error(`${failure}\nwas ${wanted}\nis  ${now}`);
    });
  }

  unmount(): void {
    if (!this.#mounted) return;
    execFileSync("umount", ["--lazy", this.disk]);
    this.#mounted = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // For whoever looks into a failure: TROUBLE_LOG=1 npx vitest run test/trouble/…
    if (process.env.TROUBLE_LOG !== undefined) process.stderr.write(this.log());
    for (const caller of this.#callers) await caller.end();
    if (this.#server !== undefined) {
      this.signal("SIGTERM");
      await this.end(15).catch(() => {
        this.signal("SIGKILL");
      });
    }
    this.unmount();
    this.#entered[Symbol.dispose]();
    this.#net[Symbol.dispose]();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export type AdminReply = {
  readonly status: number;
  readonly body: {
    readonly error?: { readonly reason: string; readonly message: string; readonly remedy: string };
  } & Record<string, unknown>;
  readonly ms: number;
};
