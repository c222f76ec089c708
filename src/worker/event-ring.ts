// What a data worker has to tell and the main process has not read yet, in order and bounded. Pure: the
// link writes it. Frames give way to whatever else is told, and those of strangers to those of sessions.
import { Queue } from "../base/queue.js";
import { type Bounds, worker } from "../limits.js";

/** A PPP frame of a call that has logged in, one of a call that has not, or the worker's own word. */
export type Whose = "session" | "stranger" | "worker";

export class EventRing {
  readonly #waiting = new Queue<Uint8Array>();
  #octets = 0;

  constructor(readonly limits: Bounds<typeof worker> = worker) {}

  /** Octets that wait here. */
  get octets(): number {
    return this.#octets;
  }

  /**
   * Takes an encoded message in as the newest; `before`: octets that were taken out and are not written
   * yet. False: so much waits already that there is no room for this kind, and it is lost.
   */
  put(message: Uint8Array, whose: Whose, before: number): boolean {
    const { queueOctetsMax, frameOctetsMax, strangersFrameOctetsMax } = this.limits;
    const most = {
      worker: queueOctetsMax,
      session: frameOctetsMax,
      // However many calls without a log-in there are: what is above it they cannot fill.
      stranger: strangersFrameOctetsMax,
    }[whose];
    if (before + this.#octets + message.length > most) return false;
    this.#waiting.push(message);
    this.#octets += message.length;
    return true;
  }

  /** Moves the oldest messages into `room`, as many whole ones as fit; how many octets they have. */
  take(room: Uint8Array): number {
    let end = 0;
    for (let next = this.#waiting.peek(); next !== undefined; next = this.#waiting.peek()) {
      if (end + next.length > room.length) break;
      room.set(next, end);
      end += next.length;
      this.#waiting.shift();
    }
    this.#octets -= end;
    return end;
  }
}
