// A data worker: a real engine behind the real codec of its link, which may stall, or die.

import type { Chance } from "../../src/base/chance.js";
import { type Instant, instant } from "../../src/base/instant.js";
import { worker as limits } from "../../src/limits.js";
import type { Engine } from "../../src/plane/engine.js";
import type { GatewayTerms, PlaneCommand, PlaneEvent } from "../../src/wire/worker-link.js";
import {
  decodeCommand,
  decodeEvent,
  encodeCommand,
  encodeEvent,
  LINK_LENGTH_OCTETS,
} from "../../src/wire/worker-link-codec.js";
import { DataPath, kernelSinks, SendErrors } from "./data-path.js";
import type { EngineKind } from "./memories.js";
import type { Network } from "./network.js";
import { Pipe, type Schedule } from "./schedule.js";

export type WorkerUser = {
  event(event: PlaneEvent): void;
  lost(): void;
  /** A packet that came out of a session. */
  packet(packet: Uint8Array): void;
};

/** Datagrams that wait in the socket of a worker that does not read. */
const SOCKET_DATAGRAMS = 64;

export class SimWorker {
  #path: DataPath | undefined;
  readonly #sendErrors: SendErrors;
  #toWorker: Pipe;
  #toMain: Pipe;
  #life = 0;
  #stalledUntil: Instant = instant(0);
  #held: (() => void)[] = [];
  #datagrams = 0;
  losses = 0;
  /** After whatever may have moved its deadline. */
  touched: () => void = () => {};
  unsent = 0;

  constructor(
    readonly schedule: Schedule,
    readonly chance: Chance,
    readonly network: Network,
    readonly gateway: GatewayTerms,
    sendErrors: number,
    readonly user: WorkerUser,
    readonly flows = 1024,
    readonly kind: EngineKind = "typescript",
  ) {
    this.#sendErrors = new SendErrors(chance, sendErrors);
    this.#toWorker = new Pipe(schedule);
    this.#toMain = new Pipe(schedule);
    this.#start();
  }

  get engine(): Engine | undefined {
    return this.#path?.engine;
  }

  get stalled(): boolean {
    return this.#stalledUntil > this.schedule.now;
  }

  pollTimeout(): Instant | undefined {
    const at = this.engine?.pollTimeout();
    if (at === undefined) return undefined;
    return instant(Math.max(at, this.#stalledUntil));
  }

  handleTimeout(now: Instant): void {
    if (!this.stalled) this.engine?.handleTimeout(now);
  }

  send(command: PlaneCommand): void {
    if (this.#path === undefined) {
      this.unsent++;
      return;
    }
    const octets = encodeCommand(command, limits.messageOctetsMax);
    if (octets === undefined) throw new Error(`a ${command.kind} too large for the link`);
    const read = decodeCommand(octets.subarray(LINK_LENGTH_OCTETS));
    if (!read.ok) throw new Error(`our ${command.kind} is malformed: ${read.field}`);
    this.#inLife(this.#toWorker, () => {
      this.engine?.handleCommand(read.value, this.schedule.now);
    });
  }

  datagram(octets: Uint8Array): void {
    if (this.stalled && this.#datagrams >= SOCKET_DATAGRAMS) return;
    this.#datagrams++;
    this.#whenAwake(() => {
      this.#datagrams--;
      this.#path?.datagram(octets, this.schedule.now);
    });
  }

  /** The kernel routes a packet into the TUN. */
  packet(octets: Uint8Array): void {
    this.#whenAwake(() => {
      this.#path?.packet(octets, this.schedule.now);
    });
  }

  /** Nothing is done for so long; longer than a Ping may wait, and it is killed. */
  stall(ms: number): void {
    if (this.#path === undefined || this.stalled) return;
    this.#stalledUntil = instant(this.schedule.now + ms);
    const life = this.#life;
    if (ms > limits.pongMs) {
      this.schedule.in(limits.pongMs + this.chance.int(0, limits.pingEveryMs), () => {
        if (life === this.#life) this.lose();
      });
    } else {
      this.schedule.in(ms, () => life === this.#life && this.#wake());
    }
  }

  /** SIGKILL: what it wrote is still read, what it was sent is not. */
  lose(): void {
    if (this.#path === undefined) return;
    this.close();
    this.losses++;
    this.#held = [];
    this.#datagrams = 0;
    this.#stalledUntil = instant(0);
    this.#toMain.in(this.chance.int(0, 5), () => {
      this.user.lost();
      this.#start();
    });
  }

  /** For good, unless it is started again. */
  close(): void {
    if (this.#path === undefined) return;
    this.#path.close();
    this.#path = undefined;
    this.#life++;
  }

  #start(): void {
    const { network, schedule } = this;
    this.#path = new DataPath(this.flows, this.kind, {
      ...kernelSinks(network, schedule, this.#sendErrors, (packet) => this.user.packet(packet)),
      emit: (event) => this.#emit(event),
    });
    this.send({ kind: "Configure", gateway: this.gateway });
  }

  #emit(event: PlaneEvent): boolean {
    const octets = encodeEvent(event, limits.messageOctetsMax);
    if (octets === undefined) return false;
    const read = decodeEvent(octets.subarray(LINK_LENGTH_OCTETS));
    if (!read.ok) throw new Error(`our ${event.kind} is malformed: ${read.field}`);
    this.#toMain.in(this.chance.int(0, 2), () => this.user.event(read.value));
    return true;
  }

  #inLife(pipe: Pipe, run: () => void): void {
    const life = this.#life;
    pipe.in(this.chance.int(0, 2), () => {
      if (life === this.#life) this.#whenAwake(run);
    });
  }

  #whenAwake(run: () => void): void {
    if (this.stalled || this.#held.length > 0) this.#held.push(run);
    else {
      run();
      this.touched();
    }
  }

  #wake(): void {
    for (let run = this.#held.shift(); run !== undefined; run = this.#held.shift()) run();
    this.touched();
  }
}
