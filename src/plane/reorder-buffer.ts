import { after, type Instant } from "../base/instant.js";
import { type Bounds, plane } from "../limits.js";

/** Octets kept by all flows' reorder buffers together. */
export class ReorderBudget {
  octets = 0;
}

/** A gap given up tells of loss: so much of the wait is left, before and after a frame ever came late. */
const LEFT_UNTRIED = 1 / 4;
const LEFT_TRIED = 7 / 8;
/** What came after so long may come after so many times that. */
const FILLED_TIMES = 4;

export type Kept = { readonly sequence: number; readonly frame: Uint8Array; readonly at: Instant };

/**
 * Frames of one flow that came before an earlier one did, bounded by count, octets and time. The
 * composer delivers them in order; what is delivered past a gap makes the gap's frames late.
 */
export class ReorderBuffer {
  /** Ascending by sequence, seen from the expected number. */
  readonly #kept: Kept[] = [];
  #octets = 0;
  /** How long a gap is waited for now; the bound until gaps show what they are. */
  #waitMs: number;
  /** A frame was overtaken on this path. */
  #tried = false;

  constructor(
    readonly budget: ReorderBudget,
    readonly limits: Bounds<typeof plane> = plane,
  ) {
    this.#waitMs = limits.reorderMs;
  }

  get waitMs(): number {
    return this.#waitMs;
  }

  /** A gap's frames did not come: the next one is waited for less. */
  gaveUp(): void {
    const left = this.#waitMs * (this.#tried ? LEFT_TRIED : LEFT_UNTRIED);
    this.#waitMs = Math.min(this.limits.reorderMs, Math.max(left, plane.reorderMinMs));
  }

  /** What was missing came, before it was given up. */
  filled(now: Instant): void {
    const waited = now - (this.#oldest ?? now);
    this.#tried = true;
    this.#waitMs = Math.min(this.limits.reorderMs, Math.max(this.#waitMs, FILLED_TIMES * waited));
  }

  /** What was given up came after all. */
  cameLate(): void {
    this.#tried = true;
    this.#waitMs = this.limits.reorderMs;
  }

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
    const oldest = this.#oldest;
    return oldest === undefined ? undefined : after(oldest, this.#waitMs);
  }

  get #oldest(): Instant | undefined {
    let oldest: Instant | undefined;
    for (const { at } of this.#kept) if (oldest === undefined || at < oldest) oldest = at;
    return oldest;
  }

  clear(): void {
    this.budget.octets -= this.#octets;
    this.#octets = 0;
    this.#kept.length = 0;
  }
}
