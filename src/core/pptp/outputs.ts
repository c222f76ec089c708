// What a control connection puts out until its composer fetches it: events, and octets with a bound.
import { Queue } from "../../base/queue.js";
import { type ControlMessage, encodeControlMessage } from "../../wire/pptp/index.js";
import type { ControlEvent } from "./ports.js";

export class Outputs {
  readonly #events = new Queue<ControlEvent>();
  readonly #queue = new Queue<Uint8Array>();
  #queuedOctets = 0;
  #unsentOctets = 0;

  /** Octets on their way to the peer that its TCP has not taken: ours and the socket's (G-05). */
  get waitingOctets(): number {
    return this.#queuedOctets + this.#unsentOctets;
  }

  send(message: ControlMessage): void {
    const octets = encodeControlMessage(message);
    this.#queue.push(octets);
    this.#queuedOctets += octets.length;
  }

  tell(event: ControlEvent): void {
    this.#events.push(event);
  }

  note(reason: string): void {
    this.#events.push({ kind: "Noted", reason });
  }

  unsent(octets: number): void {
    this.#unsentOctets = octets;
  }

  /** Nothing of it will be written. */
  drop(): void {
    this.#queue.clear();
    this.#queuedOctets = 0;
  }

  pollTransmit(): Uint8Array | undefined {
    const octets = this.#queue.shift();
    this.#queuedOctets -= octets?.length ?? 0;
    return octets;
  }

  pollEvent(): ControlEvent | undefined {
    return this.#events.shift();
  }
}
