// Control messages a connection may send (THREATS G-04): a token bucket whose debt pauses reading.
import { after, type Instant } from "../../base/instant.js";

export type BucketBounds = {
  readonly messagesPerSecond: number;
  readonly messagesBurst: number;
  readonly overRateMs: number;
};

export type BucketVerdict =
  | "ok"
  /** Beyond the rate: handled, but an Echo-Request goes unanswered. */
  | "over"
  /** Beyond it for overRateMs, or by as much in one chunk: close. */
  | "abusive";

export class MessageBucket {
  readonly #bounds: BucketBounds;
  #tokens: number;
  #at: Instant;
  #overSince: Instant | undefined;

  constructor(bounds: BucketBounds, now: Instant) {
    this.#bounds = bounds;
    this.#tokens = bounds.messagesBurst;
    this.#at = now;
  }

  take(now: Instant): BucketVerdict {
    const { messagesPerSecond, messagesBurst, overRateMs } = this.#bounds;
    this.#refill(now);
    if (this.#tokens >= messagesBurst / 2) this.#overSince = undefined;
    this.#tokens -= 1;
    if (this.#tokens < 0) this.#overSince ??= now;
    const debtMax = (messagesPerSecond * overRateMs) / 1000;
    if (this.#tokens < -debtMax) return "abusive";
    if (this.#overSince !== undefined && now - this.#overSince >= overRateMs) return "abusive";
    return this.#tokens < 0 ? "over" : "ok";
  }

  /** When there is a whole token again, as seen by the last message; undefined when there is one. */
  get emptyUntil(): Instant | undefined {
    if (this.#tokens >= 1) return undefined;
    const ms = Math.ceil(((1 - this.#tokens) * 1000) / this.#bounds.messagesPerSecond);
    return after(this.#at, ms);
  }

  #refill(now: Instant): void {
    const { messagesPerSecond, messagesBurst } = this.#bounds;
    const gained = (Math.max(now - this.#at, 0) * messagesPerSecond) / 1000;
    this.#tokens = Math.min(messagesBurst, this.#tokens + gained);
    this.#at = now;
  }
}
