// The main process's end of a data worker: starts it, talks to it, notices within a second when it is
// gone or stuck, and gives back all it took. Starting anew is the caller's decision.
import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import type { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { lease } from "../base/lease.js";
import type { Scope } from "../base/scope.js";
import { type Bounds, worker as limits, plane } from "../limits.js";
import { monotonicNow } from "../os/clock.js";
import type { GreDescriptors } from "../os/gre-socket.js";
import type { RingDescriptors } from "../os/hand-over.js";
import { threadRun } from "../os/thread-run.js";
import type { PlaneCommand, PlaneEvent } from "../wire/worker-link.js";
import { decodeEvent, encodeCommand } from "../wire/worker-link-codec.js";
import { LinkFramer } from "../wire/worker-link-framer.js";
import type { EngineChoice } from "./engine-choice.js";
import { Silence } from "./silence.js";

/** As node:child_process has it. */
export type Spawn = (
  command: string,
  words: readonly string[],
  options: SpawnOptions,
) => ChildProcess;

export type WorkerHostOptions = {
  readonly spawn?: Spawn;
  /** Open descriptors; they stay the caller's and may serve any number of workers in turn. */
  readonly gre: GreDescriptors;
  readonly tun: number;
  /** Its place among several workers, which are so many; a single one has none. */
  readonly ring?: RingDescriptors | undefined;
  readonly workers?: number;
  /** Every worker's leases live in a child of it; its end kills the worker. */
  readonly scope: Scope;
  readonly onEvent: (event: PlaneEvent) => void;
  /** Once a worker, unless it was stopped: why it is gone. It was killed if need be. */
  readonly onLost: (why: string) => void;
  /** Put before the command, e.g. setpriv and its options to drop privileges. */
  readonly prefix?: readonly string[];
  /** The data path's bounds where a configuration changed them. */
  readonly limits?: Bounds<typeof plane>;
  readonly engine?: EngineChoice;
  /** The worker's entry, by default the one beside this file. */
  readonly entry?: string;
};

const LINK_FD = 3;
const GRE_FD = 4;
const GRE_FRAGMENTABLE_FD = 5;
const TUN_FD = 6;
const RING_PREVIOUS_FD = 7;
const RING_NEXT_FD = 8;
const STDERR_OCTETS_MAX = 2_048;

export class WorkerHost {
  readonly #options: WorkerHostOptions;
  #run: Run | undefined;

  constructor(options: WorkerHostOptions) {
    this.#options = options;
  }

  /** Undefined when no worker runs. */
  get pid(): number | undefined {
    return this.#run?.child.pid;
  }

  get running(): boolean {
    return this.#run !== undefined;
  }

  /** Spawns a worker unless one runs. `Ready` comes as its first event; commands may go before. */
  start(): void {
    if (this.#run !== undefined) return;
    const child = spawnWorker(this.#options);
    if (typeof child === "string") {
      queueMicrotask(() => this.#options.onLost(child));
      return;
    }
    this.#run = new Run(child, this.#options, (why) => {
      this.#run = undefined;
      if (why !== undefined) this.#options.onLost(why);
    });
  }

  /** False when there is no worker, the command is too large, or the worker has stopped reading. */
  send(command: PlaneCommand): boolean {
    return this.#run?.send(command) ?? false;
  }

  /** Ends the worker in order, by force after a while. Resolves once the process is reaped. */
  async stop(): Promise<void> {
    await this.#run?.stop();
  }

  /** SIGKILL; the loss is reported like any other. */
  kill(): void {
    this.#run?.child.kill("SIGKILL");
  }
}

/** One worker process from spawn to reaping. */
class Run {
  readonly #options: WorkerHostOptions;
  readonly #scope: Scope;
  readonly #link: Socket;
  readonly #framer = new LinkFramer(limits.messageOctetsMax);
  readonly #exited: Promise<void>;
  readonly #onEnd: (why: string | undefined) => void;
  #stderr = "";
  #ready = false;
  #ended = false;
  #stopping = false;
  #nonce = 0;
  #timer: NodeJS.Timeout | undefined;
  #armedMs: number = limits.pingEveryMs;
  #tickedAt = monotonicNow();
  readonly #silence = new Silence(this.#tickedAt);

  constructor(
    readonly child: ChildProcess,
    options: WorkerHostOptions,
    onEnd: (why: string | undefined) => void,
  ) {
    this.#options = options;
    this.#onEnd = onEnd;
    this.#scope = options.scope.child(`worker ${this.child.pid ?? "unborn"}`);
    const held = options.scope.ledger.enter("child", this.#scope.owner, `${this.child.pid ?? ""}`);
    this.#exited = new Promise((resolve) => {
      // `error` without a pid: it was never born, and no exit will come.
      const reap = () => {
        options.scope.ledger.leave(held);
        resolve();
      };
      this.child.once("exit", reap);
      this.child.once("error", () => this.child.pid === undefined && reap());
    });
    this.#scope.hold(
      "worker",
      lease(() => {
        if (this.child.exitCode !== null || this.child.signalCode !== null) return;
        options.scope.ledger.returning(held, "killed, not reaped yet");
        this.child.kill("SIGKILL");
        this.#stopping ||= !this.#ended;
        this.#end("its scope ended");
      }),
    );
    this.#link = this.child.stdio[LINK_FD] as Socket;
    this.#scope.hold(
      "socket",
      lease(() => this.#link.destroy()),
      "worker link",
    );
    this.#arm();
    this.#scope.hold(
      "timer",
      lease(() => clearTimeout(this.#timer)),
      "worker ping",
    );
    this.#listen();
  }

  #listen(): void {
    const { child } = this;
    child.once("error", (error) => this.#end(`spawn: ${error.message}`));
    // Not at `exit`: what it wrote last may still have to be read.
    child.once("close", (code, signal) => this.#end(this.#epitaph(signal ?? `exit ${code}`)));
    child.stderr?.on("data", (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString("utf8")).slice(-STDERR_OCTETS_MAX);
    });
    this.#link.on("data", (chunk: Buffer) => this.#read(chunk));
    // Whatever ended it, the child's end or its silence tells.
    this.#link.on("error", () => undefined);
  }

  send(command: PlaneCommand): boolean {
    if (this.#ended) return false;
    const message = encodeCommand(command, limits.messageOctetsMax);
    if (message === undefined) return false;
    if (this.#link.writableLength + message.length > limits.queueOctetsMax) {
      this.#end("does not read its commands");
      return false;
    }
    // What is sent in one turn goes in one write: each would wake the worker up.
    if (this.#link.writableCorked === 0) {
      this.#link.cork();
      process.nextTick(() => this.#link.uncork());
    }
    this.#link.write(message);
    return true;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.send({ kind: "Stop" });
    const timer = setTimeout(() => this.child.kill("SIGKILL"), limits.stopMs);
    await this.#exited;
    clearTimeout(timer);
    this.#end("stopped");
  }

  #read(chunk: Uint8Array): void {
    // No Buffer: its slice() is a view, which would keep the whole chunk.
    this.#framer.push(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length));
    while (!this.#ended) {
      const result = this.#framer.next();
      if (result.kind === "need-more") return;
      if (result.kind === "malformed") return this.#end(`a message of ${result.length} octets`);
      const event = decodeEvent(result.octets);
      if (!event.ok) return this.#end(`malformed event: ${event.field} ${event.found}`);
      this.#hear(event.value);
    }
  }

  #hear(event: PlaneEvent): void {
    if (event.kind === "Pong") {
      // Since its Ping: the clock is not read for each, which some kernels make a system call.
      this.#silence.heard(this.#tickedAt);
      return;
    }
    if (event.kind === "Ready") {
      this.#ready = true;
      this.#silence.heard(monotonicNow());
    }
    this.#options.onEvent(event);
  }

  #arm(): void {
    this.#armedMs = this.#silence.askAgainMs;
    this.#timer = setTimeout(() => this.#tick(), this.#armedMs);
  }

  #tick(): void {
    const now = monotonicNow();
    // A tick that comes late was our own standstill: its Pong may lie unread.
    const late = now - this.#tickedAt > 2 * this.#armedMs;
    this.#tickedAt = now;
    if (late) this.#silence.heard(now);
    if (!this.#ready) {
      if (this.#silence.lastedMs(now) > limits.startMs) return this.#end("not ready in time");
      return this.#arm();
    }
    if (this.#silence.stuck(now, () => threadRun(this.child.pid ?? 0))) {
      return this.#end("no answer to Ping");
    }
    this.#arm();
    this.#nonce = (this.#nonce + 1) >>> 0;
    this.send({ kind: "Ping", nonce: this.#nonce });
  }

  #epitaph(how: string): string {
    const lastLine = this.#stderr.trim().split("\n").slice(-1)[0] ?? "";
    return lastLine === "" ? how : `${how}: ${lastLine}`;
  }

  /** Once: gives all back, kills what still lives, and says so unless it was meant to end. */
  #end(why: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#scope[Symbol.dispose]();
    this.#onEnd(this.#stopping ? undefined : why);
  }
}

/** The child, or why there is none: out of descriptors or processes. */
function spawnWorker(options: WorkerHostOptions): ChildProcess | string {
  const { gre, tun, ring, workers = 1, prefix = [], entry } = options;
  const { engine = "auto", limits: bounds = plane } = options;
  const main = entry ?? fileURLToPath(new URL("./main.js", import.meta.url));
  const command = [
    ...prefix,
    process.execPath,
    main,
    `--link=${LINK_FD}`,
    `--gre=${GRE_FD}`,
    `--gre-fragmentable=${GRE_FRAGMENTABLE_FD}`,
    `--tun=${TUN_FD}`,
    ...(ring === undefined
      ? []
      : [`--ring-previous=${RING_PREVIOUS_FD}`, `--ring-next=${RING_NEXT_FD}`]),
    `--workers=${workers}`,
    `--engine=${engine}`,
    ...changedBounds(bounds),
  ];
  const places = ring === undefined ? [] : [ring.previous, ring.next];
  try {
    const child = (options.spawn ?? spawn)(command[0]!, command.slice(1), {
      stdio: ["ignore", "ignore", "pipe", "pipe", gre.receive, gre.sendNoDf, tun, ...places],
      env: { PATH: process.env.PATH ?? "/usr/sbin:/usr/bin:/sbin:/bin" },
    });
    child.on("error", () => undefined);
    // Node leaves the streams out when it could not even open them.
    return child.stdio?.[LINK_FD] ? child : "spawn: no descriptors left";
  } catch (error) {
    return `spawn: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function changedBounds(bounds: Bounds<typeof plane>): string[] {
  const byDefault: Readonly<Record<string, number>> = plane;
  return Object.entries(bounds)
    .filter(([name, value]) => byDefault[name] !== value)
    .map(([name, value]) => `--${name}=${value}`);
}
