// What comes in, waiting for whoever asks for the next: bounded, so that a flood is lost and not kept.
import { probe as bounds } from "../../limits.js";

export class Inbox<T> {
  readonly #waiting: T[] = [];
  #wake: (() => void) | undefined;

  put(one: T): void {
    if (this.#waiting.length < bounds.inboxMax) this.#waiting.push(one);
    this.#wake?.();
  }

  /** Undefined when nothing came for `ms`. */
  async next(ms: number): Promise<T | undefined> {
    if (this.#waiting.length === 0) await this.#heard(ms);
    return this.#waiting.shift();
  }

  #heard(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, Math.max(0, ms));
      this.#wake = done;
    });
  }
}
