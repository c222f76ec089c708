// The machine a simulated server runs on: its kernel, its hooks and its processes, each borrowable
// thing counted, each call late and now and then refused.
import type { Chance } from "../../../src/base/chance.js";
import type { Ipv4 } from "../../../src/base/ip.js";
import type { BlockTable } from "../../../src/daemon/blocking.js";
import type { HostNetwork, NetworkTerms } from "../../../src/daemon/network.js";
import type { Outside } from "../../../src/daemon/outside.js";
import { type OsError, osError } from "../../../src/os/errors.js";
import type { HookResult, HookRunner } from "../../../src/os/hook-runner.js";
import { read16 } from "../../../src/wire/ip-octets.js";
import type { EngineKind } from "../memories.js";
import type { Network } from "../network.js";
import { SimDataWorker } from "./data-worker.js";
import { SimListeners } from "./sockets.js";
import type { SimTime } from "./time.js";

/** Where a start fails. */
export const START_FAULTS = ["network", "places", "admin", "listen", "rules"] as const;
export type StartFault = (typeof START_FAULTS)[number];

export type MachineTerms = {
  readonly time: SimTime;
  readonly chance: Chance;
  readonly network: Network;
  readonly addresses: readonly Ipv4[];
  readonly sendErrors: number;
  readonly startFault: StartFault | undefined;
  /** Of calls to the kernel that may fail without the server's end. */
  readonly troubles: number;
  /** Of the data workers. */
  readonly engine: EngineKind;
};

const FAULT = { message: "simulated", remedy: "none" };
const FLOWS = 2_048;

export class Machine {
  readonly listeners: SimListeners;
  readonly workers = new Map<number, SimDataWorker>();
  /** Packets that came out of sessions. */
  packet: (packet: Uint8Array) => void = () => {};
  /** What is lent out, by kind: nothing at the end. */
  readonly lent: Record<string, number> = {};
  /** ip-up without its ip-down yet, by session. */
  readonly up = new Map<string, string>();
  hooksRun = 0;
  spawned = 0;
  /** Of the server's process so far. */
  processorMs = 0;
  readonly hookFaults: string[] = [];
  #linkChanged: () => void = () => {};
  #tunThere = true;

  constructor(readonly terms: MachineTerms) {
    const { time, startFault } = terms;
    this.listeners = new SimListeners(time, () =>
      startFault === "listen" ? "EADDRINUSE" : undefined,
    );
  }

  readonly hooks: Pick<HookRunner, "run"> = {
    run: ({ env }) =>
      this.#later(
        (resolve: (result: HookResult) => void) => {
          this.#hook(env);
          const { chance } = this.terms;
          resolve(
            chance.happens(0.95)
              ? {
                  kind: "Exited",
                  code: chance.happens(0.95) ? 0 : 1,
                  signal: undefined,
                  output: "",
                  ms: 1,
                }
              : { kind: "TimedOut", output: "" },
          );
        },
        0,
        800,
      ),
  };

  get outside(): Outside {
    const { chance, addresses, startFault } = this.terms;
    return {
      rng: () => chance.fork().rng(),
      addresses: () => ({ ipv4: addresses, ipv6: [] }),
      localAddresses: () => [],
      nameServers: () => [0x0a000035],
      processorMs: () => this.processorMs,
      diskFreePercent: () => 50,
      network: (terms) => this.#network(terms),
      watchLink: (_name, changed) => {
        this.#linkChanged = changed;
        return this.#lend("link watch");
      },
      blockTable: () => this.#blockTable(),
      refusedTable: () => undefined,
      createServer: this.listeners.createServer,
      openPlaces: (tunFds, scope) => {
        if (startFault === "places") return FAULT;
        return tunFds.map((tun) => {
          scope.hold("socket", this.#lend("GRE socket"), "GRE");
          return { gre: { receive: 10 + tun, sendNoDf: 20 + tun }, tun, ring: undefined };
        });
      },
      workerPrefix: () => [],
      spawn: (_command, _words, { stdio }) => this.#spawn(Number((stdio as readonly unknown[])[6])),
      openAdminSocket: async () => {
        if (startFault === "admin") return { ok: false, ...FAULT };
        const lent = this.#lend("admin socket");
        return { ok: true, admin: { close: async () => lent[Symbol.dispose]() } };
      },
    };
  }

  /** A GRE datagram at one of our addresses: to the worker whose share of the Call IDs it is. */
  datagram(octets: Uint8Array): void {
    const workers = [...this.workers.values()];
    const callId = octets.length >= 28 ? read16(octets, 26) : 0;
    const share = new Set(workers.map(({ index }) => index)).size;
    for (const worker of workers) {
      if (share === 1 || callId % share === worker.index) worker.datagram(octets);
    }
  }

  /** The kernel routes a packet to one of the TUN's queues. */
  tunPacket(octets: Uint8Array): void {
    const workers = [...this.workers.values()];
    if (workers.length > 0) this.terms.chance.of(workers).tunPacket(octets);
  }

  /** Somebody deletes the TUN, or sets it down. */
  disturbTun(): void {
    this.#tunThere = this.terms.chance.happens(0.5);
    this.#linkChanged();
    this.terms.time.woken = true;
  }

  #lend(what: string): Disposable {
    this.lent[what] = (this.lent[what] ?? 0) + 1;
    let out = true;
    return {
      [Symbol.dispose]: () => {
        if (!out) return;
        out = false;
        this.lent[what]!--;
      },
    };
  }

  /** What the kernel or a child answers after a while. */
  #later<T>(give: (resolve: (value: T) => void) => void, least: number, most: number): Promise<T> {
    const { time, chance } = this.terms;
    return new Promise((resolve) => time.in(chance.int(least, most), () => give(resolve)));
  }

  #answer<T>(value: () => T): Promise<T> {
    return this.#later<T>((resolve) => resolve(value()), 0, 30);
  }

  #fault(call: string): OsError | undefined {
    const { chance, troubles } = this.terms;
    return chance.happens(troubles) ? osError(call, "EBUSY") : undefined;
  }

  #spawn(tun: number): ReturnType<Outside["spawn"]> {
    const { time, chance, network, sendErrors, troubles, engine } = this.terms;
    if (chance.happens(troubles)) throw new Error("EAGAIN");
    const pid = 1_000 + ++this.spawned;
    const worker = new SimDataWorker(pid, tun, chance.fork(), {
      ...{ time, network, sendErrors, flows: FLOWS, engine },
      packet: (packet) => this.packet(packet),
      passOn: (packet, passes) => this.#passOn(tun, packet, passes),
      ended: ({ pid: ended }) => void this.workers.delete(ended),
    });
    this.workers.set(pid, worker);
    return worker.child;
  }

  #passOn(from: number, packet: Uint8Array, passes: number): boolean {
    const workers = [...this.workers.values()];
    if (passes >= workers.length) return false;
    const next = workers.find(({ index }) => index === (from + 1) % workers.length);
    this.terms.time.schedule.in(0, () => next?.tunPacket(packet, passes));
    return next !== undefined;
  }

  #hook(env: Readonly<Record<string, string>>): void {
    this.hooksRun++;
    const session = env.HOLDFAST_SESSION ?? "";
    const address = env.HOLDFAST_FRAMED_ADDRESS ?? "";
    // They are children of a moment: the one of the end may overtake that of the beginning.
    const other = this.up.get(session);
    if (other === undefined) this.up.set(session, address);
    else if (other === address) this.up.delete(session);
    else this.hookFaults.push(`session ${session}: ${other} became ${address}`);
  }

  #network({ config, ledger }: NetworkTerms): HostNetwork {
    const { startFault } = this.terms;
    const held = [] as ReturnType<typeof ledger.enter>[];
    const fds = Array.from({ length: config.workers }, (_, index) => index);
    const network: HostNetwork = {
      tunFds: fds,
      natState: "off",
      tunFault: undefined,
      tunMissing: false,
      tunState: "up",
      up: () =>
        this.#answer(() => {
          if (startFault === "network") return FAULT;
          held.push(ledger.enter("tun", "network", "simulated"));
          return startFault === "rules" ? FAULT : undefined;
        }),
      applyRules: () => this.#answer(() => (this.#fault("nft") ? FAULT : undefined)),
      mendTun: () =>
        this.#answer(() => {
          if (this.#fault("ip")) return FAULT;
          const lacked = this.#tunThere ? ["link set up"] : [];
          this.#tunThere = true;
          return { lacked };
        }),
      add: (_prefixes, session) =>
        this.#answer(() => {
          if (this.#fault("ip")) return undefined;
          const lent = this.#lend("route");
          const entry = ledger.enter("kernelRoute", `session ${session}`, "simulated");
          return {
            [Symbol.dispose]: () => {
              ledger.returning(entry, "ip route delete");
              void this.#answer(() => {
                lent[Symbol.dispose]();
                ledger.leave(entry);
              });
            },
          };
        }),
      down: () =>
        this.#answer(() => {
          for (const entry of held.splice(0)) ledger.leave(entry);
        }),
    };
    return network;
  }

  #blockTable(): BlockTable {
    let lent: Disposable | undefined;
    return {
      name: "holdfast-simulated-blocks",
      left: () => this.#answer(() => false),
      begin: () =>
        this.#answer(() => {
          const fault = this.#fault("nft");
          if (fault === undefined) lent = this.#lend("nft table");
          return fault;
        }),
      change: () => this.#answer(() => this.#fault("nft")),
      end: () =>
        this.#answer(() => {
          lent?.[Symbol.dispose]();
          return undefined;
        }),
      dropped: () => this.#answer(() => [0, 0] as const),
    };
  }
}
