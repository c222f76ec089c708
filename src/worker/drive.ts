// Drives a pure machine: each input is followed by a full drain of its outputs, data path first (so
// that a flow is there before the peer may use it), and one armed timer stands for all its deadlines.
import type { Instant } from "../base/instant.js";
import type { PlaneCommand } from "../wire/worker-link.js";

export interface Machine<Transmission, Event> {
  pollPlane(): PlaneCommand | undefined;
  pollTransmit(): Transmission | undefined;
  pollEvent(): Event | undefined;
  pollTimeout(): { readonly at: Instant } | undefined;
  handleTimeout(now: Instant): void;
}

export type Sinks<Transmission, Event> = {
  plane(command: PlaneCommand): void;
  transmit(transmission: Transmission): void;
  event(event: Event): void;
};

/** Longest the timer sleeps: setTimeout's own bound is 2^31 ms. */
const sleepMsMax = 60_000;

export class Drive<M extends Machine<Transmission, Event>, Transmission, Event>
  implements Disposable
{
  #timer: NodeJS.Timeout | undefined;
  #armedFor: number | undefined;
  #draining = false;
  #ended = false;

  constructor(
    readonly machine: M,
    readonly sinks: Sinks<Transmission, Event>,
    readonly clock: () => Instant,
  ) {}

  /** Hands the machine one input and carries out what comes of it. */
  input(handle: (machine: M, now: Instant) => void): void {
    if (this.#ended) return;
    handle(this.machine, this.clock());
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
      while (!this.#ended && this.#step());
    } finally {
      this.#draining = false;
    }
    this.#arm();
  }

  #step(): boolean {
    const { machine, sinks } = this;
    const command = machine.pollPlane();
    if (command !== undefined) {
      sinks.plane(command);
      return true;
    }
    const transmission = machine.pollTransmit();
    if (transmission !== undefined) {
      sinks.transmit(transmission);
      return true;
    }
    const event = machine.pollEvent();
    if (event === undefined) return false;
    sinks.event(event);
    return true;
  }

  #arm(): void {
    const at = this.machine.pollTimeout()?.at;
    if (at === this.#armedFor && this.#timer !== undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#armedFor = at;
    if (at === undefined || this.#ended) return;
    // Rounded up: a timer that fires a fraction early would spin.
    const ms = Math.min(Math.max(0, Math.ceil(at - this.clock())), sleepMsMax);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#armedFor = undefined;
      this.input((machine, now) => machine.handleTimeout(now));
    }, ms);
  }
}
