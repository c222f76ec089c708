// Rates of users at work: the account's own, else the server's default; a user's sessions share one
// bucket of the data path. A rate that changes counts at once, for sessions that run too.
import type { Instant } from "../base/instant.js";
import { plane } from "../limits.js";
import type { AccountTerms, Rate } from "./access/ports.js";
import { UserBuckets } from "./access/user-buckets.js";
import type { CallSession } from "./call-session.js";

export type OwnRate = Pick<AccountTerms, "upBitsPerSecond" | "downBitsPerSecond">;

export class Rates {
  readonly #buckets = new UserBuckets(plane.rateBucketsMax);

  constructor(public byDefault: Rate) {}

  /** Puts the rate of the session's account in force; nothing happens where it is already. */
  apply(session: CallSession, now: Instant): void {
    const { account, rate } = session;
    if (account === undefined || session.ending !== undefined) return;
    const { byDefault } = this;
    const upBitsPerSecond = account.upBitsPerSecond ?? byDefault.upBitsPerSecond;
    const downBitsPerSecond = account.downBitsPerSecond ?? byDefault.downBitsPerSecond;
    if (upBitsPerSecond === rate.upBitsPerSecond && downBitsPerSecond === rate.downBitsPerSecond) {
      return;
    }
    const bucket = session.bucket ?? this.#bucketFor(session, account);
    if (bucket === undefined) {
      session.around.noted("rate-buckets-max");
      return session.terminate("internal-error", now);
    }
    session.bucket = bucket;
    session.rate = { upBitsPerSecond, downBitsPerSecond };
    session.around.plane({ kind: "Rate", flow: session.flow, bucket, ...session.rate });
  }

  #bucketFor(session: CallSession, { accountId, name }: AccountTerms): number | undefined {
    const taken = this.#buckets.lease(accountId);
    if (taken !== undefined) session.scope.hold("rateBucket", taken.lease, name);
    return taken?.bucket;
  }
}
