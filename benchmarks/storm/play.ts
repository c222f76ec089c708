// One stream after the other at one server, and what the honest, the server's process and its log have to
// say of each.
import { storm as bounds } from "../../src/limits/storm.js";
import { threadRun } from "../../src/os/thread-run.js";
import { Child } from "../../src/storm/child.js";
import type { LogIns } from "../../src/storm/measure.js";
import type { FromStream, LiveCall, Sent, ToStream } from "../../src/storm/messages.js";
import { say } from "../results.js";
import { Ammunition, type Flooded, GRE, NOBODYS } from "./flood.js";
import { Honest, type Met } from "./honest.js";
import { credentials, type Stage } from "./stage.js";
import type { TalkTerms } from "./terms.js";

export type PlayTerms = {
  readonly sessions: number;
  /** Echoes of each on the way. */
  readonly outstanding: number;
  readonly seconds: number;
  readonly seed: number;
};

/** What a server showed while a stream ran, and after it. */
export type Shown = {
  readonly met: Met;
  readonly logIns: LogIns;
  /** Of one core. */
  readonly processorPercent: number;
  /** By reason, the most first. */
  readonly counted: Readonly<Record<string, number>> | undefined;
  /** Log lines but those of log-ins, and of the most frequent kind. */
  readonly logLines: number;
  readonly logLinesOfAKind: number;
  readonly descriptorsMost: number;
  /** From the stream's end until processor and event loops were as before; undefined: not while watched. */
  readonly recoveredS: number | undefined;
};

export type PacketSample = {
  readonly scenario: string;
  readonly sent: Flooded;
  readonly shown: Shown;
  /** The same packets to nobody, as fast as those went. */
  readonly control: { readonly sent: Flooded; readonly met: Met };
};

export type TalkSample = {
  readonly scenario: string;
  readonly floods: boolean;
  readonly sources: number;
  readonly seconds: number;
  readonly sent: Sent;
  readonly shown: Shown;
  /** Without a stream. */
  readonly control: { readonly met: Met };
};

/** What is held, all collected. Heaps: of Node processes, octets. */
export type Memory = {
  readonly heaps: Readonly<Record<string, number>>;
  readonly residentOctets: number;
};

type Level = { readonly processor: number; readonly delay: number };

const WARM_MS = 500;
const REST_MS = 2_000;
/** A loop that may be late by no more than this above its level is in time. */
const DELAY_SLACK_MS = 25;
const PRECISE = 10;
const ordinary = /"msg":"(logged in|session ended|session up|call ended without a log-in)"|^$/;

export class Play implements Disposable {
  readonly #stage: Stage;
  readonly #terms: PlayTerms;
  readonly #honest: Honest;
  readonly #ammunition: Ammunition;
  packets = 0;

  private constructor(stage: Stage, terms: PlayTerms, honest: Honest) {
    this.#stage = stage;
    this.#terms = terms;
    this.#honest = honest;
    const sources = stage.hostile(PRECISE, 256);
    this.#ammunition = new Ammunition(stage.server, sources, honest.live, terms.seed);
  }

  static async on(stage: Stage, terms: PlayTerms): Promise<Play> {
    const { server, honest: locals } = stage;
    const { sessions } = terms;
    const honest = await Honest.up({ server, locals, credentials, sessions });
    say(`${sessions} sessions are up`);
    return new Play(stage, terms, honest);
  }

  /** `packets`: 0 for a stream of so many seconds as agreed. */
  async packetStream(scenario: string, rate: number, packets = 0): Promise<PacketSample> {
    const { seconds } = this.#terms;
    const lasts = packets === 0 ? seconds : 3_600;
    const terms = { rate, packets, seconds: lasts + WARM_MS / 1_000 };
    const { result, met, ...shown } = await this.#shown(() =>
      this.#ammunition.flood(scenario, { ...terms, protocol: GRE }),
    );
    this.packets += result.packets;
    // As fast, which may be slower than the sender could with nobody at the other end.
    const controlled = { protocol: NOBODYS, rate: result.packets / result.seconds };
    this.#honest.logIns();
    const control = await this.#under(() =>
      this.#ammunition.flood(scenario, {
        ...terms,
        packets: 0,
        ...controlled,
        seconds: seconds + WARM_MS / 1_000,
      }),
    );
    await this.#honest.loggedIn();
    const sample = {
      scenario,
      sent: result,
      shown: { met, ...shown },
      control: { sent: control.result, met: control.met },
    };
    say(
      `${scenario}: ${Math.round(result.packets / result.seconds)} packets/s, ` +
        `${Math.round(met.echoesPerSecond)} echoes/s, control ` +
        `${Math.round(control.met.echoesPerSecond)}, recovered in ${shown.recoveredS} s`,
    );
    return sample;
  }

  async talkStream(
    scenario: string,
    { networks, sources, first, perSecond, floods, seconds = this.#terms.seconds }: TalkTerms,
    known?: Met,
  ): Promise<TalkSample> {
    const { seed } = this.#terms;
    const from = this.#stage.hostile(networks, sources, first);
    const begin = {
      ...({ kind: "begin", scenario, seed, server: this.#stage.server, port: 1_723 } as const),
      ...{ credentials, sources: from, perSecond, seconds: seconds + WARM_MS / 1_000 },
    };
    const control = known ?? (await this.quietly());
    const { result, met, ...shown } = await this.#shown(() => streamed(begin, this.#honest.live));
    say(
      `${scenario}: ${result.packets} packets, ${result.connections} connections, ${result.taken} taken, ${shown.logIns.succeeded} of ${shown.logIns.asked} log-ins, recovered in ${shown.recoveredS} s`,
    );
    return {
      ...{ scenario, floods, sources, seconds, sent: result },
      shown: { met, ...shown },
      control: { met: control },
    };
  }

  /** What the honest meet with while there is no stream: the control run of streams of connections. */
  async quietly(): Promise<Met> {
    this.#honest.logIns();
    const { met } = await this.#under(() => pause(this.#terms.seconds * 1_000 + WARM_MS));
    await this.#honest.loggedIn();
    return met;
  }

  /** After collections in what can be collected. */
  async memory(): Promise<Memory> {
    await pause(REST_MS);
    const { inside } = this.#stage.stormed;
    const heaps: Record<string, number> = {};
    for (const [what, eyes] of Object.entries(inside ?? {})) {
      await eyes.ask("collect");
      heaps[what] = Number(await eyes.ask("heap"));
    }
    return { heaps, residentOctets: this.#stage.usage().residentOctets };
  }

  end(): Promise<void> {
    return this.#honest.end();
  }

  [Symbol.dispose](): void {
    this.#ammunition[Symbol.dispose]();
    this.#honest[Symbol.dispose]();
  }

  /** The honest under load while `stream` runs. */
  async #under<T>(stream: () => Promise<T>): Promise<{ readonly result: T; readonly met: Met }> {
    this.#honest.load(this.#terms.outstanding);
    const streaming = stream();
    await pause(WARM_MS);
    this.#honest.begin();
    const result = await streaming;
    const { met } = this.#honest;
    this.#honest.load(0);
    return { result, met };
  }

  async #shown<T>(stream: () => Promise<T>): Promise<Shown & { readonly result: T }> {
    const { stormed } = this.#stage;
    const level = await this.#level();
    const [counters, logged] = [await stormed.counters(), (await stormed.logged()).length];
    const before = this.#stage.usage();
    let descriptorsMost = before.descriptors ?? 0;
    const looking = setInterval(() => {
      descriptorsMost = Math.max(descriptorsMost, this.#stage.usage().descriptors ?? 0);
    }, bounds.sampleMs);
    const begun = performance.now();
    this.#honest.logIns();
    const { result, met } = await this.#under(stream).finally(() => clearInterval(looking));
    const spent = this.#stage.usage().processorMs - before.processorMs;
    const processorPercent = (100 * spent) / (performance.now() - begun);
    const [recoveredS, logIns] = await Promise.all([
      this.#recovered(level),
      this.#honest.loggedIn(),
    ]);
    const lines = (await stormed.logged()).slice(logged).filter((line) => !ordinary.test(line));
    return {
      ...{ result, met, logIns, processorPercent, descriptorsMost, recoveredS },
      counted: more(counters, await stormed.counters()),
      logLines: lines.length,
      logLinesOfAKind: mostOfAKind(lines),
    };
  }

  async #level(): Promise<Level> {
    const level = { processor: 0, delay: 0 };
    await this.#look();
    for (let ms = 0; ms < REST_MS; ms += bounds.sampleMs) {
      const { processor, delay } = await this.#look();
      level.processor = Math.max(level.processor, processor);
      level.delay = Math.max(level.delay, delay);
    }
    return level;
  }

  /**
   * Of one window: processor in percent of a core, and the longest that an event can have waited for one of the
   * two loops. The main process's is Node's, and says so itself. A data worker waits by its own epoll and gives
   * Node a turn now and then, so that Node's record says nothing of it: at most it was what it ran and waited
   * for a processor, as the scheduler counts it.
   */
  async #look(): Promise<Level> {
    const { inside, dataWorker } = this.#stage.stormed;
    const busy = () => {
      const run = dataWorker === undefined ? undefined : threadRun(dataWorker);
      return run === undefined ? 0 : run.ranMs + run.waitedMs;
    };
    const [begun, before, busyBefore] = [
      performance.now(),
      this.#stage.usage().processorMs,
      busy(),
    ];
    await pause(bounds.sampleMs);
    const main = inside === undefined ? 0 : Number(await inside.main.ask("delay"));
    const delay = Math.max(main, busy() - busyBefore);
    const spent = this.#stage.usage().processorMs - before;
    return { processor: (100 * spent) / (performance.now() - begun), delay };
  }

  async #recovered(level: Level): Promise<number | undefined> {
    const ended = performance.now();
    let [free, first] = [0, 0];
    // What the stream itself left in the loop's record.
    await this.#stage.stormed.inside?.main.ask("delay");
    while (performance.now() - ended < bounds.recoverMs) {
      const { processor, delay } = await this.#look();
      const back =
        processor <= level.processor + bounds.processorSlackPercent &&
        delay <= level.delay + DELAY_SLACK_MS;
      free = back ? free + 1 : 0;
      if (free === 1) first = (performance.now() - ended) / 1_000;
      if (free === bounds.processorLooks) return first;
    }
    return undefined;
  }
}

/** A scenario's connections or packets, by the process of `holdfast storm` that makes them. */
async function streamed(
  begin: Extract<ToStream, { kind: "begin" }>,
  calls: readonly LiveCall[],
): Promise<Sent> {
  const { promise, resolve, reject } = withResolvers<Sent>();
  using child = new Child<ToStream, FromStream>(
    new URL("../../dist/storm/stream/stream-main.js", import.meta.url),
    (told) => {
      if (told.kind === "done") resolve(told.sent);
      else if (told.kind === "failed") reject(new Error(told.why));
    },
    (why) => reject(new Error(`the stream's process ${why}`)),
  );
  child.tell({ kind: "live", calls });
  child.tell(begin);
  return await promise;
}

function withResolvers<T>() {
  let resolve: (value: T) => void = () => {};
  let reject: (failure: Error) => void = () => {};
  const promise = new Promise<T>((one, other) => {
    resolve = one;
    reject = other;
  });
  return { promise, resolve, reject };
}

function more(
  before: Readonly<Record<string, number>> | undefined,
  after: Readonly<Record<string, number>> | undefined,
): Readonly<Record<string, number>> | undefined {
  if (before === undefined || after === undefined) return undefined;
  const grown = Object.entries(after).flatMap(([reason, count]) => {
    const by = count - (before[reason] ?? 0);
    return by > 0 ? [[reason, by] as const] : [];
  });
  return Object.fromEntries(grown.sort(([, a], [, b]) => b - a));
}

function mostOfAKind(lines: readonly string[]): number {
  const kinds = new Map<string, number>();
  for (const line of lines) {
    const kind = /"msg":"([^"]*)"/.exec(line)?.[1] ?? line.replaceAll(/[0-9a-fx]+/g, "");
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  return Math.max(0, ...kinds.values());
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
