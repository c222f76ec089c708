import { lease } from "../../base/lease.js";
import type { FlowRef } from "../../wire/worker-link.js";

/** Places in the data path's flow table. The generation makes a late command for an old flow harmless. */
export class FlowSlots {
  readonly #free: number[] = [];
  readonly #generations: number[] = [];

  constructor(readonly slotsMax: number) {}

  /** How many are out. */
  get out(): number {
    return this.#generations.length - this.#free.length;
  }

  /** Undefined when all are out. */
  lease(): { readonly flow: FlowRef; readonly lease: Disposable } | undefined {
    let slot = this.#free.pop();
    if (slot === undefined) {
      if (this.#generations.length >= this.slotsMax) return undefined;
      slot = this.#generations.length;
      this.#generations.push(0);
    }
    const generation = (this.#generations[slot] ?? 0) + 1;
    this.#generations[slot] = generation;
    const taken = slot;
    return { flow: { slot, generation }, lease: lease(() => this.#free.push(taken)) };
  }
}
