import { after, type Instant } from "../base/instant.js";
import { type Bounds, plane } from "../limits.js";

/** Octets kept by all flows' reorder buffers together. */
export class ReorderBudget {
  octets = 0;
}

export type Kept = { readonly sequence: number; readonly frame: Uint8Array; readonly at: Instant };

/**
 * Frames of one flow that came before an earlier one did, bounded by count, octets and time. The
 * composer delivers them in order; what is delivered past a gap makes the gap's frames late.
 */
export class ReorderBuffer {
  /** Ascending by sequence, seen from the expected number. */
  readonly #kept: Kept[] = [];
  #octets = 0;

  constructor(
    readonly budget: ReorderBudget,
    readonly limits: Bounds<typeof plane> = plane,
  ) {}

  get size(): number {
    return this.#kept.length;
  }

  get octets(): number {
    return this.#octets;
  }

  /** Keeps a copy of [start, end). */
  insert(
    sequence: number,
    octets: Uint8Array,
    start: number,
    end: number,
    now: Instant,
  ): "kept" | "duplicate" | "full" {
    let at = this.#kept.length;
    while (at > 0) {
      const distance = (sequence - this.#kept[at - 1]!.sequence) | 0;
      if (distance === 0) return "duplicate";
      if (distance > 0) break;
      at--;
    }
    const length = end - start;
    if (
      this.#kept.length >= this.limits.reorderPacketsMax ||
      this.#octets + length > this.limits.reorderOctetsMax ||
      this.budget.octets + length > this.limits.reorderOctetsTotalMax
    ) {
      return "full";
    }
    this.#kept.splice(at, 0, { sequence, frame: octets.slice(start, end), at: now });
    this.#octets += length;
    this.budget.octets += length;
    return "kept";
  }

  /** The lowest number kept. */
  get first(): number | undefined {
    return this.#kept[0]?.sequence;
  }

  /** Takes the lowest out. */
  take(): Kept | undefined {
    const first = this.#kept.shift();
    if (first !== undefined) {
      this.#octets -= first.frame.length;
      this.budget.octets -= first.frame.length;
    }
    return first;
  }

  /** When the frame that has waited longest has waited long enough. */
  get dueAt(): Instant | undefined {
    let oldest: Instant | undefined;
    for (const { at } of this.#kept) if (oldest === undefined || at < oldest) oldest = at;
    return oldest === undefined ? undefined : after(oldest, this.limits.reorderMs);
  }

  clear(): void {
    this.budget.octets -= this.#octets;
    this.#octets = 0;
    this.#kept.length = 0;
  }
}
