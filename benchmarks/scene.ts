// The scene of the load benchmarks: a real server of ours in a namespace, and the load client in another,
// on one cable, with a /16 of source addresses (AnyIP). All of it is taken down again.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { TestServer } from "../test/e2e/harness.js";
import { settled } from "../test/e2e/settled.js";
import { HostNetns, type Place } from "../test/lab/place.js";
import { joined } from "../test/os/namespace.js";
import { Child } from "./child.js";
import type { Raised } from "./load/load.js";
import { processorMs, residentOctets, serverProcesses } from "./processes.js";

export const SERVER = "198.51.100.1";
export const LOAD = "198.51.100.2";
const SOURCES = "10.77.0.0/16";
const user = "load";
const password = "Load-Pw-0123";
const MAIN_PORT = 9_230;
const WORKER_PORT = 9_229;

export type SceneOptions = {
  readonly sessions: number;
  readonly callsPerConnection: number;
  readonly concurrency: number;
  readonly perSecond?: number;
  readonly accounts?: number;
  /** Sections of the configuration beside what the scene needs. */
  readonly config?: object;
  /** RLIMIT_NOFILE of the server. */
  readonly descriptors?: number;
};

/** Admission limits as they are by default would stop the load: what was lifted is told. */
export function lifted({ sessions, callsPerConnection }: SceneOptions): Record<string, object> {
  const connections = Math.ceil(sessions / callsPerConnection);
  return {
    control: {
      ...(connections > 1_024 && { connectionsMax: connections }),
      ...(callsPerConnection > 8 && { callsPerConnectionMax: callsPerConnection }),
    },
    access: { ...(sessions > 10_000 && { sessionsMax: sessions }) },
  };
}

function configured(options: SceneOptions): object {
  return {
    addresses: { pool: ["10.64.0.0/15"], gateway: "10.63.0.1" },
    client: { dns: [] },
    network: { tun: "hfb0", nat: { enabled: false } },
    users: { sessionsPerUser: 64 },
    log: { format: "json" },
    // All of them come from few /24.
    guard: { allow: [SOURCES] },
    limits: lifted(options),
    ...options.config,
  };
}

type Net = ReturnType<typeof joined>;
export type Inspected = { readonly main: Child; readonly worker: Child };

/** A namespace whose servers can be looked into. */
export function inspectable(netns: string): Place {
  const NODE_OPTIONS = `--inspect-port=${MAIN_PORT}`;
  return withVariables(new HostNetns(netns), { NODE_OPTIONS });
}

/** Eyes on both Node processes of the server there. */
export async function inspected(netns: string, pid: number): Promise<Inspected> {
  const worker = serverProcesses(pid).find(({ what }) => what === "data worker");
  if (worker === undefined) throw new Error("no data worker");
  return {
    main: await Child.started(netns, "inspector", String(pid), String(MAIN_PORT)),
    worker: await Child.started(netns, "inspector", String(worker.pid), String(WORKER_PORT)),
  };
}

export class Scene implements AsyncDisposable {
  private constructor(
    readonly net: Net,
    readonly server: TestServer,
    readonly load: Child,
    readonly pid: number,
  ) {}

  static async started(options: SceneOptions): Promise<Scene> {
    const net = joined([`${SERVER}/24`], [`${LOAD}/24`]);
    let server: TestServer | undefined;
    try {
      server = await Scene.#serve(net, options);
      return await Scene.#loaded(net, server, options);
    } catch (failure) {
      await server?.[Symbol.asyncDispose]();
      net[Symbol.dispose]();
      throw failure;
    }
  }

  static async #serve(net: Net, options: SceneOptions): Promise<TestServer> {
    net.a.ip("route", "add", SOURCES, "via", LOAD);
    net.b.ip("route", "add", "local", SOURCES, "dev", "lo");
    for (const side of [net.a, net.b]) side.run("sysctl", "-qw", "net.core.somaxconn=4096");
    await settled(net.a, net.b);
    const place = inspectable(net.a.name);
    return TestServer.start({ place, config: configured(options), readyS: 30 });
  }

  static async #loaded(net: Net, server: TestServer, options: SceneOptions): Promise<Scene> {
    const accounts = options.accounts ?? Math.ceil(options.sessions / 32);
    await importAccounts(server, accounts);
    const load = await Child.started(
      net.b.name,
      "load-client",
      ...["--server", SERVER, "--user", user, "--users", String(accounts)],
      ...["--password", password, "--concurrency", String(options.concurrency)],
      ...["--calls-per-connection", String(options.callsPerConnection)],
      ...["--per-second", String(options.perSecond ?? 0)],
    );
    const { pid } = await server.status();
    return new Scene(net, server, load, pid);
  }

  /** The load client's answer; throws unless every session is up and encrypted as it should be. */
  async raise(sessions: number): Promise<Raised> {
    const raised = JSON.parse(await this.load.ask(`raise ${sessions}`)) as Raised;
    if (raised.sessions !== sessions || Object.keys(raised.failures).length > 0) {
      throw new Error(`not all log-ins: ${JSON.stringify({ ...raised, milliseconds: [] })}`);
    }
    const kinds = Object.keys(raised.encryption);
    if (kinds.some((kind) => kind !== "MPPE-128 stateless")) throw new Error(kinds.join(", "));
    return raised;
  }

  /** In order; throws when sessions had ended before. */
  async end(sessions: number): Promise<number> {
    const told = JSON.parse(await this.load.ask("tell")) as { sessions: number };
    if (told.sessions !== sessions) throw new Error(`sessions were lost: ${JSON.stringify(told)}`);
    const { seconds } = JSON.parse(await this.load.ask("end")) as { seconds: number };
    return seconds;
  }

  /** Resident octets of every process of the server. */
  resident(): Record<string, number> {
    const sum: Record<string, number> = {};
    for (const { pid, what } of serverProcesses(this.pid)) {
      sum[what] = (sum[what] ?? 0) + residentOctets(pid);
    }
    return sum;
  }

  /** Processor time of every process of the server, ms. */
  processor(): Record<string, number> {
    const sum: Record<string, number> = {};
    for (const { pid, what } of serverProcesses(this.pid)) {
      sum[what] = (sum[what] ?? 0) + processorMs(pid);
    }
    return sum;
  }

  inspected(): Promise<Inspected> {
    return inspected(this.net.a.name, this.pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.load[Symbol.asyncDispose]();
    await this.server[Symbol.asyncDispose]();
    this.net[Symbol.dispose]();
  }
}

async function importAccounts(server: TestServer, count: number): Promise<void> {
  const file = join(server.directory, "chap-secrets");
  const lines = Array.from({ length: count }, (_, at) => `${user}${at} * "${password}" *\n`);
  writeFileSync(file, lines.join(""), { mode: 0o600 });
  const { code, stderr } = await server.cli(`user import ${file} --apply`);
  if (code !== 0) throw new Error(`user import: ${stderr}`);
}

/** Every command line has these variables too. */
function withVariables(place: Place, variables: Readonly<Record<string, string>>): Place {
  const words = Object.entries(variables).map(([name, value]) => `${name}='${value}'`);
  return {
    name: place.name,
    exec: (command, options) => place.exec(`export ${words.join(" ")}; ${command}`, options),
  };
}
