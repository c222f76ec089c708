// node:child_process as the worker host uses it: a process with a real engine behind the real octets of
// its link, which may start late, stall, write nonsense, or die.
import type { ChildProcess } from "node:child_process";
import { EventEmitter } from "node:events";
import type { Chance } from "../../../src/base/chance.js";
import { instant } from "../../../src/base/instant.js";
import { worker as limits } from "../../../src/limits.js";
import type { Sinks } from "../../../src/plane/context.js";
import type { Engine } from "../../../src/plane/engine.js";
import type { PlaneEvent } from "../../../src/wire/worker-link.js";
import {
  decodeCommand,
  encodeEvent,
  LINK_LENGTH_OCTETS,
  LINK_VERSION,
} from "../../../src/wire/worker-link-codec.js";
import { LinkFramer } from "../../../src/wire/worker-link-framer.js";
import { Alarm } from "../alarm.js";
import { DataPath, kernelSinks, SendErrors } from "../data-path.js";
import type { EngineKind } from "../memories.js";
import type { Network } from "../network.js";
import { Pipe } from "../schedule.js";
import type { SimTime } from "./time.js";

export type WorkerSurroundings = {
  readonly time: SimTime;
  readonly network: Network;
  readonly sendErrors: number;
  readonly flows: number;
  readonly engine: EngineKind;
  readonly packet: (packet: Uint8Array) => void;
  /** To the next worker of the ring; false: there is none left to ask. */
  readonly passOn: (packet: Uint8Array, passes: number) => boolean;
  readonly ended: (worker: SimDataWorker) => void;
};

/** What waits in a socket of a worker that does not read. */
const SOCKET_DATAGRAMS = 64;

/** The main process's end of the link. */
class SimLink extends EventEmitter {
  writableCorked = 0;

  constructor(readonly worker: SimDataWorker) {
    super();
  }

  get writableLength(): number {
    return this.worker.unreadOctets;
  }

  cork(): void {
    this.writableCorked++;
  }

  uncork(): void {
    this.writableCorked--;
  }

  write(octets: Uint8Array): boolean {
    this.worker.take(octets.slice());
    return true;
  }

  destroy(): void {
    this.worker.linkClosed();
  }
}

export class SimDataWorker extends EventEmitter {
  readonly stderr = new EventEmitter();
  readonly stdio: readonly unknown[];
  exitCode: number | null = null;
  signalCode: string | null = null;
  unreadOctets = 0;
  readonly #path: DataPath;
  readonly #sendErrors: SendErrors;
  readonly #link = new SimLink(this);
  readonly #framer = new LinkFramer(limits.messageOctetsMax);
  readonly #alarm: Alarm;
  readonly #toMain: Pipe;
  readonly #toWorker: Pipe;
  #linkOpen = true;
  #stalledUntil = 0;
  #held: (() => void)[] = [];
  #datagrams = 0;
  #passes = 0;

  constructor(
    readonly pid: number,
    readonly index: number,
    readonly chance: Chance,
    readonly around: WorkerSurroundings,
  ) {
    super();
    const { schedule } = around.time;
    this.stdio = [null, null, this.stderr, this.#link];
    this.#toMain = new Pipe(schedule);
    this.#toWorker = new Pipe(schedule);
    this.#sendErrors = new SendErrors(chance, around.sendErrors);
    this.#path = new DataPath(around.flows, around.engine, this.#sinks());
    this.#alarm = new Alarm(schedule, {
      pollTimeout: () => {
        const at = this.dead ? undefined : this.engine.pollTimeout();
        return at === undefined ? undefined : instant(Math.max(at, this.#stalledUntil));
      },
      handleTimeout: (now) => this.engine.handleTimeout(now),
    });
    schedule.in(chance.int(10, 400), () =>
      this.#whenAwake(() => {
        // Not which of them: a name of another length would be cut elsewhere on its way.
        this.#tell({ kind: "Ready", version: LINK_VERSION, engine: "simulated", offload: "" });
      }),
    );
  }

  get child(): ChildProcess {
    return this as unknown as ChildProcess;
  }

  get engine(): Engine {
    return this.#path.engine;
  }

  get dead(): boolean {
    return this.exitCode !== null || this.signalCode !== null;
  }

  get stalled(): boolean {
    return this.#stalledUntil > this.around.time.schedule.now;
  }

  kill(signal = "SIGTERM"): boolean {
    // SIGTERM is ignored there: the main process decides, through Stop or by closing.
    if (signal !== "SIGKILL" || this.dead) return false;
    this.#die(null, signal);
    return true;
  }

  crash(code: number): void {
    if (this.dead) return;
    this.stderr.emit("data", Buffer.from("data worker: simulated\n"));
    this.#die(code, null);
  }

  stall(ms: number): void {
    const { schedule } = this.around.time;
    if (this.dead || this.stalled) return;
    this.#stalledUntil = schedule.now + ms;
    schedule.in(ms, () => this.#wake());
  }

  /** A worker that somebody took over: the main process must not believe it. */
  rave(): void {
    if (!this.dead) this.#write(this.chance.octets(this.chance.int(1, 80)));
  }

  /** Octets of commands, cut as a socket cuts them. */
  take(octets: Uint8Array): void {
    if (this.dead) return;
    this.unreadOctets += octets.length;
    this.#toWorker.in(this.chance.int(0, 2), () =>
      this.#whenAwake(() => {
        this.unreadOctets -= octets.length;
        const cut = this.chance.happens(0.2) ? this.chance.int(0, octets.length) : 0;
        this.#read(octets.subarray(0, cut));
        this.#read(octets.subarray(cut));
      }),
    );
  }

  linkClosed(): void {
    if (!this.#linkOpen) return;
    this.#linkOpen = false;
    if (!this.dead) this.#toWorker.in(1, () => this.#whenAwake(() => this.#die(0, null)));
  }

  datagram(octets: Uint8Array): void {
    if (this.dead || (this.stalled && this.#datagrams >= SOCKET_DATAGRAMS)) return;
    this.#datagrams++;
    this.#whenAwake(() => {
      this.#datagrams--;
      this.#path.datagram(octets, this.around.time.schedule.now);
    });
  }

  tunPacket(octets: Uint8Array, passes = 0): void {
    if (this.dead) return;
    this.#whenAwake(() => {
      this.#passes = passes;
      this.#path.packet(octets, this.around.time.schedule.now);
      this.#passes = 0;
    });
  }

  #sinks(): Sinks {
    const { network, time, packet } = this.around;
    return {
      ...kernelSinks(network, time.schedule, this.#sendErrors, packet),
      passOn: (octets, start, end) =>
        this.around.passOn(octets.slice(start, end), this.#passes + 1),
      emit: (event) => this.#tell(event),
    };
  }

  #read(octets: Uint8Array): void {
    if (octets.length === 0) return;
    this.#framer.push(octets);
    while (!this.dead) {
      const result = this.#framer.next();
      if (result.kind === "need-more") return;
      if (result.kind === "malformed") throw new Error("the main process wrote nonsense");
      const command = decodeCommand(result.octets);
      if (!command.ok) throw new Error(`the main process wrote a malformed ${command.field}`);
      if (command.value.kind === "Stop") return this.#die(0, null);
      this.engine.handleCommand(command.value, this.around.time.schedule.now);
    }
  }

  #tell(event: PlaneEvent): boolean {
    const message = encodeEvent(event, limits.messageOctetsMax);
    if (message === undefined) return false;
    if (message.length < LINK_LENGTH_OCTETS) throw new Error("a message without its length");
    this.#write(message);
    return true;
  }

  #write(octets: Uint8Array): void {
    if (!this.#linkOpen) return;
    const whole = this.chance.happens(0.8);
    const cut = whole ? octets.length : this.chance.int(0, octets.length);
    for (const piece of [octets.slice(0, cut), octets.slice(cut)]) {
      if (piece.length === 0) continue;
      this.#toMain.in(
        this.chance.int(0, 2),
        () => this.#linkOpen && this.#link.emit("data", piece),
      );
    }
  }

  #whenAwake(run: () => void): void {
    if (this.dead) return;
    if (this.stalled || this.#held.length > 0) {
      this.#held.push(run);
      return;
    }
    run();
    this.#alarm.arm();
  }

  #wake(): void {
    for (let run = this.#held.shift(); run !== undefined; run = this.#held.shift()) {
      if (this.dead) return;
      run();
    }
    this.#alarm.arm();
  }

  /** What it wrote is still read; then the process is reaped, and its ends close. */
  #die(code: number | null, signal: string | null): void {
    if (this.dead) return;
    const { time, ended } = this.around;
    this.exitCode = code;
    this.signalCode = signal;
    this.#held = [];
    this.#path.close();
    ended(this);
    // Exit and close are two things: the one may come well before the other.
    time.in(this.chance.int(0, 3), () => this.emit("exit", code, signal));
    this.#toMain.in(this.chance.int(3, 20), () => {
      time.woken = true;
      this.#linkOpen = false;
      this.emit("close", code, signal);
    });
  }
}
