// One simulated run of a whole server: its daemon as it is, from its start to its end, on a machine
// whose sockets, processes, store and clock are the simulation's; callers good and hostile, a network
// that spoils what it carries, and what befalls a machine. Wholly determined by its seed.
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Chance } from "../../../src/base/chance.js";
import { formatIpv4, type Ipv4 } from "../../../src/base/ip.js";
import { loadConfig } from "../../../src/daemon/config/load.js";
import { Log } from "../../../src/daemon/log.js";
import { strangersLines } from "../../../src/daemon/log-budget.js";
import { RunningServer } from "../../../src/daemon/running-server.js";
import { statePaths } from "../../../src/daemon/state-directory.js";
import type { Store } from "../../../src/store/port.js";
import { openStore } from "../../../src/store/sqlite-store.js";
import { read16, read32 } from "../../../src/wire/ip-octets.js";
import { tagOf } from "../../plane/pair.js";
import { FORGED, Network } from "../network.js";
import { Schedule } from "../schedule.js";
import type { SpoilCount } from "../stream.js";
import { Caller, TAG_AT } from "./caller.js";
import { type Checked, checkClosed, checkEnd, checkStep, checkWhole } from "./checks.js";
import { Machine } from "./machine.js";
import { drawPlan, type Plan } from "./plan.js";
import { SimTables, StoreWeather } from "./store-thread.js";
import { forge, type StrangerSurroundings, talk } from "./strangers.js";
import { SimTime } from "./time.js";
import { befall } from "./woes.js";

const SERVERS: readonly Ipv4[] = [0xc6120101, 0xc6120102];
const FIRST_CALLER: Ipv4 = 0x0b000001;
const FIRST_STRANGER: Ipv4 = 0x0c000001;
const CONNECTIONS_MAX = 512;
const AT_ONCE_MAX = 50_000;
const WHOLE_EVERY = 1_000;
const SEEN_MAX = 64;

export type Outcome = {
  readonly digest: string;
  readonly steps: number;
  readonly logIns: number;
  readonly calls: number;
  readonly delivered: number;
  readonly ended: Readonly<Record<string, number>>;
  readonly hostile: number;
  /** Octets changed in, and cut ends of, control connections. */
  readonly flips: number;
  readonly cuts: number;
};

export class WholeWorld {
  readonly schedule = new Schedule();
  readonly time = new SimTime(this.schedule);
  readonly chance: Chance;
  readonly plan: Plan;
  readonly network: Network;
  readonly machine: Machine;
  readonly tables = new SimTables();
  readonly weather: StoreWeather;
  readonly lines = new Map<string, number>();
  readonly callers = new Set<Caller>();
  readonly results: string[] = [];
  /** Of control connections. */
  readonly spoilt: SpoilCount = { flips: 0, cuts: 0 };
  readonly configFile: string;
  running!: RunningServer;
  store!: Store;
  stopping = false;
  readonly #spoiltAddresses = new Set<string>();
  #seen: Uint8Array[] = [];
  #lastTag = new Map<string, number>();
  #nextTag = 1;
  #delivered = 0;
  #calls = 0;
  #hostile = 0;
  #steps = 0;
  #atOnce = 0;
  #ourBug: string | undefined;

  constructor(
    seed: number,
    callers: number,
    readonly directory: string,
    /** What a test makes of the plan that was drawn. */
    altered: (plan: Plan) => Plan = (plan) => plan,
  ) {
    this.chance = new Chance(seed);
    const { schedule, time, chance } = this;
    this.plan = altered(drawPlan(chance.fork(), callers));
    this.configFile = join(directory, "holdfast.yaml");
    const { path, sendErrors, startFault, troubles, engine } = this.plan;
    this.network = new Network(schedule, chance.fork(), path);
    this.machine = new Machine({
      ...{ time, network: this.network, addresses: SERVERS, sendErrors, startFault, troubles },
      engine,
      chance: chance.fork(),
    });
    this.network.framedOf = (outer) => {
      for (const { address, host } of this.callers) {
        if (address === outer) return host.framedAddress;
      }
      return undefined;
    };
    this.weather = new StoreWeather(time, chance.fork(), this.tables);
    this.machine.packet = (packet) => this.#outOfServer(packet);
    for (const address of SERVERS) {
      this.network.attach(address, (datagram) => this.#inOfServer(datagram));
    }
  }

  /** Throws what is wrong. */
  async run(): Promise<Outcome> {
    using _time = this.time;
    let over = false;
    let closed = false;
    let failure: unknown;
    this.#life().then(
      () => {
        over = true;
      },
      (error: unknown) => {
        failure = error ?? new Error("rejected");
      },
    );
    while (failure === undefined && this.schedule.next !== undefined) {
      this.#step();
      await this.time.settle();
      if (this.#ourBug !== undefined) throw new Error(this.#ourBug);
      if (over && !closed) checkClosed(this.#checked);
      closed = over;
      if (over || this.running === undefined) continue;
      checkStep(this.#checked);
      if (this.#steps % WHOLE_EVERY === 0) checkWhole(this.#checked);
      this.#checkNetwork();
    }
    if (failure !== undefined) throw failure;
    if (!over) throw new Error("nothing is left to happen, and the server has not ended");
    checkEnd(this.#checked, this.#storeIsWhole);
    this.#checkOthers();
    for (const caller of this.callers) throw new Error(`${formatIpv4(caller.address)} goes on`);
    return this.#outcome();
  }

  #step(): void {
    const { schedule } = this;
    const { now } = schedule;
    schedule.step();
    this.#steps++;
    this.#atOnce = schedule.now > now ? 0 : this.#atOnce + 1;
    if (this.#atOnce > AT_ONCE_MAX) throw new Error(`${AT_ONCE_MAX} steps and no time passes`);
  }

  get #checked(): Checked {
    const { running, machine, time, tables } = this;
    return { running, machine, time, tables };
  }

  /** Nothing of accounting was given up, which is counted when it is. */
  get #storeIsWhole(): boolean {
    const lost = ["start", "interim", "stop"].some((what) =>
      this.running.server.reasons.get(`accounting-${what}-lost`),
    );
    return !lost;
  }

  async #life(): Promise<void> {
    const { plan, directory, configFile, time, weather, tables } = this;
    writeFileSync(configFile, plan.config);
    for (const one of plan.accounts) tables.accounts.set(one.account.name, { ...one });
    const loaded = loadConfig(plan.config, configFile);
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    const { config } = loaded;
    const paths = statePaths(directory);
    const opened = await openStore({
      ...{ databasePath: paths.database, keyPath: paths.keyFile },
      startThread: weather.startThread,
    });
    if (!opened.ok) throw new Error(opened.message);
    this.store = opened.store;
    using log = new Log({
      ...{ level: "info", format: "json", clock: () => this.schedule.now },
      linesPerMinute: config.limits.admin.logLinesPerMinute,
      strangersLinesPerMinute: strangersLines(config.limits.admin),
      sourcesMax: config.limits.guard.sourcesMax,
      destination: { isTerminal: false, write: (line) => this.#line(line), flush: () => {} },
    });
    const how = { how: "own-user" as const, uid: 0, why: "", tunDevices: [], filter: undefined };
    this.running = new RunningServer(
      {
        ...{ config, configFile, paths, log, version: "simulated", tunDevices: [], warnings: [] },
        store: this.store,
        privileges: { ...how, hooks: undefined },
        hooks: this.machine.hooks,
        connectionsMax: CONNECTIONS_MAX,
        descriptorsMax: 1_024,
      } as ConstructorParameters<typeof RunningServer>[0],
      this.machine.outside,
    );
    const fault = await this.running.start();
    if (fault === undefined) {
      this.#begin();
      await new Promise<void>((resolve) => time.in(plan.lastsMs, resolve));
      await this.#stop();
    } else if (plan.startFault === undefined && plan.troubles === 0) {
      throw new Error(`no start: ${fault.message}`);
    }
    await this.store.close();
  }

  async #stop(): Promise<void> {
    this.stopping = true;
    const { impatientMs } = this.plan;
    if (impatientMs !== undefined) this.time.in(impatientMs, () => this.running.stopAtOnce());
    await this.running.stop();
  }

  #begin(): void {
    const { schedule, plan, chance } = this;
    const strangers: StrangerSurroundings = {
      ...{ schedule, network: this.network, servers: SERVERS, latencyMs: plan.path.latencyMs },
      chance: chance.fork(),
      connect: (...ends) => this.#connect(...ends),
      anybody: () => {
        const some = [...this.callers];
        return some.length === 0 ? FIRST_CALLER : strangers.chance.of(some).address;
      },
    };
    for (const [index, caller] of plan.callers.entries()) {
      schedule.in(caller.atMs, () => this.#call(index));
    }
    for (const [index, { atMs, talk: kind }] of plan.talks.entries()) {
      schedule.in(atMs, () => {
        this.#hostile++;
        const own = strangers.chance.happens(0.8);
        talk(kind, own ? FIRST_STRANGER + (index << 4) : strangers.anybody(), strangers);
      });
    }
    for (const { atMs, packets } of plan.forgeries) {
      schedule.in(atMs, () => {
        this.#hostile++;
        forge(packets, this.#seen, strangers);
      });
    }
    for (const { atMs, woe } of plan.woes) {
      this.time.in(atMs, () => this.stopping || befall(this, woe));
    }
  }

  #call(index: number): void {
    if (this.stopping) return;
    const { schedule, network, plan, chance } = this;
    const caller = new Caller(plan.callers[index]!, FIRST_CALLER + index * 7, chance.fork(), {
      ...{ schedule, network, servers: SERVERS, sendErrors: plan.sendErrors },
      ...{ engine: plan.engine, spoilt: this.spoilt },
      latencyMs: plan.path.latencyMs,
      connect: (...ends) => this.#connect(...ends),
      nextTag: () => this.#nextTag++,
      tunPacket: (packet) => this.machine.tunPacket(packet),
      endAsOperator: (user) => void this.running.operator.disconnect({ user }),
      delivered: (one, packet) => this.#outOfCaller(one, packet),
      stopping: () => this.stopping,
    });
    this.callers.add(caller);
    if (caller.plan.spoils !== undefined) this.#spoiltAddresses.add(formatIpv4(caller.address));
    if (caller.plan.mangles > 0) network.spoil(caller.address, caller.plan.mangles);
    caller.done = () => {
      this.callers.delete(caller);
      const malformed = caller.host.results.some(({ cause }) => cause === "control-malformed");
      if (malformed && caller.plan.spoils === undefined) {
        throw new Error(`${caller.plan.name} could not read an answer that nobody spoilt`);
      }
      this.#calls += caller.host.results.length;
      this.results.push(
        `${index} ${caller.host.results.map(({ cause, wasUp }) => `${cause} ${wasUp}`).join(", ")}`,
      );
      const { size } = caller.host.ledger;
      if (size > 0) throw new Error(`caller ${index} holds ${size}`);
    };
    caller.dial();
  }

  /** A wish of the operator's, which never fails by an exception. */
  settled(wish: Promise<unknown>, what: string): void {
    wish.catch((error: unknown) => {
      this.#ourBug = `${what}: ${String(error)}`;
    });
  }

  #connect(...ends: Parameters<Machine["listeners"]["connect"]>): boolean {
    return this.machine.listeners.connect(...ends);
  }

  #line(line: string): void {
    const { level, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
    const key = `${level} ${String(msg).replace(/\d+/g, "N")}`;
    this.lines.set(key, (this.lines.get(key) ?? 0) + 1);
    if (msg === "our bug" || msg === "not everything could be given back") {
      this.#ourBug = `${msg}: ${JSON.stringify(fields)}`;
    }
  }

  #inOfServer(datagram: Uint8Array): void {
    const at = this.#steps % SEEN_MAX;
    if (datagram.length > 20) this.#seen[Math.min(at, this.#seen.length)] = datagram.slice(20);
    this.machine.datagram(datagram);
  }

  #outOfServer(packet: Uint8Array): void {
    if (packet[0]! >>> 4 === 4) this.#deliver(`up ${read32(packet, 12)}`, packet);
  }

  #outOfCaller(caller: Caller, packet: Uint8Array): void {
    if (packet[0]! >>> 4 !== 4) return;
    const destination = read32(packet, 16);
    const { framedAddress } = caller.host;
    const spoilt = this.network.corrupted > 0;
    if (framedAddress !== undefined && framedAddress !== destination && !spoilt) {
      throw new Error(`${caller.plan.name} was given a packet for another`);
    }
    this.#deliver(`down ${destination}`, packet);
  }

  #deliver(direction: string, packet: Uint8Array): void {
    const tag = tagOf(packet);
    const { encrypted } = this.plan;
    if (encrypted && tag === FORGED) throw new Error("plaintext was taken, encryption is required");
    if (read16(packet, 2) !== packet.length) throw new Error("a packet was delivered cut off");
    this.#delivered++;
    // Spoilt on its way, which nothing of PPTP notices: RC4 has no integrity, plaintext less.
    if (packet.length < TAG_AT + 4 || read32(packet, TAG_AT) !== tag) return;
    if (this.network.corrupted > 0) return;
    const last = this.#lastTag.get(direction) ?? 0;
    if (tag <= last) throw new Error(`${direction}: ${tag} came out after ${last}`);
    this.#lastTag.set(direction, tag);
  }

  /** Whoever's octets were spoilt: nobody else's session ended by that. */
  #checkOthers(): void {
    for (const { record, ended } of this.tables.sessions.values()) {
      if (ended === "control-malformed" && !this.#spoiltAddresses.has(record.peerAddress)) {
        throw new Error(`${record.name} ended as malformed, whose octets nobody spoilt`);
      }
    }
  }

  #checkNetwork(): void {
    if (this.plan.encrypted && this.network.plaintext > 0) {
      throw new Error("data was sent in the clear where encryption is required");
    }
  }

  #outcome(): Outcome {
    const { running, tables, machine, lines, results } = this;
    const ended: Record<string, number> = {};
    for (const { ended: cause } of tables.sessions.values()) {
      ended[cause ?? "none"] = (ended[cause ?? "none"] ?? 0) + 1;
    }
    const state = {
      sessions: [...tables.sessions.values()].map(
        ({ record: { startedAt: _, ...record }, ended }) => ({
          ...record,
          ended,
        }),
      ),
      incidents: [...tables.incidents.keys()],
      blocks: [...tables.blocks.values()].map(({ source, reason, times }) => [
        source,
        reason,
        times,
      ]),
      reasons: running.server.reasons.snapshot(),
      counts: running.counts,
      lines: [...lines],
      ...{ results, hooks: machine.hooksRun, spawned: machine.spawned },
      ...{ delivered: this.#delivered, steps: this.#steps, spoilt: this.spoilt },
    };
    return {
      digest: createHash("sha256").update(JSON.stringify(state)).digest("hex").slice(0, 16),
      ...{ steps: this.#steps, logIns: running.counts.logIns, calls: this.#calls, ended },
      ...{ delivered: this.#delivered, hostile: this.#hostile, ...this.spoilt },
    };
  }
}
