// One data worker as the running server sees it: kept alive, told the gateway's terms first, its losses
// counted.
import type { Counters } from "../base/counters.js";
import type { Scope } from "../base/scope.js";
import { type Bounds, worker as limits, type plane } from "../limits.js";
import { monotonicNow } from "../os/clock.js";
import type { GreDescriptors } from "../os/gre-socket.js";
import type { RingDescriptors } from "../os/hand-over.js";
import type { GatewayTerms, PlaneCommand, PlaneEvent } from "../wire/worker-link.js";
import type { EngineChoice } from "../worker/engine-choice.js";
import { type Spawn, WorkerHost } from "../worker/host.js";

/** What one worker works on; the descriptors stay the caller's. */
export type WorkerPlace = {
  readonly gre: GreDescriptors;
  readonly tun: number;
  readonly ring: RingDescriptors | undefined;
};

export type WorkerTerms = {
  readonly scope: Scope;
  /** Put before the command, to drop privileges. */
  readonly prefix: readonly string[];
  readonly spawn?: Spawn;
  readonly gateway: GatewayTerms;
  readonly limits: Bounds<typeof plane>;
  readonly engine: EngineChoice;
  readonly reasons: Counters;
  /** The workers' entry, by default the one that belongs to this program. */
  readonly entry?: string;
  readonly log: {
    warn(fields: Record<string, unknown>, line: string): void;
    error(fields: Record<string, unknown>, line: string): void;
  };
};

export type WorkerSnapshot = {
  readonly pid: number;
  readonly state: string;
  readonly restarts: number;
  /** Empty before it said so. */
  readonly engine: string;
  readonly offload: string;
};

export type WorkerUser = {
  readonly onEvent: (event: PlaneEvent) => void;
  /** Every flow of it is gone. */
  readonly onLost: (why: string) => void;
};

const SLOWER =
  "no WebAssembly, or a TUN without virtio headers: data goes through the slower TypeScript engine";

export class WorkerKeeper {
  readonly #terms: WorkerTerms;
  readonly #user: WorkerUser;
  readonly #host: WorkerHost;
  #gateway: GatewayTerms;
  #starts: number[] = [];
  #restarts = 0;
  #stopping = false;
  #retry: NodeJS.Timeout | undefined;
  #ready = { engine: "", offload: "" };

  constructor(place: WorkerPlace, workers: number, terms: WorkerTerms, user: WorkerUser) {
    this.#terms = terms;
    this.#user = user;
    this.#gateway = terms.gateway;
    const { entry, spawn } = terms;
    this.#host = new WorkerHost({
      ...place,
      ...(entry === undefined ? {} : { entry }),
      ...(spawn === undefined ? {} : { spawn }),
      workers,
      scope: terms.scope,
      prefix: terms.prefix,
      limits: terms.limits,
      engine: terms.engine,
      onEvent: (event) => this.#handle(event),
      onLost: (why) => this.#lost(why),
    });
  }

  get state(): string {
    if (this.#host.running) return "running";
    return this.#retry === undefined ? "stopped" : "waiting to restart";
  }

  get snapshot(): WorkerSnapshot {
    const { pid = 0 } = this.#host;
    return { pid, state: this.state, restarts: this.#restarts, ...this.#ready };
  }

  start(): void {
    this.#starts.push(monotonicNow());
    this.#host.start();
    this.#host.send({ kind: "Configure", gateway: this.#gateway });
  }

  configure(gateway: GatewayTerms): void {
    this.#gateway = gateway;
    this.#host.send({ kind: "Configure", gateway });
  }

  /** A command that cannot be sent is counted; the worker's loss ends its flow soon enough. */
  send(command: PlaneCommand): void {
    if (!this.#host.send(command)) this.#terms.reasons.add("plane-command-unsent");
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#retry);
    this.#retry = undefined;
    await this.#host.stop();
  }

  #handle(event: PlaneEvent): void {
    if (event.kind === "Ready") {
      const { engine, offload } = event;
      this.#ready = { engine, offload };
      if (this.#terms.engine === "auto" && engine === "TypeScript") {
        this.#terms.log.warn({}, `${SLOWER}: engine: typescript says that it is meant so`);
      }
    }
    this.#user.onEvent(event);
  }

  #lost(why: string): void {
    const { log, reasons } = this.#terms;
    reasons.add("worker-lost");
    this.#ready = { engine: "", offload: "" };
    this.#user.onLost(why);
    if (this.#stopping) return;
    const minuteAgo = monotonicNow() - 60_000;
    this.#starts = this.#starts.filter((at) => at > minuteAgo);
    const tooOften = this.#starts.length >= limits.restartsPerMinuteMax;
    this.#restarts++;
    if (!tooOften) {
      log.error({ why }, "the data worker was lost, its sessions ended; a new one starts");
      return this.start();
    }
    log.error({ why, restarts: this.#restarts }, "the data worker is lost too often: a pause");
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.start();
    }, 60_000 / limits.restartsPerMinuteMax);
  }
}
