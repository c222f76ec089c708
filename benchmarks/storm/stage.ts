// The stage of a storm benchmark: a server in a namespace, whoever calls it in another, where this thread is too,
// on one cable; the hostile and the honest have addresses of their own, in many networks.
import { type Ipv4, parseIpv4 } from "../../src/base/ip.js";
import type { FilterChoice } from "../../src/daemon/filter-choice.js";
import { type ProcessUsage, treeUsage } from "../../src/os/process-usage.js";
import { TestServer } from "../../test/e2e/harness.js";
import { settled } from "../../test/e2e/settled.js";
import { expectOk, HostNetns } from "../../test/lab/place.js";
import { joined } from "../../test/os/namespace.js";
import { serverProcesses } from "../processes.js";
import { type Inspected, inspectable, inspected } from "../scene.js";

export const SERVER = "198.51.100.1";
const CALLERS = "198.51.100.2";
const HOSTILE = "10.77.0.0";
const HONEST = "10.78.0.0";
const NETWORKS = 16;
const HONEST_ADDRESSES = 64;
const READY_S = 120;

export const credentials = { name: "ann", password: "secret-Pw1" };
export const stormPeers = ["holdfast", "pptpd"] as const;
export type StormPeer = (typeof stormPeers)[number];

/** A server, as far as it can be seen. */
export type Stormed = AsyncDisposable & {
  readonly pid: number;
  /** So far. */
  logged(): Promise<readonly string[]>;
  /** So far, by reason; undefined: it does not count. */
  counters(): Promise<Readonly<Record<string, number>> | undefined>;
  /** Its Node processes; undefined: it has none. */
  readonly inside: Inspected | undefined;
  /** Its data worker's process; undefined: it has none. */
  readonly dataWorker: number | undefined;
};

const addressesFrom = (where: string, networks: number, count: number, first = 1): Ipv4[] => {
  const base = parseIpv4(where)!;
  return Array.from({ length: count }, (_, at) => {
    return base + (at % networks) * 256 + Math.floor(at / networks) + first;
  });
};

export class Stage implements AsyncDisposable {
  readonly server = parseIpv4(SERVER)!;
  readonly honest = addressesFrom(HONEST, NETWORKS, HONEST_ADDRESSES);
  readonly #net = joined([`${SERVER}/24`], [`${CALLERS}/24`]);
  readonly #entered: Disposable;
  #stormed: Stormed | undefined;

  private constructor() {
    const { a, b } = this.#net;
    for (const network of [HOSTILE, HONEST]) {
      a.ip("route", "add", `${network}/16`, "via", CALLERS);
      b.ip("route", "add", "local", `${network}/16`, "dev", "lo");
    }
    this.#entered = b.entered();
  }

  /** Hostile addresses in so many networks, the first of each at `first`. */
  hostile(networks: number, count: number, first = 1): Ipv4[] {
    return addressesFrom(HOSTILE, networks, count, first);
  }

  static async with(peer: StormPeer, filter: FilterChoice): Promise<Stage> {
    const stage = new Stage();
    try {
      await settled(stage.#net.a, stage.#net.b);
      stage.#stormed = await starts[peer](stage.#net.a.name, filter);
      return stage;
    } catch (failure) {
      await stage[Symbol.asyncDispose]();
      throw failure;
    }
  }

  get stormed(): Stormed {
    if (this.#stormed === undefined) throw new Error("no server");
    return this.#stormed;
  }

  /** Of all its processes, now. */
  usage(): ProcessUsage {
    const usage = treeUsage(this.stormed.pid);
    if (usage === undefined) throw new Error("the server is gone");
    return usage;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#stormed?.[Symbol.asyncDispose]();
    } finally {
      this.#entered[Symbol.dispose]();
      this.#net[Symbol.dispose]();
    }
  }
}

/** As it is by default, but for the filter where that is asked, and what its user may have at once. */
async function holdfast(netns: string, filter: FilterChoice): Promise<Stormed> {
  const server = await TestServer.start({
    place: inspectable(netns),
    config: {
      filter,
      addresses: { pool: ["10.99.0.0/22"] },
      client: { dns: [] },
      users: { sessionsPerUser: 250 },
      // Its kernel answers the echoes, as pptpd's does: our own answers are held to a rate.
      network: { reachHost: true },
      log: { format: "json" },
    },
    users: [credentials],
    readyS: READY_S,
  });
  const { pid } = await server.status();
  const inside = await inspected(netns, pid);
  return {
    pid,
    inside,
    dataWorker: serverProcesses(pid).find(({ what }) => what === "data worker")?.pid,
    logged: async () => (await server.log()).split("\n"),
    counters: async () => (await server.status()).counters,
    async [Symbol.asyncDispose]() {
      await inside.main[Symbol.asyncDispose]();
      await inside.worker[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Needs a kernel with PPP: in a guest. */
async function pptpd(netns: string): Promise<Stormed> {
  const place = new HostNetns(netns);
  const { name, password } = credentials;
  await expectOk(place, `server-pptpd mschap-v2 128 ${name} ${password}`);
  const pid = Number(await expectOk(place, "cat /run/pptpd.pid"));
  return {
    pid,
    inside: undefined,
    dataWorker: undefined,
    logged: async () => (await expectOk(place, "cat /run/pppd-server.log")).split("\n"),
    counters: async () => undefined,
    async [Symbol.asyncDispose]() {
      // Its children have their own groups; all of them are in this namespace.
      await place.exec(`kill $(ip netns pids ${netns} | grep -vx $$)`);
    },
  };
}

const starts: Readonly<
  Record<StormPeer, (netns: string, filter: FilterChoice) => Promise<Stormed>>
> = {
  holdfast,
  pptpd,
};
