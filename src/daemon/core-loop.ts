// Drives the pure server: each input is followed by a full drain of its outputs, data path first (so
// that a flow is there before OCRP is), and one armed timer stands for all of the core's deadlines.
import type { Instant } from "../base/instant.js";
import type { Server } from "../core/server.js";
import type { ServerEvent, Transmission } from "../core/server-ports.js";
import type { PlaneCommand } from "../wire/worker-link.js";

export type CoreSinks = {
  plane(command: PlaneCommand): void;
  transmit(transmission: Transmission): void;
  event(event: ServerEvent): void;
};

/** Longest the timer sleeps: setTimeout's own bound is 2^31 ms. */
const sleepMsMax = 60_000;

export class CoreLoop implements Disposable {
  #timer: NodeJS.Timeout | undefined;
  #armedFor: number | undefined;
  #draining = false;
  #ended = false;

  constructor(
    readonly server: Server,
    readonly sinks: CoreSinks,
    readonly clock: () => Instant,
  ) {}

  /** Hands the core one input and carries out what comes of it. */
  input(handle: (server: Server, now: Instant) => void): void {
    if (this.#ended) return;
    handle(this.server, this.clock());
    this.#drain();
  }

  [Symbol.dispose](): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Not re-entered: an input given while draining only queues, and the drain under way takes it. */
  #drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    try {
      const { server, sinks } = this;
      for (;;) {
        const command = server.pollPlane();
        if (command !== undefined) {
          sinks.plane(command);
          continue;
        }
        const transmission = server.pollTransmit();
        if (transmission !== undefined) {
          sinks.transmit(transmission);
          continue;
        }
        const event = server.pollEvent();
        if (event === undefined) break;
        sinks.event(event);
      }
    } finally {
      this.#draining = false;
    }
    this.#arm();
  }

  #arm(): void {
    const at = this.server.pollTimeout()?.at;
    if (at === this.#armedFor && this.#timer !== undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#armedFor = at;
    if (at === undefined || this.#ended) return;
    const ms = Math.min(Math.max(0, at - this.clock()), sleepMsMax);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#armedFor = undefined;
      this.input((server, now) => server.handleTimeout(now));
    }, ms);
  }
}
