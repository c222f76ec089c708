// What the honest met with between two moments.
import { storm as bounds } from "../limits/storm.js";
import type { Echoes, LogIns, Percentiles } from "./measure.js";
import type { FromCrew } from "./messages.js";
import { Spread } from "./spread.js";

const FAILURES_MAX = 16;

export class Phase {
  readonly #spread = new Spread();
  readonly #logIns = new Spread();
  readonly #failures = new Map<string, number>();
  readonly lost: string[] = [];
  #unanswered = 0;
  #asked = 0;
  #atOnce = 0;
  #slowestMs = 0;

  echoes({ answered: _, unanswered, spread }: Extract<FromCrew, { kind: "echoes" }>): void {
    this.#unanswered += unanswered;
    this.#spread.merge(spread);
  }

  /** Whoever is let in later than a try may take would have given it up: that is no success. */
  logIn({ ms, tryMs, tries, why }: Extract<FromCrew, { kind: "logIn" }>): void {
    this.#asked++;
    for (const one of why.split("; ").filter((text) => text !== "")) this.#failed(one);
    if (ms === undefined || tryMs === undefined) return;
    if (tryMs > bounds.logInWithinMs) {
      return this.#failed(`let in after more than ${bounds.logInWithinMs / 1_000} s`);
    }
    this.#logIns.add(ms);
    this.#slowestMs = Math.max(this.#slowestMs, ms);
    if (tries === 1) this.#atOnce++;
  }

  #failed(why: string): void {
    if (!this.#failures.has(why) && this.#failures.size >= FAILURES_MAX) return;
    this.#failures.set(why, (this.#failures.get(why) ?? 0) + 1);
  }

  get told(): Echoes {
    const unanswered = this.#unanswered;
    return { answered: this.#spread.count, unanswered, ...percentiles(this.#spread) };
  }

  get loggedIn(): LogIns {
    return {
      asked: this.#asked,
      eachWithinMs: bounds.logInWithinMs,
      succeeded: this.#logIns.count,
      atOnce: this.#atOnce,
      slowestMs: Math.round(this.#slowestMs),
      failures: Object.fromEntries(this.#failures),
      ...percentiles(this.#logIns),
    };
  }
}

export function percentiles(spread: Spread): Percentiles {
  const [p50, p90, p99] = [50, 90, 99].map((percent) => spread.percentile(percent));
  return { p50, p90, p99 };
}
