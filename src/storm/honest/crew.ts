// The honest: sessions that stay, and beside them one log-in after the other. A session that is lost is
// told and dialled again.
import type { Rng } from "../../base/rng.js";
import { storm as bounds } from "../../limits/storm.js";
import { monotonicNow } from "../../os/clock.js";
import type { FromCrew, ToCrew } from "../messages.js";
import { Spread } from "../spread.js";
import type { GreEnd } from "./gre-end.js";
import { HonestSession } from "./session.js";

type Begin = Extract<ToCrew, { kind: "begin" }>;
type Outcome = { readonly session: HonestSession; readonly ms: number } | { readonly why: string };

export class Crew {
  readonly #sessions = new Set<HonestSession>();
  /** Of these, those that carry the load. */
  readonly #staying = new Set<HonestSession>();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #failures: string[] = [];
  #spread = new Spread();
  #unanswered = 0;
  #nextCallId: number;
  #dialled = 0;
  #settingUp = 0;
  #loggingIn = 0;
  #logIns = false;
  #outstanding = 0;
  #changed = false;
  #over = false;

  constructor(
    readonly begin: Begin,
    readonly gre: GreEnd,
    readonly rng: Rng,
    readonly tell: (told: FromCrew) => void,
  ) {
    this.#nextCallId = rng.callId();
    this.#timers.push(setInterval(() => this.#tell(), bounds.sampleMs));
    this.#timers.push(setInterval(() => this.#logIn(), bounds.logInEveryMs));
    void this.#setUp();
  }

  logIns(on: boolean): void {
    this.#logIns = on;
    this.#tellQuiet();
  }

  load(outstanding: number): void {
    this.#outstanding = outstanding;
    for (const session of this.#staying) session.load(outstanding);
  }

  end(): void {
    this.#over = true;
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    for (const session of this.#sessions) session.hangUp();
    setTimeout(() => this.tell({ kind: "ended" }), bounds.resendMs);
  }

  async #setUp(): Promise<void> {
    const { sessions, ramp } = this.begin;
    this.#settingUp = sessions;
    for (let number = 0; number < sessions && !this.#over; number++) {
      void this.#keep();
      await pause(1_000 / ramp);
    }
    if (sessions === 0) this.tell({ kind: "steady", why: [] });
  }

  /** One of those that stay; `again`: it had been up. */
  async #keep(again = false): Promise<void> {
    for (let tries = 1; tries <= bounds.logInTriesMax && !this.#over; tries++) {
      const outcome = await this.#dial(bounds.logInMs, (why) => {
        this.tell({ kind: "lost", why });
        this.#changed = true;
        void this.#keep(true);
      });
      if ("session" in outcome) {
        this.#staying.add(outcome.session);
        outcome.session.load(this.#outstanding);
        break;
      }
      if (!again) this.#failures.push(outcome.why);
      await pause(bounds.resendMs);
    }
    this.#changed = true;
    if (again || --this.#settingUp > 0) return;
    this.#tellLive();
    this.tell({ kind: "steady", why: this.#failures });
  }

  /** One that logs in, is asked one echo, and hangs up; a try that takes longer than a user waits is given up. */
  async #logIn(): Promise<void> {
    if (!this.#logIns || this.#over) return;
    this.#loggingIn++;
    const begun = monotonicNow();
    const whys: string[] = [];
    let ms: number | undefined;
    let tryMs: number | undefined;
    let tries = 0;
    let leaving = false;
    while (ms === undefined && tries < bounds.logInTriesMax && !this.#over) {
      tries++;
      const outcome = await this.#dial(bounds.logInWithinMs, () => {});
      if ("session" in outcome) {
        // From the first try on: that is what a user waits.
        ms = monotonicNow() - begun;
        tryMs = outcome.ms;
        await pause(bounds.echoEveryMs);
        this.#sessions.delete(outcome.session);
        outcome.session.hangUp();
        leaving = true;
      } else {
        whys.push(outcome.why);
        await pause(bounds.resendMs / 4);
      }
    }
    const agoMs = monotonicNow() - begun;
    this.tell({ kind: "logIn", ms, tryMs, agoMs, tries, why: whys.join("; ") });
    // Until the server has given back what it had, too.
    if (leaving) await pause(bounds.resendMs);
    this.#loggingIn--;
    this.#tellQuiet();
  }

  /** `lost`: after it was up. */
  #dial(withinMs: number, lost: (why: string) => void): Promise<Outcome> {
    const { server, port, locals, credentials, sessions } = this.begin;
    // A thousand times a few a second is more than one process makes well.
    const echoEveryMs = Math.max(bounds.echoEveryMs, (1_000 * sessions) / bounds.echoesPerSecond);
    const callId = this.#callId();
    const local = locals[this.#dialled++ % locals.length]!;
    return new Promise((resolve) => {
      let wasUp = false;
      const dial = { server, port, local, credentials, callId, echoEveryMs, withinMs };
      new HonestSession(dial, this.gre, this.rng, {
        up: (session, ms) => {
          wasUp = true;
          this.#sessions.add(session);
          resolve({ session, ms });
        },
        over: (session, why) => {
          const known = this.#sessions.delete(session);
          this.#staying.delete(session);
          if (!wasUp) resolve({ why });
          else if (known && !this.#over) lost(why);
        },
        echo: (roundTripMs) => {
          if (roundTripMs === undefined) this.#unanswered++;
          else this.#spread.add(roundTripMs);
        },
      });
    });
  }

  #callId(): number {
    this.#nextCallId = (this.#nextCallId % 0xffff) + 1;
    return this.#nextCallId;
  }

  /** Once a sample, not once a session: with thousands of them each list is long. */
  #tell(): void {
    if (this.#changed) this.#tellLive();
    this.#tellEchoes();
  }

  #tellLive(): void {
    this.#changed = false;
    const calls = [...this.#staying].flatMap(({ local, port, peersCallId }) =>
      peersCallId === undefined ? [] : [{ local, port, callId: peersCallId }],
    );
    this.tell({ kind: "live", calls });
  }

  #tellEchoes(): void {
    const { counts, count } = this.#spread;
    if (count + this.#unanswered === 0) return;
    this.tell({
      kind: "echoes",
      answered: count,
      unanswered: this.#unanswered,
      spread: counts,
    });
    this.#spread = new Spread();
    this.#unanswered = 0;
  }

  #tellQuiet(): void {
    if (!this.#logIns && this.#loggingIn === 0) this.tell({ kind: "quiet" });
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
