// The data workers as one data path: a flow lives in the worker that its Call ID falls to, commands go
// there, and what all of them count is one sum.
import { describeOsError, isOsError } from "../os/errors.js";
import type { FlowRef, GatewayTerms, PlaneCommand, PlaneEvent } from "../wire/worker-link.js";
import { EarlyRefusal } from "./early-refusal.js";
import type { RunningServer, StartFault } from "./running-server.js";
import {
  WorkerKeeper,
  type WorkerPlace,
  type WorkerSnapshot,
  type WorkerTerms,
} from "./worker-keeper.js";

export type DataPathOptions = WorkerTerms & {
  /** One worker each; its raw socket takes the Call IDs that leave its place here when divided. */
  readonly places: readonly WorkerPlace[];
  readonly refusal: EarlyRefusal;
  readonly onEvent: (event: PlaneEvent) => void;
  /** A worker is gone, with the flows that were its. */
  readonly onLost: (why: string, wasIts: (flow: FlowRef) => boolean) => void;
};

type Drops = Readonly<Record<string, number>>;

export class DataPath {
  readonly #workers: readonly WorkerKeeper[];
  /** By a flow's slot: which worker has it. */
  readonly #workerOf: number[] = [];
  /** What each worker counted since it started, and all lost ones before. */
  readonly #drops: Drops[];
  #dropsBefore: Drops = {};
  readonly refusal: EarlyRefusal;

  constructor(options: DataPathOptions) {
    const { places, onEvent, onLost } = options;
    this.refusal = options.refusal;
    this.#drops = places.map(() => ({}));
    this.#workers = places.map((place, index) => {
      return new WorkerKeeper(place, places.length, options, {
        onEvent: (event) => {
          onEvent(event.kind === "Counters" ? this.#summed(index, event) : event);
        },
        onLost: (why) => {
          this.#dropsBefore = sum([this.#dropsBefore, this.#drops[index] ?? {}]);
          this.#drops[index] = {};
          const wasIts = ({ slot }: FlowRef) => this.#workerOf[slot] === index;
          this.refusal.handleWorkerLost(wasIts);
          onLost(why, wasIts);
        },
      });
    });
  }

  get workers(): readonly WorkerSnapshot[] {
    return this.#workers.map(({ snapshot }) => snapshot);
  }

  start(): void {
    for (const worker of this.#workers) worker.start();
  }

  configure(gateway: GatewayTerms): void {
    for (const worker of this.#workers) worker.configure(gateway);
  }

  send(command: PlaneCommand): void {
    if (!("flow" in command)) {
      for (const worker of this.#workers) worker.send(command);
      return;
    }
    this.refusal.handle(command);
    const { slot } = command.flow;
    if (command.kind === "Install") this.#workerOf[slot] = command.callId % this.#workers.length;
    this.#workers[this.#workerOf[slot] ?? 0]?.send(command);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.stop()));
  }

  #summed(index: number, event: Extract<PlaneEvent, { kind: "Counters" }>): PlaneEvent {
    this.#drops[index] = event.drops;
    return { ...event, drops: sum([this.#dropsBefore, ...this.#drops]) };
  }
}

/** Counts by name, added up. */
export function sum(all: readonly Drops[]): Drops {
  const total: Record<string, number> = {};
  for (const drops of all) {
    for (const [reason, count] of Object.entries(drops)) {
      total[reason] = (total[reason] ?? 0) + count;
    }
  }
  return total;
}

/** That of a server, not started yet. */
export function dataPathOf(
  running: RunningServer,
  onEvent: (event: PlaneEvent) => void,
): DataPath | StartFault {
  const { config, scope, terms, server, outside } = running;
  const { log } = terms;
  const places = outside.openPlaces(running.network.tunFds, scope);
  if ("remedy" in places) return places;
  const prefix = outside.workerPrefix();
  if (isOsError(prefix)) return { message: describeOsError(prefix), remedy: "install util-linux" };
  const { filter: choice, engine } = config;
  const { watchLink, localAddresses } = outside;
  const xdp = {
    ...{ choice: config.xdp, watchLink, localAddresses, tun: config.network.tun },
    listening: config.listen.addresses,
  };
  const loaded = terms.privileges.filter;
  const table = outside.refusedTable(running.tableOwner);
  return new DataPath({
    ...{ places, scope, prefix, spawn: outside.spawn, engine, onEvent, log },
    refusal: new EarlyRefusal({ choice, loaded, places, scope, log, table, xdp }),
    gateway: running.gatewayTerms(),
    limits: config.limits.plane,
    reasons: server.reasons,
    onLost: (_, wasIts) => running.loop.input((core, now) => core.handleWorkerLost(now, wasIts)),
  });
}
