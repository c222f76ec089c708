// What a session puts out, in order, in a queue with a bound.
import { invariant } from "../../base/invariant.js";
import { Queue } from "../../base/queue.js";
import { ppp } from "../../limits.js";
import type { PppOutput } from "./ports.js";

export class OutputQueue {
  readonly #queue = new Queue<PppOutput>();
  #lost = 0;

  /**
   * At the bound frames and notes are dropped and counted (a frame is a packet like any other that a
   * network loses); what the composer must know is not, and only a composer that never drains can
   * make that too many.
   */
  push(output: PppOutput): void {
    const droppable = output.kind === "Send" || output.kind === "Noted";
    if (droppable && this.#queue.size >= ppp.outputsMax) {
      this.#lost++;
      return;
    }
    invariant(this.#queue.size < 2 * ppp.outputsMax, "nobody drains the outputs of a session");
    this.#queue.push(output);
  }

  shift(): PppOutput | undefined {
    const output = this.#queue.shift();
    if (output === undefined && this.#lost > 0) {
      this.#lost = 0;
      return { kind: "Noted", reason: "outputs-lost" };
    }
    return output;
  }

  get size(): number {
    return this.#queue.size;
  }
}
