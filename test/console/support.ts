// The console over HTTP in this process: its own routes and gate, a store in memory, and a server that
// is only a port.
import { scryptSync } from "node:crypto";
import { Agent, type IncomingMessage, request } from "node:http";
import type { Prefix4 } from "../../src/base/ip.js";
import { lease } from "../../src/base/lease.js";
import type { Role, TokenRole } from "../../src/console/console-contract.js";
import type { AccountingLine, AccountingQuery, AccountShown } from "../../src/console/contract.js";
import type { AccountService } from "../../src/daemon/admin/account-service.js";
import { consoleApp } from "../../src/daemon/console/app.js";
import { Directory } from "../../src/daemon/console/directory.js";
import { type ConsoleListener, listenForConsole } from "../../src/daemon/console/listener.js";
import { LogIns } from "../../src/daemon/console/log-ins.js";
import type {
  Answer,
  ConsoleStore,
  KeptConsoleUser,
  KeptToken,
  StoreTrouble,
} from "../../src/store/port.js";
import { type FakePort, fakePort } from "../cli/support.js";

export type Told = { readonly level: string; readonly fields: object; readonly line: string };

export class MemoryStore implements ConsoleStore {
  readonly kept = {
    users: new Map<string, KeptConsoleUser>(),
    tokens: new Map<string, KeptToken>(),
  };
  trouble: StoreTrouble | undefined;

  users = async () => this.#answer([...this.kept.users.values()]);
  tokens = async () => this.#answer([...this.kept.tokens.values()]);
  putUser = async (user: KeptConsoleUser) =>
    this.#answer(void this.kept.users.set(user.name, user));
  putToken = async (token: KeptToken) => this.#answer(void this.kept.tokens.set(token.name, token));
  removeUser = async (name: string) => this.#answer(void this.kept.users.delete(name));
  removeToken = async (name: string) => this.#answer(void this.kept.tokens.delete(name));

  #answer<T>(value: T): Answer<T> {
    return this.trouble ?? { ok: true, value };
  }
}

export type Reply = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
};

export type Headers = Readonly<Record<string, string>>;

export type Stream = {
  readonly reply: IncomingMessage;
  text: string;
  readonly ended: Promise<void>;
};

export const PASSWORD = "correct horse battery";
const SALT = Buffer.alloc(16, 7);
const VERIFIER = [
  "scrypt$2$8$1",
  SALT.toString("base64"),
  scryptSync(PASSWORD, SALT, 32, { N: 2, r: 8, p: 1 }).toString("base64"),
].join("$");

const ACCOUNT: AccountShown = {
  ...{ accountId: 1, name: "ann", enabled: true, staticAddress: "10.99.0.7", routes: [] },
  ...{ sessionsMax: 2, atSessionLimit: null, sessionSecondsMax: null, idleSecondsMax: null },
  ...{ octetsMax: null, upBitsPerSecond: 10_000_000, downBitsPerSecond: null, dialIn: true },
  ...{ validFrom: null, validUntil: null, hours: null, hasClearText: false },
  ...{ createdAt: 1_790_000_000_000, changedAt: 1_790_000_000_000 },
};
/** An earlier session of that user. */
const pastOf = (user: string): AccountingLine => ({
  ...{ number: 7, sessionId: "main-1-7", user, peerAddress: "192.0.2.9", localAddress: "" },
  ...{ framedAddress: "10.99.0.9", framedPrefix: null, method: "ms-chap-v2", encryption: "" },
  ...{ profile: "default", startedAt: 1_789_990_000_000, countedAt: 1_789_993_600_000 },
  ...{ endedAt: 1_789_993_600_000, cause: "echo-timeout", octetsIn: 5_000_000, octetsOut: 9 },
  ...{ packetsIn: 4_000, packetsOut: 1 },
});
const accounts = {
  list: async () => ({ ok: true, value: { accounts: [ACCOUNT], total: 1, next: null } }),
  accounting: async ({ user = "" }: AccountingQuery) => ({
    ok: true,
    value: { lines: [pastOf(user)], next: null },
  }),
} as unknown as AccountService;

export class Served implements AsyncDisposable {
  readonly told: Told[] = [];
  readonly broken: unknown[] = [];
  /** Ms, of both clocks; a test moves it. */
  now = 1_800_000_000_000;
  readonly store = new MemoryStore();
  readonly logIns = new LogIns(() => this.now);
  readonly directory = new Directory(this.store, this.logIns, () => this.now);
  readonly port: FakePort = fakePort(accounts, this.directory);
  names: readonly string[] = ["vpn.example.org"];
  metricsFrom: readonly Prefix4[] = [];
  readonly listeners = new Set<() => void>();
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 4 });
  #listener: ConsoleListener | undefined;

  static async started(): Promise<Served> {
    const served = new Served();
    await served.#start();
    return served;
  }

  async #start(): Promise<void> {
    const app = consoleApp(this.port, {
      directory: this.directory,
      logIns: this.logIns,
      clock: () => this.now,
      names: () => this.names,
      tls: false,
      version: "1.2.3",
      bodyOctetsMax: 4_096,
      importOctetsMax: 8_192,
      broken: (failure) => this.broken.push(failure),
      told: (level, fields, line) => this.told.push({ level, fields, line }),
      wallClockOf: (ms) => ms,
      metricsFrom: () => this.metricsFrom,
      listen: (told) => {
        this.listeners.add(told);
        return lease(() => this.listeners.delete(told));
      },
      connections: () => this.listener.connections,
    });
    const opened = await listenForConsole(app, { address: "127.0.0.1", port: 0 }, undefined);
    if (!opened.ok) throw new Error(opened.message);
    this.#listener = opened.listener;
  }

  get listener(): ConsoleListener {
    if (this.#listener === undefined) throw new Error("not started");
    return this.#listener;
  }

  get host(): string {
    return `127.0.0.1:${this.listener.port}`;
  }

  ask(method: string, path: string, headers: Headers = {}, body?: string): Promise<Reply> {
    const { port } = this.listener;
    return new Promise((done, fail) => {
      const asked = request(
        { host: "127.0.0.1", port, method, path, headers, agent: this.#agent },
        (reply) => {
          const chunks: Buffer[] = [];
          reply.on("data", (chunk: Buffer) => chunks.push(chunk));
          reply.on("error", fail);
          reply.on("end", () => {
            const text = Buffer.concat(chunks).toString("utf8");
            done({ status: reply.statusCode ?? 0, headers: reply.headers, text });
          });
        },
      );
      asked.on("error", fail);
      asked.end(body);
    });
  }

  /** An event stream: what came so far, and its end. */
  stream(headers: Headers): Promise<Stream> {
    const { port } = this.listener;
    return new Promise((done, fail) => {
      const options = { host: "127.0.0.1", port, path: "/v1/events", headers, agent: false };
      const asked = request(options, (reply) => {
        const stream = {
          reply,
          text: "",
          ended: new Promise<void>((end) => reply.once("close", end)),
        };
        reply.on("data", (octets: Buffer) => {
          stream.text += octets;
        });
        reply.on("error", () => {});
        done(stream);
      });
      asked.on("error", fail);
      asked.end();
    });
  }

  /** Headers of a machine in that role. */
  async token(role: TokenRole): Promise<Headers> {
    const made = await this.directory.addToken({ name: role, role, days: 1 });
    if (!made.ok) throw new Error(made.message);
    return { authorization: `Bearer ${made.value.token}` };
  }

  /** With PASSWORD, whose verifier costs next to nothing here. */
  async addUser(role: Role): Promise<void> {
    const times = { createdAt: this.now, changedAt: this.now };
    await this.store.putUser({ name: role, role, verifier: VERIFIER, enabled: true, ...times });
  }

  /** Logs in as a page would: headers for reading, and for changing something. */
  async logIn(role: Role): Promise<{
    readonly reading: Headers;
    readonly changing: Headers;
    readonly reply: Reply;
  }> {
    await this.addUser(role);
    const reply = await this.tryLogIn(role, PASSWORD);
    const [cookie = ""] = [reply.headers["set-cookie"]].flat();
    const reading = { cookie: cookie?.split(";")[0] ?? "" };
    const { csrf } = JSON.parse(reply.text) as { csrf: string };
    const changing = { ...reading, origin: `http://${this.host}`, "x-holdfast-csrf": csrf };
    return { reading, changing, reply };
  }

  tryLogIn(name: string, password: string, headers: Headers = {}): Promise<Reply> {
    const type = { "content-type": "application/json", ...headers };
    return this.ask("POST", "/v1/log-in", type, JSON.stringify({ name, password }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    await this.#listener?.close();
  }
}

export function reasonOf({ text }: Reply): string {
  return (JSON.parse(text) as { error: { reason: string } }).error.reason;
}
