// Troubles an operator is told of though no packet made them: which begin and which end with a look at
// the server. A trouble ends only once things are clearly better, so that none comes and goes.
import { notice as limits } from "../../limits/bulletin.js";

export const troubleKinds = ["certificate", "disk", "store", "pool"] as const;
export type TroubleKind = (typeof troubleKinds)[number];

export type Trouble = {
  readonly kind: TroubleKind;
  /** Percent free or leased; of a certificate when it ends, Unix ms; of the store 0. */
  readonly value: number;
};

/** Undefined: not there, or not known. */
export type TroubleFacts = {
  readonly certificateEndsAt: number | undefined;
  readonly diskFreePercent: number | undefined;
  readonly storeInTrouble: boolean;
  readonly poolPercent: number | undefined;
};

export type TroubleChange = { readonly event: "begin" | "end"; readonly trouble: Trouble };

export class Troubles {
  /** `open`: those an earlier run had told of. */
  constructor(readonly open: Set<TroubleKind> = new Set()) {}

  look(facts: TroubleFacts, nowMs: number): TroubleChange[] {
    const { certificateEndsAt: endsAt, diskFreePercent: free, poolPercent: leased } = facts;
    const better = limits.betterPercent;
    const day = 86_400_000;
    return [
      ...this.#judge("certificate", endsAt, (at) => at - nowMs < limits.certificateMs, {
        over: (at) => at - nowMs >= limits.certificateMs + day,
      }),
      ...this.#judge("disk", free, (percent) => percent < limits.diskFreePercentMin, {
        over: (percent) => percent >= limits.diskFreePercentMin + better,
      }),
      ...this.#judge("store", facts.storeInTrouble ? 1 : 0, (is) => is === 1, {
        over: (is) => is === 0,
      }),
      ...this.#judge("pool", leased, (percent) => percent >= limits.poolPercentMax, {
        over: (percent) => percent < limits.poolPercentMax - better,
      }),
    ];
  }

  #judge(
    kind: TroubleKind,
    value: number | undefined,
    bad: (value: number) => boolean,
    { over }: { readonly over: (value: number) => boolean },
  ): TroubleChange[] {
    if (value === undefined) return [];
    const is = this.open.has(kind);
    if (!is && bad(value)) {
      this.open.add(kind);
      return [{ event: "begin", trouble: { kind, value } }];
    }
    if (is && over(value)) {
      this.open.delete(kind);
      return [{ event: "end", trouble: { kind, value } }];
    }
    return [];
  }
}
