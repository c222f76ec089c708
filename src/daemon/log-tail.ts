// The newest lines of the log, for whoever looks from afar: as they were written, so within the log's
// own bounds and without what it keeps out.
import { web as limits } from "../limits/web.js";
import type { Level } from "./log.js";

export type TailLine = {
  readonly number: number;
  /** Unix ms. */
  readonly at: number;
  readonly level: Level;
  readonly line: string;
  /** As JSON. */
  readonly fields: string;
};

export class LogTail {
  readonly #lines: TailLine[] = [];
  #next = 1;

  constructor(readonly wallClockMs: () => number = Date.now) {}

  put(level: Level, fields: object, line: string): void {
    const text = JSON.stringify(fields).slice(0, limits.logLineCharactersMax);
    const at = this.wallClockMs();
    this.#lines.push({ number: this.#next++, at, level, line, fields: text });
    if (this.#lines.length > limits.logLinesMax) this.#lines.shift();
  }

  /** Those after that number, oldest first. */
  after(number: number): TailLine[] {
    return this.#lines.filter((one) => one.number > number);
  }
}
