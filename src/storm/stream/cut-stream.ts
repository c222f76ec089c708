// Log-ins that are cut, real ones, as the honest make them, from hostile addresses, each to its place and no further;
// and those that come up and are hostile inside.
import type { Chance } from "../../base/chance.js";
import type { Ipv4 } from "../../base/ip.js";
import { storm as bounds } from "../../limits/storm.js";
import { monotonicNow } from "../../os/clock.js";
import { systemRng } from "../../os/entropy.js";
import { isOsError, type OsError } from "../../os/errors.js";
import { GreEnd } from "../honest/gre-end.js";
import { type Credentials, LOG_IN_REFUSED } from "../honest/ppp-peer.js";
import { HonestSession } from "../honest/session.js";
import type { Sent } from "../messages.js";
import type { CutScenario } from "../scenario.js";

/** Before one came to its end: about what a log-in says. */
const FIRST_WHOLE = 640;
const TURN_MS = 5;

export type CutStreamTerms = {
  readonly scenario: CutScenario;
  readonly chance: Chance;
  readonly server: Ipv4;
  readonly port: number;
  readonly sources: readonly Ipv4[];
  readonly perSecond: number;
  readonly credentials: Credentials;
};

export class CutStream implements Disposable {
  readonly #terms: CutStreamTerms;
  readonly #gre: GreEnd;
  readonly #rng = systemRng();
  readonly #open = new Set<HonestSession>();
  /** Places that were not come to: the server turned the log-in away before. */
  readonly #again: number[] = [];
  /** Those that came up, and are to say something there. */
  readonly #inside = new Set<HonestSession>();
  readonly #begun = monotonicNow();
  /** Where log-ins were cut so far. */
  readonly #places = new Set<number>();
  #whole = FIRST_WHOLE;
  #callId: number;
  #number = 0;
  #dialled = 0;
  #octets = 0;
  #taken = 0;
  #closed = 0;
  #over = false;

  private constructor(terms: CutStreamTerms, gre: GreEnd) {
    this.#terms = terms;
    this.#gre = gre;
    this.#callId = this.#rng.callId();
  }

  /** Needs CAP_NET_RAW. */
  static open(terms: CutStreamTerms): CutStream | OsError {
    const gre = GreEnd.open(terms.server);
    return isOsError(gre) ? gre : new CutStream(terms, gre);
  }

  get sent(): Sent {
    return {
      ...{ packets: 0, octets: this.#octets, refused: 0 },
      ...{ connections: this.#dialled, taken: this.#taken, closed: this.#closed },
      ...(this.#comesUp ? {} : { turns: this.#turns }),
    };
  }

  get #turns(): NonNullable<Sent["turns"]> {
    const of = this.#whole + 1;
    return { had: Math.min(this.#places.size, of), of };
  }

  /** None is cut on its way: each is up, or refused. */
  get #comesUp(): boolean {
    const { utter, guess } = this.#terms.scenario;
    return utter !== undefined || guess !== undefined;
  }

  /** Until it is disposed of. */
  async run(): Promise<undefined> {
    const { perSecond, scenario } = this.#terms;
    while (!this.#over) {
      const due = ((monotonicNow() - this.#begun) / 1_000) * perSecond - this.#dialled;
      const room = (scenario.atOnce ?? bounds.cutsMax) - this.#open.size;
      for (let i = 0; i < Math.min(due, room); i++) this.#dial();
      await new Promise((resolve) => setTimeout(resolve, TURN_MS));
    }
    return undefined;
  }

  [Symbol.dispose](): void {
    if (this.#over) return;
    this.#over = true;
    for (const session of this.#open) session.cut("rst");
    this.#gre[Symbol.dispose]();
  }

  #dial(): void {
    const { server, port, sources, credentials: may, scenario, chance } = this.#terms;
    const number = this.#again.shift() ?? this.#number++;
    const local = sources[this.#dialled++ % sources.length]!;
    this.#callId = (this.#callId % 0xffff) + 1;
    const { utter, guess } = scenario;
    const cut = scenario.cut(chance, number, this.#whole);
    const credentials = guess?.(chance, number, may) ?? may;
    const dial = { server, port, local, credentials, callId: this.#callId };
    const told = {
      up: (session: HonestSession) => {
        this.#whole = session.said;
        if (utter === undefined) return session.cut(cut.how);
        this.#inside.add(session);
        for (const one of utter(chance, number, session.ends)) session.utter(one);
        setTimeout(() => session.cut(cut.how), scenario.staysMs ?? 0);
      },
      over: (session: HonestSession, why: string) => this.#ended(session, why, number),
      echo: () => {},
    };
    const { echoEveryMs, logInMs: withinMs } = bounds;
    const to = this.#comesUp ? {} : { cut };
    this.#open.add(
      new HonestSession({ ...dial, ...to, echoEveryMs, withinMs }, this.#gre, this.#rng, told),
    );
  }

  /** Taken: it came to where it was to be cut, or refused; whatever became of it inside. */
  #ended(session: HonestSession, why: string, number: number): void {
    this.#open.delete(session);
    this.#octets += session.said;
    const refused = this.#terms.scenario.guess !== undefined && why.startsWith(LOG_IN_REFUSED);
    const came = this.#inside.delete(session) || why === "cut" || refused;
    if (this.#over) return;
    if (came) {
      this.#taken++;
      if (!this.#comesUp) this.#places.add(session.said);
    } else {
      this.#closed++;
      this.#again.push(number);
    }
  }
}
