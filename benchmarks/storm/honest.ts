// The honest of a storm benchmark: those of `holdfast storm`, in a process of their own, as they meet one
// stream after the other.
import type { Ipv4 } from "../../src/base/ip.js";
import { storm as bounds } from "../../src/limits/storm.js";
import { monotonicNow } from "../../src/os/clock.js";
import { Child } from "../../src/storm/child.js";
import type { Credentials } from "../../src/storm/honest/ppp-peer.js";
import type { LogIns } from "../../src/storm/measure.js";
import type { FromCrew, LiveCall, ToCrew } from "../../src/storm/messages.js";
import { Phase } from "../../src/storm/phase.js";

export type HonestTerms = {
  readonly server: Ipv4;
  readonly locals: readonly Ipv4[];
  readonly credentials: Credentials;
  readonly sessions: number;
};

/** What they met with between two moments. */
export type Met = {
  readonly lost: number;
  readonly echoesPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
};

const PORT = 1_723;
const EACH_MS = 2_000;
const SETTLE_MS = 30_000;
const QUIET_MS = 60_000;

export class Honest implements Disposable {
  readonly #child: Child<ToCrew, FromCrew>;
  live: readonly LiveCall[] = [];
  #phase = new Phase();
  #begunAt = monotonicNow();
  #said = new Set<FromCrew["kind"]>();
  #failure: string | undefined;
  #why = "";
  #wake: () => void = () => {};

  private constructor() {
    this.#child = new Child(
      new URL("../../dist/storm/honest/crew-main.js", import.meta.url),
      (told) => this.#hear(told),
      (why) => this.#fail(`the honest sessions' process ${why}`),
    );
  }

  static async up(terms: HonestTerms): Promise<Honest> {
    const honest = new Honest();
    honest.#child.tell({ kind: "begin", port: PORT, ramp: bounds.logInsPerSecond, ...terms });
    await honest.#until("steady", SETTLE_MS + terms.sessions * EACH_MS);
    const up = honest.live.length;
    if (up < terms.sessions) throw new Error(`${up} of ${terms.sessions} came up: ${honest.#why}`);
    return honest;
  }

  /** Echoes on the way at once, of each session; 0: at rest. */
  load(outstanding: number): void {
    this.#child.tell({ kind: "load", outstanding });
  }

  begin(): void {
    this.#phase = new Phase();
    this.#begunAt = monotonicNow();
  }

  get met(): Met {
    const { answered, p50, p99 } = this.#phase.told;
    const seconds = (monotonicNow() - this.#begunAt) / 1_000;
    const never = Number.POSITIVE_INFINITY;
    const times = { p50Ms: p50 ?? never, p99Ms: p99 ?? never };
    return { lost: this.#phase.lost.length, echoesPerSecond: answered / seconds, ...times };
  }

  /** New ones log in, one after the other, from now on. */
  logIns(): void {
    this.#said.delete("quiet");
    this.#child.tell({ kind: "logIns", on: true });
  }

  /** No further ones; what became of those since `begin`. */
  async loggedIn(): Promise<LogIns> {
    this.#said.delete("quiet");
    this.#child.tell({ kind: "logIns", on: false });
    await this.#until("quiet", QUIET_MS);
    return this.#phase.loggedIn;
  }

  /** In order. */
  async end(): Promise<void> {
    this.#child.tell({ kind: "end" });
    await this.#until("ended", QUIET_MS);
  }

  [Symbol.dispose](): void {
    this.#child[Symbol.dispose]();
  }

  #hear(told: FromCrew): void {
    if (told.kind === "live") this.live = told.calls;
    else if (told.kind === "lost") this.#phase.lost.push(told.why);
    else if (told.kind === "logIn") this.#phase.logIn(told);
    else if (told.kind === "echoes") this.#phase.echoes(told);
    else if (told.kind === "failed") this.#fail(told.why);
    else if (told.kind === "steady") this.#why = told.why.join(", ");
    this.#said.add(told.kind);
    this.#wake();
  }

  #fail(why: string): void {
    this.#failure ??= why;
    this.#wake();
  }

  #until(kind: FromCrew["kind"], ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${kind}: not within ${ms} ms`)), ms);
      this.#wake = () => {
        if (this.#failure === undefined && !this.#said.has(kind)) return;
        clearTimeout(timer);
        this.#wake = () => {};
        if (this.#failure === undefined) resolve();
        else reject(new Error(this.#failure));
      };
      this.#wake();
    });
  }
}
