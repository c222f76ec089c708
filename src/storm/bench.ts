// `holdfast storm`: honest sessions first, then one stream after the other, and after each the look
// whether all is as it was before.
import { formatIpv4, type Ipv4 } from "../base/ip.js";
import { storm as bounds } from "../limits/storm.js";
import { monotonicNow, wallClockText } from "../os/clock.js";
import { Account, type Admin } from "./account.js";
import { Child } from "./child.js";
import type { Credentials } from "./honest/ppp-peer.js";
import { keptPercentOf, type Measured, perMillionOf, unitsOf } from "./measure.js";
import type { FromCrew, FromStream, LiveCall, Sent, ToCrew, ToStream } from "./messages.js";
import { Phase } from "./phase.js";
import type { Ran, StormReport } from "./report.js";
import type { Scenario } from "./scenario.js";
import { Spread } from "./spread.js";
import { Timeline } from "./timeline.js";
import { overall, verdicts } from "./verdicts.js";

export type BenchTerms = {
  readonly version: string;
  readonly server: Ipv4;
  readonly port: number;
  /** Of the honest, in turn, and where the stream comes from. */
  readonly locals: readonly Ipv4[];
  readonly sources: readonly Ipv4[];
  /** Each scenario's of these, in order. */
  readonly shares: readonly (readonly Ipv4[])[];
  readonly scenarios: readonly Scenario[];
  readonly seconds: number;
  readonly perSecond: number;
  readonly seed: number;
  readonly sessions: number;
  readonly ramp: number;
  readonly credentials: Credentials | undefined;
  readonly pid: number | undefined;
  readonly admin: Admin | undefined;
  /** A line of progress. */
  readonly say: (line: string) => void;
  /** Whether the server takes a connection. */
  readonly answers: () => Promise<boolean>;
};

const NOTHING_SENT: Sent = {
  packets: 0,
  octets: 0,
  connections: 0,
  taken: 0,
  refused: 0,
  closed: 0,
};
const SAY_MS = 1_000;

export class BenchFailed extends Error {}

export class Bench implements Disposable {
  readonly #terms: BenchTerms;
  readonly #begun = monotonicNow();
  readonly #timeline = new Timeline();
  readonly #account: Account;
  readonly #crew: Child<ToCrew, FromCrew> | undefined;
  readonly #stream: Child<ToStream, FromStream>;
  readonly #watching: NodeJS.Timeout;
  readonly #notes: string[] = [];
  /** Of whoever waits for one of the children to say something. */
  readonly #waiting = new Set<() => void>();
  #live: readonly LiveCall[] = [];
  #phase = new Phase();
  #last = new Spread();
  #scenario = "";
  #sent = NOTHING_SENT;
  #toldAt = 0;
  #perSecond = 0;
  #streaming = false;
  /** Of the last stream: what begins after it tells nothing of it. Undefined until then. */
  #streamEnd: number | undefined;
  #steady = false;
  #quiet = true;
  #stopped = false;
  #failure: string | undefined;
  #saidAt = 0;

  constructor(terms: BenchTerms) {
    this.#terms = terms;
    this.#account = new Account(terms.admin, terms.pid ?? terms.admin?.pid);
    const fail = (who: string) => (why: string) => this.#fail(`${who}: ${why}`);
    const program = (path: string) => new URL(path, import.meta.url);
    this.#stream = new Child(
      program("./stream/stream-main.js"),
      (told) => this.#onStream(told),
      fail("the stream's process"),
    );
    if (terms.credentials !== undefined) {
      this.#crew = new Child(
        program("./honest/crew-main.js"),
        (told) => this.#onCrew(told),
        fail("the sessions' process"),
      );
    }
    this.#watching = setInterval(() => this.#sample(), bounds.sampleMs);
  }

  /** Ends what runs, in order; what was measured so far is reported. */
  stop(): void {
    this.#stopped = true;
    this.#wake();
  }

  async run(): Promise<StormReport> {
    const at = wallClockText();
    await this.#setUp();
    const before = await this.#before();
    const ran: Ran[] = [];
    for (const [index, scenario] of this.#terms.scenarios.entries()) {
      if (this.#stopped) break;
      if (scenario.kind === "cuts" && this.#crew === undefined) {
        this.#notes.push(`${scenario.name}: it logs in, and no user was named (-u)`);
        continue;
      }
      ran.push(await this.#play(scenario, this.#terms.shares[index] ?? [], before));
    }
    await this.#takeDown();
    const { server, port, locals, sources, version, seed, seconds, perSecond } = this.#terms;
    return {
      version: 1,
      holdfast: version,
      at,
      server: `${formatIpv4(server)}:${port}`,
      locals: locals.map(formatIpv4),
      sources: sources.map(formatIpv4),
      seed,
      seconds,
      perSecond,
      sessions: this.#terms.credentials === undefined ? 0 : this.#terms.sessions,
      interrupted: this.#stopped,
      notes: this.#notes,
      verdicts: overall(ran.map((one) => one.verdicts)),
      scenarios: ran,
      samples: this.#timeline.samples,
    };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#watching);
    this.#crew?.[Symbol.dispose]();
    this.#stream[Symbol.dispose]();
  }

  async #setUp(): Promise<void> {
    const { server, port, locals, credentials, sessions, ramp, sources } = this.#terms;
    if (locals.some((local) => sources.includes(local))) {
      this.#notes.push(
        "the stream comes from the honest sessions' own address: a server that turns sources away turns new log-ins away with it; give this host one more, or name some with --from",
      );
    }
    if (this.#crew === undefined || credentials === undefined) return;
    this.#terms.say(`${sessions} session${sessions === 1 ? "" : "s"} log in`);
    const who = { locals, credentials, sessions, ramp };
    this.#crew.tell({ kind: "begin", server, port, ...who });
    const eachMs = 1_000 / ramp;
    const atMostMs = sessions * eachMs + bounds.logInTriesMax * (bounds.logInMs + bounds.resendMs);
    await this.#until(atMostMs, () => this.#steady);
    if (this.#live.length < sessions && !this.#stopped) {
      const [why = "no answer"] = this.#notes.slice(-1);
      throw new BenchFailed(`${this.#live.length} of ${sessions} sessions came up: ${why}`);
    }
  }

  /** The level that everything later is held against. */
  async #before(): Promise<{ phase: Phase; processor: number }> {
    this.#terms.say("the level before");
    // What the first echoes lost, before both ends had their addresses, is no level.
    if (this.#crew !== undefined) await this.#until(bounds.echoLostMs, () => false);
    this.#phase = new Phase();
    this.#logIns(true);
    const processor = await this.#highest(bounds.beforeMs);
    return { phase: this.#phase, processor };
  }

  async #play(
    scenario: Scenario,
    sources: readonly Ipv4[],
    before: { phase: Phase; processor: number },
  ): Promise<Ran> {
    const { seed, server, port, seconds, credentials } = this.#terms;
    await this.#settle();
    const atFirst = await this.#account.before();
    this.#account.takeSlowest();
    const phase = new Phase();
    this.#phase = phase;
    this.#streamEnd = undefined;
    this.#scenario = scenario.name;
    this.#sent = NOTHING_SENT;
    this.#toldAt = monotonicNow();
    this.#logIns(true);
    const limit = scenario.kind === "packets" ? Number.MAX_VALUE : bounds.connectionsPerSecondMax;
    const perSecond = Math.min(this.#terms.perSecond, limit);
    this.#streaming = true;
    this.#stream.tell({ kind: "live", calls: this.#live });
    this.#stream.tell({
      ...{ kind: "begin", scenario: scenario.name, seed, server, port },
      ...{ sources, perSecond, seconds, credentials },
    });
    const most = await this.#through(seconds * 1_000);
    const recovery = await this.#recover(before.processor);
    await this.#settle();
    const { server: after, ...told } = await this.#account.after(atFirst);
    const { observer } = this.#account;
    const measured: Measured = {
      floods: scenario.kind !== "packets" && scenario.floods,
      exhausts: scenario.kind === "cuts" && scenario.exhausts === true,
      sent: this.#sent,
      honest: this.#crew && {
        sessions: this.#terms.sessions,
        lost: phase.lost,
        before: before.phase.told,
        during: phase.told,
        keptPercent: keptPercentOf(before.phase.told, phase.told),
        logIns: phase.loggedIn,
        logInAfterMs: recovery.logInMs,
      },
      process: observer &&
        atFirst.server && {
          pid: observer.pid,
          before: atFirst.server,
          most: most.server ?? atFirst.server,
          after,
          processorBefore: before.processor,
          processorDuring: most.processor,
          processorAfterMs: recovery.processorMs,
        },
      ...told,
      answerMs: most.answerMs,
      answers: await this.#terms.answers(),
    };
    const { name, threats, about } = scenario;
    if (this.#sent.connections > 0 && this.#sent.taken === 0) {
      this.#notes.push(`${name}: none of its connections was taken, so nothing of it was heard`);
    }
    if (name.startsWith("live-") && this.#live.length === 0) {
      this.#notes.push(`${name}: there was no live call, its packets went into none`);
    }
    const judged = { measured, perMillion: perMillionOf(measured), verdicts: verdicts(measured) };
    return { name, threats, about, perSecond, ...judged };
  }

  /** While the stream runs: the most that the server's process took. */
  async #through(ms: number) {
    const begun = monotonicNow();
    let server = this.#account.observer?.last;
    let [sum, looks] = [0, 0];
    const looking = setInterval(() => {
      const look = this.#account.observer?.last;
      if (look === undefined) return;
      sum += look.processorPercent;
      looks++;
      const fragmentOctets = Math.max(server?.fragmentOctets ?? 0, look.fragmentOctets ?? 0);
      if (server === undefined || look.residentOctets > server.residentOctets) server = look;
      server = { ...server, fragmentOctets };
    }, bounds.sampleMs);
    await this.#until(ms + bounds.settleMs, () => !this.#streaming);
    clearInterval(looking);
    if (this.#streaming) this.#stream.tell({ kind: "stop" });
    await this.#until(bounds.settleMs, () => !this.#streaming, false);
    const lasted = ((monotonicNow() - begun) / 1_000).toFixed(1);
    this.#terms.say(`${this.#scenario}: ${unitsOf(this.#sent)} sent in ${lasted} s`);
    const answerMs = this.#account.takeSlowest();
    return { server, processor: looks === 0 ? 0 : sum / looks, answerMs };
  }

  /** From the stream's end on: how long until a new log-in works and the processor is free. */
  async #recover(level: number) {
    const ended = monotonicNow();
    this.#streamEnd = ended;
    this.#scenario = "";
    let logInMs: number | undefined;
    let processorMs: number | undefined;
    this.#onLogIn = (begunAt) => {
      if (begunAt >= ended) logInMs ??= monotonicNow() - ended;
    };
    let first: number | undefined;
    let looks = 0;
    this.#onLook = (percent) => {
      const free = percent <= level + bounds.processorSlackPercent;
      looks = free ? looks + 1 : 0;
      if (looks === 1) first = monotonicNow() - ended;
      if (looks === bounds.processorLooks) processorMs ??= first;
    };
    const recovered = () => {
      const loggedIn = this.#crew === undefined || logInMs !== undefined;
      return loggedIn && (this.#account.observer === undefined || processorMs !== undefined);
    };
    // An interrupted stream is followed by the same look as any other.
    await this.#until(bounds.recoverMs, recovered, false);
    this.#onLogIn = undefined;
    this.#onLook = undefined;
    return { logInMs, processorMs };
  }

  #onLogIn: ((begunAt: number) => void) | undefined;
  #onLook: ((percent: number) => void) | undefined;

  /** No log-in is under way. */
  async #settle(): Promise<void> {
    if (this.#crew === undefined) return;
    this.#quiet = false;
    this.#logIns(false);
    const longestMs = bounds.logInTriesMax * (bounds.logInMs + bounds.resendMs);
    await this.#until(longestMs, () => this.#quiet, false);
  }

  /** The highest share of the processor in so much time. */
  async #highest(ms: number): Promise<number> {
    let highest = 0;
    this.#onLook = (percent) => {
      highest = Math.max(highest, percent);
    };
    await this.#until(ms, () => false);
    this.#onLook = undefined;
    return highest;
  }

  async #takeDown(): Promise<void> {
    if (this.#crew === undefined) return;
    this.#ended = false;
    this.#crew.tell({ kind: "end" });
    await this.#until(bounds.settleMs, () => this.#ended, false);
  }
  #ended = false;

  #logIns(on: boolean): void {
    this.#crew?.tell({ kind: "logIns", on });
  }

  #onCrew(told: FromCrew): void {
    switch (told.kind) {
      case "steady":
        this.#steady = true;
        this.#notes.push(...new Set(told.why));
        break;
      case "live":
        this.#live = told.calls;
        this.#stream.tell({ kind: "live", calls: told.calls });
        break;
      case "lost":
        this.#phase.lost.push(told.why);
        break;
      case "logIn":
        if (this.#counts(monotonicNow() - told.agoMs)) this.#phase.logIn(told);
        if (told.ms !== undefined && told.tryMs !== undefined && told.tryMs <= bounds.logInWithinMs)
          this.#onLogIn?.(monotonicNow() - told.agoMs);
        break;
      case "echoes":
        // One that was not answered is told so much later.
        if (this.#counts(monotonicNow() - bounds.echoLostMs)) this.#phase.echoes(told);
        this.#last = new Spread(told.spread);
        break;
      case "quiet":
        this.#quiet = true;
        break;
      case "ended":
        this.#ended = true;
        break;
      case "failed":
        this.#fail(told.why);
    }
    this.#wake();
  }

  /** Whether what happened then belongs to the stream, or to the level before all. */
  #counts(at: number): boolean {
    return this.#streamEnd === undefined || at <= this.#streamEnd;
  }

  #onStream(told: FromStream): void {
    if (told.kind === "failed") return this.#fail(told.why);
    const now = monotonicNow();
    const more = unitsOf(told.sent) - unitsOf(this.#sent);
    // By when it was told: at the highest rates the stream's process is late with that.
    this.#perSecond = Math.max(0, (1_000 * more) / Math.max(now - this.#toldAt, 1));
    this.#toldAt = now;
    this.#sent = told.sent;
    if (told.kind === "done") {
      this.#streaming = false;
      this.#perSecond = 0;
    }
    this.#wake();
  }

  #sample(): void {
    const look = this.#account.observer?.look();
    this.#account.ask();
    if (look !== undefined) this.#onLook?.(look.processorPercent);
    const atMs = Math.round(monotonicNow() - this.#begun);
    const p99Ms = this.#last.percentile(99);
    this.#timeline.add({
      atMs,
      scenario: this.#scenario,
      perSecond: Math.round(this.#perSecond),
      sessions: this.#live.length,
      residentOctets: look?.residentOctets,
      descriptors: look?.descriptors,
      processorPercent: look && Math.round(look.processorPercent),
      p99Ms,
    });
    if (this.#scenario !== "" && atMs - this.#saidAt >= SAY_MS) {
      this.#saidAt = atMs;
      this.#say(p99Ms);
    }
    this.#wake();
  }

  #say(p99Ms: number | undefined): void {
    const look = this.#account.observer?.last;
    const { asked, succeeded } = this.#phase.loggedIn;
    const parts = [`${this.#scenario}: ${Math.round(this.#perSecond)}/s`];
    if (this.#crew !== undefined) {
      parts.push(`${this.#live.length} sessions`, `${succeeded} of ${asked} log-ins`);
      parts.push(`p99 ${p99Ms ?? "-"} ms`);
    }
    if (look !== undefined) {
      parts.push(`${Math.round(look.residentOctets / 1_048_576)} MiB`);
      parts.push(`${Math.round(look.processorPercent)} % of a core`);
    }
    this.#terms.say(parts.join(", "));
  }

  #fail(why: string): void {
    this.#failure ??= why;
    this.#wake();
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  /** Until it holds, the time is over, or the bench is stopped (unless it is to go on to the end). */
  async #until(ms: number, holds: () => boolean, stops = true): Promise<void> {
    const over = () => holds() || (stops && this.#stopped) || this.#failure !== undefined;
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve();
      };
      const look = () => {
        if (over()) done();
      };
      const timer = setTimeout(done, ms);
      this.#waiting.add(look);
      look();
    });
    if (this.#failure !== undefined) throw new BenchFailed(this.#failure);
  }
}
