import { lease } from "../../base/lease.js";

type Taken = { readonly bucket: number; sessions: number };

/** The data path's rate buckets: one number a user, out as long as one of the user's sessions is. */
export class UserBuckets {
  readonly #byAccount = new Map<number, Taken>();
  readonly #free: number[] = [];
  /** 0 is nobody's. */
  #next = 1;

  /** One of `bucketsMax` numbers is nobody's. */
  constructor(readonly bucketsMax: number) {}

  /** Numbers that are out. */
  get size(): number {
    return this.#byAccount.size;
  }

  /** The number of the account's bucket; undefined when all are out. */
  lease(accountId: number): { readonly bucket: number; readonly lease: Disposable } | undefined {
    let taken = this.#byAccount.get(accountId);
    if (taken === undefined) {
      const bucket = this.#free.pop() ?? this.#fresh();
      if (bucket === undefined) return undefined;
      taken = { bucket, sessions: 0 };
      this.#byAccount.set(accountId, taken);
    }
    taken.sessions++;
    const { bucket } = taken;
    return { bucket, lease: lease(() => this.#giveBack(accountId)) };
  }

  #fresh(): number | undefined {
    return this.#next < this.bucketsMax ? this.#next++ : undefined;
  }

  #giveBack(accountId: number): void {
    const taken = this.#byAccount.get(accountId);
    if (taken === undefined || --taken.sessions > 0) return;
    this.#byAccount.delete(accountId);
    this.#free.push(taken.bucket);
  }
}
