// The store's thread: the tables in memory, its answers late, refused by a disk in trouble, or never
// given because the thread died. The queue before it is the product's own.
import { EventEmitter } from "node:events";
import type { Chance } from "../../../src/base/chance.js";
import type { Bulletin } from "../../../src/core/bulletin/bulletin.js";
import type { IncidentReport } from "../../../src/core/guard/incident-report.js";
import { ntPasswordHash } from "../../../src/crypto/ms-chap.js";
import {
  type Account,
  type AccountChange,
  type Answer,
  answer,
  type KeptBlock,
  refused,
  type SessionRecord,
  type StoreTrouble,
  type TroubleKind,
  type UsualRate,
} from "../../../src/store/port.js";
import type { FromThread, Request, ToThread } from "../../../src/store/sqlite-link.js";
import type { StoreThread } from "../../../src/store/sqlite-store.js";
import { troubleWith } from "../../../src/store/store-trouble.js";
import type { SimTime } from "./time.js";

export type KeptSession = { readonly record: SessionRecord; ended: string | undefined };

/** What is on the disk, whichever thread wrote it. */
export class SimTables {
  readonly accounts = new Map<string, { account: Account; password: string }>();
  readonly sessions = new Map<string, KeptSession>();
  readonly settings = new Map<string, string>();
  /** By address and length. */
  readonly blocks = new Map<string, KeptBlock>();
  readonly incidents = new Map<number, IncidentReport>();
  readonly bulletins = new Map<number, Bulletin>();
  readonly usualRates: UsualRate[] = [];
  /** Stops of sessions that were never started, and second stops. */
  readonly faults: string[] = [];

  run({ operation, ask }: Request): Answer<unknown> {
    const given = (ask ?? {}) as Record<string, unknown>;
    const name = String(given.name);
    switch (operation) {
      case "account-find":
        return answer(this.accounts.get(name)?.account);
      case "account-secrets":
        return answer(this.#secrets(given.names as readonly string[]));
      case "account-enabled":
        return this.#change(name, { enabled: Boolean(given.enabled) });
      case "account-update":
        return this.#change(name, given.change as AccountChange);
      case "static-addresses":
        return answer(this.#staticAddresses());
      case "setting-get":
        return answer(this.settings.get(String(given.key)));
      case "setting-set":
        this.settings.set(String(given.key), String(given.value));
        return answer(undefined);
      case "blocks-list":
        return answer([...this.blocks.values()]);
      case "block-put":
        this.blocks.set(
          JSON.stringify((given.block as KeptBlock).source),
          given.block as KeptBlock,
        );
        return answer(undefined);
      case "block-remove":
        this.blocks.delete(JSON.stringify(given.source));
        return answer(undefined);
      case "incidents-list":
        return answer([...this.incidents.values()].reverse().slice(0, Number(given.most ?? 1)));
      case "incident-put":
        this.incidents.set((given.report as IncidentReport).number, given.report as IncidentReport);
        return answer(undefined);
      case "usual-rates":
        return answer(this.usualRates.filter(({ at }) => at > Number(given.after)));
      case "usual-rate-put":
        this.usualRates.push(given.rate as UsualRate);
        return answer(undefined);
      case "notices-list":
        return answer([]);
      case "bulletins-list":
        return answer([...this.bulletins.values()].reverse().slice(0, Number(given.most ?? 1)));
      case "bulletin-find":
        return answer(this.bulletins.get(Number(given.number)));
      case "bulletin-put":
        this.bulletins.set((given.bulletin as Bulletin).number, given.bulletin as Bulletin);
        return answer(undefined);
      case "session-start":
      case "session-interim":
      case "session-stop":
        return this.#session(operation, given.session as SessionRecord, given.cause);
      case "configure":
        return answer({ clearTextsErased: 0, clashes: [] });
      default:
        return answer(0);
    }
  }

  #secrets(names: readonly string[]): unknown {
    const found = names.flatMap((name) => this.accounts.get(name) ?? [])[0];
    if (found === undefined) return undefined;
    const { account, password } = found;
    return { account, ntHash: ntPasswordHash(password), clearText: undefined };
  }

  #change(name: string, change: Partial<Account>): Answer<unknown> {
    const found = this.accounts.get(name);
    if (found === undefined) return refused("unknown-account", "no such account", "add it");
    found.account = { ...found.account, ...change };
    return answer(found.account);
  }

  #staticAddresses(): unknown {
    return [...this.accounts.values()].flatMap(({ account: { accountId, staticAddress } }) =>
      staticAddress === undefined ? [] : [{ accountId, address: staticAddress }],
    );
  }

  /** Each record is whole: a stop whose start was lost makes the session all the same. */
  #session(operation: string, record: SessionRecord, cause: unknown): Answer<void> {
    const kept = this.sessions.get(record.sessionId) ?? { record, ended: undefined };
    this.sessions.set(record.sessionId, kept);
    if (kept.ended !== undefined)
      this.faults.push(`${operation} of ${record.sessionId} after its end`);
    if (operation === "session-stop") kept.ended = String(cause);
    return answer(undefined);
  }
}

const TROUBLES: readonly TroubleKind[] = ["full", "locked", "failed"];

/** How the disk and the thread are at the moment. */
export class StoreWeather {
  trouble: TroubleKind | undefined;
  slowMs = 0;
  /** Not answered at all before then. */
  silentUntil = 0;
  thread: SimThread | undefined;

  constructor(
    readonly time: SimTime,
    readonly chance: Chance,
    readonly tables: SimTables,
  ) {}

  readonly startThread = (): StoreThread => {
    this.thread = new SimThread(this);
    return this.thread as unknown as StoreThread;
  };

  /** Something goes wrong, for a while. */
  worsen(): string {
    const { chance, time } = this;
    const lastsMs = chance.int(50, 15_000);
    const what = chance.of(["trouble", "slow", "silent", "dies"] as const);
    if (what === "trouble") {
      this.trouble = chance.of(TROUBLES);
      time.schedule.in(lastsMs, () => {
        this.trouble = undefined;
      });
    } else if (what === "slow") {
      this.slowMs = chance.int(20, 3_000);
      time.schedule.in(lastsMs, () => {
        this.slowMs = 0;
      });
    } else if (what === "silent") this.silentUntil = time.schedule.now + lastsMs;
    else this.thread?.die();
    return what;
  }
}

class SimThread extends EventEmitter {
  #dead = false;
  /** Its answers leave in the order of its work. */
  #busyUntil = 0;

  constructor(readonly weather: StoreWeather) {
    super();
    const tid = 1;
    this.#later(5, () => this.emit("message", { kind: "opened", instanceId: "simulated", tid }));
  }

  postMessage(message: ToThread): void {
    if (this.#dead) return;
    if (message.kind === "close") return this.#end(0);
    const { tables, chance } = this.weather;
    const ms = chance.happens(0.9) ? chance.int(0, 3) : chance.int(3, 60);
    const last = message.writes.length === 0 && message.alone === undefined;
    if (message.reads.length > 0) {
      this.#later(ms, () => {
        const answers = message.reads.map((one) => this.#orTrouble(() => tables.run(one)));
        this.#tell({ kind: "read", answers, last });
      });
    }
    if (last && message.reads.length > 0) return;
    this.#later(ms, () => {
      const trouble = this.#trouble();
      const answers = trouble ?? message.writes.map((one) => tables.run(one));
      const alone = message.alone === undefined ? undefined : answer(undefined);
      this.#tell({ kind: "written", answers, alone });
    });
  }

  terminate(): Promise<number> {
    this.#end(1);
    return Promise.resolve(1);
  }

  die(): void {
    this.#end(134);
  }

  #orTrouble(run: () => Answer<unknown>): Answer<unknown> {
    return this.#trouble() ?? run();
  }

  #trouble(): StoreTrouble | undefined {
    const { trouble } = this.weather;
    return trouble && troubleWith(trouble, "simulated");
  }

  #tell(message: FromThread): void {
    this.emit("message", message);
  }

  #later(ms: number, run: () => void): void {
    const { time, slowMs, silentUntil } = this.weather;
    const { now } = time.schedule;
    this.#busyUntil = Math.max(this.#busyUntil, now + ms + slowMs, silentUntil);
    time.in(this.#busyUntil - now, () => {
      if (!this.#dead) run();
    });
  }

  #end(code: number): void {
    if (this.#dead) return;
    this.#dead = true;
    this.weather.time.in(1, () => this.emit("exit", code));
  }
}
