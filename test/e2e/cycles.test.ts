// More than ten thousand sessions over real TCP, GRE and TUN, two clients in processes of their own, each one
// session after the other: the server's heap, descriptors and ledger and the kernel's tables stay where they were.
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HostNetns, type Place, until } from "../lab/place.js";
import { isRoot } from "../os/namespace.js";
import { compileProgram } from "./compile.js";
import type { BatchReport, CyclingOptions } from "./cycling-client.js";
import { TestServer } from "./harness.js";
import { Places } from "./places.js";
import { type Point, slope } from "./slope.js";

const CLIENTS = [
  { name: "one", net: "198.51.100" },
  { name: "two", net: "203.0.113" },
] as const;
const POOL = "10.99.128.0/17";
const GATEWAY = "10.99.0.1";
const ECHO_PORT = 7;
const user = { name: "cyclist", password: "secret-Pw1", options: "--sessions 4" };

const BATCHES = 26;
const CYCLES_A_BATCH = 400;
const CYCLES_A_CLIENT = CYCLES_A_BATCH / CLIENTS.length;
/** Code is compiled, tables and the store's pages come to their size. */
const WARM_UP_BATCHES = 14;
const GROWTH_OCTETS_A_CYCLE_MAX = 40;
const BATCH_MS_MAX = 120_000;

type Heap = { readonly heapUsed: number; readonly external: number; readonly rss: number };

/** Every command line has these variables too. */
function withVariables(place: Place, variables: Readonly<Record<string, string>>): Place {
  const words = Object.entries(variables).map(([name, value]) => `${name}='${value}'`);
  return {
    name: place.name,
    exec: (command, options) => place.exec(`export ${words.join(" ")}; ${command}`, options),
  };
}

class Cyclist {
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly #answers: AsyncIterator<string>;
  #complaints = "";

  constructor(program: string, namespace: string, options: CyclingOptions) {
    const words = ["netns", "exec", namespace, process.execPath, program, JSON.stringify(options)];
    this.#child = spawn("ip", words, { stdio: "pipe" });
    this.#child.stderr?.on("data", (text) => {
      this.#complaints += text;
    });
    this.#lines = createInterface({ input: this.#child.stdout! });
    this.#answers = this.#lines[Symbol.asyncIterator]();
  }

  async ready(): Promise<void> {
    expect(await this.#line()).toBe("ready");
  }

  async ride(cycles: number): Promise<BatchReport> {
    this.#child.stdin?.write(`${cycles}\n`);
    return JSON.parse(await this.#line()) as BatchReport;
  }

  async #line(): Promise<string> {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), BATCH_MS_MAX);
    const { value, done } = await this.#answers.next();
    clearTimeout(timer);
    if (done === true) throw new Error(`the client ended: ${this.#complaints}`);
    return value;
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("close", resolve));
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.stdin?.end();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 10_000);
    await ended;
    clearTimeout(timer);
  }
}

const echo = `const { createSocket } = require("node:dgram");
const socket = createSocket("udp4", (octets, from) => socket.send(octets, from.port, from.address));
socket.bind(${ECHO_PORT}, "${GATEWAY}");`;

describe.runIf(isRoot)("ten thousand cycles", () => {
  let scratch: string;
  let heapFile: string;
  let places: Places;
  let server: TestServer;
  const cyclists: Cyclist[] = [];
  let echoing: ChildProcess;

  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), "hf-cycles-"));
    heapFile = join(scratch, "heap");
    places = await Places.laid(
      ...CLIENTS.map(({ name, net }) => ({
        name,
        server: [`${net}.1/24`],
        other: [`${net}.2/24`],
      })),
    );
    writeFileSync(heapFile, "", { mode: 0o666 });
    // The server becomes a user of its own.
    for (const path of [scratch, heapFile]) chmodSync(path, 0o777);
    const place = withVariables(new HostNetns(places.server.name), {
      NODE_OPTIONS: `--import=${join(import.meta.dirname, "heap-probe.mjs")}`,
      HEAP_PROBE: heapFile,
    });
    const config = {
      addresses: { pool: [POOL], gateway: GATEWAY },
      client: { dns: [] },
      network: { reachHost: true },
      log: { level: "warn" },
      // Call IDs rest a minute by default: longer than it takes until the heap would have to be flat.
      // A hang-up by LCP alone is doubted for a second: half an hour of nothing in so many.
      limits: { control: { callIdQuarantineMs: 1_000 }, ppp: { doubtMs: 20 } },
      // Each calls as fast as it can.
      guard: { allow: CLIENTS.map(({ net }) => `${net}.0/24`) },
    };
    server = await TestServer.start({ place, config, users: [user] });
    echoing = spawn("ip", ["netns", "exec", places.server.name, process.execPath, "-e", echo]);
    for (const { name, net } of CLIENTS) {
      const namespace = places.at(name);
      const cyclist = new Cyclist(compileProgram("cycling-client", scratch), namespace.name, {
        server: `${net}.1`,
        user: user.name,
        password: user.password,
        tun: "hfc0",
        adminSocket: join(server.directory, "state/run/admin.sock"),
        echoPort: ECHO_PORT,
      });
      cyclists.push(cyclist);
      await cyclist.ready();
      // Whichever address a session gets is its client's own, and the server is behind the TUN.
      namespace.ip("route", "add", "local", POOL, "dev", "lo");
      namespace.ip("link", "set", "hfc0", "mtu", "1400", "up");
      namespace.ip("route", "add", `${GATEWAY}/32`, "dev", "hfc0");
    }
  });
  afterAll(async () => {
    await Promise.all(cyclists.map((cyclist) => cyclist.close()));
    echoing?.kill();
    await server?.[Symbol.asyncDispose]();
    places?.[Symbol.dispose]();
    if (scratch !== undefined) rmSync(scratch, { recursive: true, force: true });
  });

  function ride(cycles: number): Promise<BatchReport[]> {
    return Promise.all(cyclists.map((cyclist) => cyclist.ride(cycles)));
  }

  /** What the server says of it, where a cycle failed. */
  async function told<T>(riding: Promise<T>): Promise<T> {
    return riding.catch(async (failure) => {
      const { counters } = await server.status();
      throw new Error(`${failure}\n${JSON.stringify(counters)}\n${await server.log()}`);
    });
  }

  async function noSession(): Promise<void> {
    await until(
      "no session",
      20,
      async () => (await server.sessions()).sessions.length === 0,
    ).catch(async (failure) => {
      const { sessions } = await server.sessions();
      throw new Error(`${failure}\n${JSON.stringify(sessions)}\n${await server.log()}`);
    });
  }

  async function heap(pid: number, nth: number): Promise<Heap> {
    process.kill(pid, "SIGUSR2");
    const lines = () => readFileSync(heapFile, "utf8").split("\n").filter(Boolean);
    await until("a heap sample", 20, () => lines().length > nth);
    return JSON.parse(lines()[nth]!) as Heap;
  }

  test("heap, descriptors, ledger and kernel are flat", { timeout: 1_200_000 }, async () => {
    const { pid } = await server.status();
    await ride(12);
    await noSession();
    const before = await server.held();
    const samples: Point[] = [];
    const causes: Record<string, number> = {};
    let milliseconds = 0;
    for (let batch = 0; batch < BATCHES; batch++) {
      const begun = performance.now();
      for (const report of await told(ride(CYCLES_A_CLIENT))) {
        expect(report.held).toBe(0);
        for (const [cause, times] of Object.entries(report.causes)) {
          causes[cause] = (causes[cause] ?? 0) + times;
        }
      }
      milliseconds += performance.now() - begun;
      await noSession();
      if (batch < WARM_UP_BATCHES) continue;
      const { heapUsed, external } = await heap(pid, samples.length);
      samples.push([(batch + 1) * CYCLES_A_BATCH, heapUsed + external]);
    }
    await server.expectHeld(before);
    // The first collection of this kind gives back what start and warm-up compiled: no measure of a cycle.
    const perCycleOctets = slope(samples.slice(1));
    const perCycle = (milliseconds / BATCHES / CYCLES_A_BATCH).toFixed(1);
    console.info(
      `${BATCHES * CYCLES_A_BATCH} cycles, ${perCycle} ms each; heap after collection ` +
        `${samples.map(([, octets]) => (octets / 1e6).toFixed(2)).join(" ")} MB, ` +
        `growth ${perCycleOctets.toFixed(1)} octets a cycle\n${JSON.stringify(causes, null, 1)}`,
    );
    expect(perCycleOctets).toBeLessThan(GROWTH_OCTETS_A_CYCLE_MAX);
    expect(await server.log()).not.toMatch(/"level":"(error|fatal)"|our bug/);
  });
});
