// The data worker as the running server sees it: kept alive, told the gateway's terms first, its
// losses counted.
import type { Counters } from "../base/counters.js";
import type { Scope } from "../base/scope.js";
import { type Bounds, worker as limits, type plane } from "../limits.js";
import { monotonicNow } from "../os/clock.js";
import type { GreDescriptors } from "../os/gre-socket.js";
import type { GatewayTerms, PlaneCommand, PlaneEvent } from "../wire/worker-link.js";
import { WorkerHost } from "../worker/host.js";

export type DataPathOptions = {
  readonly gre: GreDescriptors;
  readonly tun: number;
  readonly scope: Scope;
  /** Put before the command, to drop privileges. */
  readonly prefix: readonly string[];
  readonly gateway: GatewayTerms;
  readonly limits: Bounds<typeof plane>;
  readonly reasons: Counters;
  readonly onEvent: (event: PlaneEvent) => void;
  /** Every flow is gone with the worker. */
  readonly onLost: (why: string) => void;
  readonly log: {
    warn(fields: Record<string, unknown>, line: string): void;
    error(fields: Record<string, unknown>, line: string): void;
  };
};

export class DataPath {
  readonly #options: DataPathOptions;
  readonly #host: WorkerHost;
  #gateway: GatewayTerms;
  #starts: number[] = [];
  #restarts = 0;
  #stopping = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(options: DataPathOptions) {
    this.#options = options;
    this.#gateway = options.gateway;
    this.#host = new WorkerHost({
      gre: options.gre,
      tun: options.tun,
      scope: options.scope,
      prefix: options.prefix,
      limits: options.limits,
      onEvent: options.onEvent,
      onLost: (why) => this.#lost(why),
    });
  }

  get pid(): number | undefined {
    return this.#host.pid;
  }

  get restarts(): number {
    return this.#restarts;
  }

  get state(): string {
    if (this.#host.running) return "running";
    return this.#retry === undefined ? "stopped" : "waiting to restart";
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
    if (!this.#host.send(command)) this.#options.reasons.add("plane-command-unsent");
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#retry);
    this.#retry = undefined;
    await this.#host.stop();
  }

  #lost(why: string): void {
    const { log, onLost, reasons } = this.#options;
    reasons.add("worker-lost");
    onLost(why);
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
