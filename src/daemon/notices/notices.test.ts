import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Ledger } from "../../base/ledger.js";
import { Scope } from "../../base/scope.js";
import { type Bulletin, revised } from "../../core/bulletin/bulletin.js";
import type { IncidentReport } from "../../core/guard/incident-report.js";
import { notice as limits } from "../../limits/bulletin.js";
import type { KeptNotice, NoticeBody, NoticeWay } from "../../store/port.js";
import type { BulletinNews } from "../bulletins.js";
import { loadConfig } from "../config/load.js";
import { Notices } from "./notices.js";
import type { Sent } from "./ways.js";

const report: IncidentReport = {
  ...{ number: 3, begin: 1_000, end: null, ending: null, seenAt: 11_000 },
  ...{ overPerSecond: 100, perSecond: 7, peakPerSecond: 900, refused: 4_000 },
  ...{ reasons: { "data gre-flags": 4_000 }, sources: [], greSources: "sampled" },
  ...{ sessionsAtBegin: 2, sessionsEnded: {}, logIns: 1, logInsRefused: 0, processorPercent: 3 },
  ...{ blocked: [], blockedMore: 0, dropped: { connections: 0, gre: 0 } },
};
const bulletin = (number = 3): Bulletin => revised(undefined, { ...report, number }, "1.2.3");

const mailOnly =
  "notices: {mail: {server: smtp.example.org, from: a@example.org, to: [b@example.org]}}";
const both = `${mailOnly.slice(0, -1)}, webhook: {url: 'https://alerts.example.org/x'}}`;

class Bench {
  readonly kept = new Map<number, KeptNotice>();
  readonly settings = new Map<string, string>();
  readonly sent: [way: NoticeWay, body: NoticeBody][] = [];
  readonly lines: string[] = [];
  answer: Sent | "silent" = { ok: true };
  free = 50;
  yaml = mailOnly;
  scope = new Scope("server", new Ledger(() => 0 as never));
  notices = this.#make();

  #make(): Notices {
    return new Notices({
      store: {
        list: async () => ({ ok: true, value: [...this.kept.values()] }),
        put: async (one) => {
          this.kept.set(one.id, structuredClone(one));
          return { ok: true, value: undefined };
        },
        remove: async (id) => {
          this.kept.delete(id);
          return { ok: true, value: undefined };
        },
      },
      settings: {
        get: async (key) => ({ ok: true, value: this.settings.get(key) }),
        set: async (key, value) => this.settings.set(key, value),
      },
      config: () => {
        const loaded = loadConfig(this.yaml, "test");
        if (!loaded.ok) throw new Error("wrong configuration");
        return loaded.config.notices;
      },
      origin: () => ({ instance: "main", host: "gate", version: "1.2.3" }),
      facts: () => ({
        ...{ certificateEndsAt: undefined, diskFreePercent: this.free },
        ...{ storeInTrouble: false, poolPercent: 0 },
      }),
      wallClockMs: () => Date.now(),
      log: {
        info: (_fields, line) => void this.lines.push(line),
        warn: (_fields, line) => void this.lines.push(line),
      },
      send: async (_terms, way, body) => {
        if (this.answer === "silent") return new Promise<never>(() => {});
        this.sent.push([way, body]);
        return this.answer;
      },
    });
  }

  async restart(): Promise<void> {
    this.scope[Symbol.dispose]();
    this.scope = new Scope("server", new Ledger(() => 0 as never));
    this.notices = this.#make();
    await this.notices.begin(this.scope);
  }

  news(news: BulletinNews, number = 3): void {
    this.notices.bulletin(bulletin(number), news);
  }

  get events(): string[] {
    return this.sent.map(([way, { event, key }]) => `${way} ${event} ${key}`);
  }

  way(name: NoticeWay) {
    return this.notices.shown.ways.find(({ way }) => way === name)!;
  }
}

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe("notices", () => {
  test("begin, update and end go by each way that is on; an update at most every so often", async () => {
    const on = new Bench();
    on.yaml = both;
    await on.notices.begin(on.scope);
    on.news("begins");
    await pass(1);
    on.news("update");
    await pass(60_000);
    expect(on.events).toEqual(["mail begin incident 3", "webhook begin incident 3"]);
    await pass(limits.updateMs);
    on.news("update");
    await pass(1);
    on.news("ends");
    await pass(1);
    expect(on.events.filter((event) => event.startsWith("mail"))).toEqual([
      "mail begin incident 3",
      "mail update incident 3",
      "mail end incident 3",
    ]);
    expect(on.kept.size).toBe(0);
    expect(on.sent[0]?.[1].subject).toMatch(/^\[holdfast main\] BEGIN LOW: Bulletin 3: /);
    on.scope[Symbol.dispose]();
  });

  test("a failure is tried again, each time later, over a restart too; then it is gone", async () => {
    const on = new Bench();
    await on.notices.begin(on.scope);
    on.answer = { ok: false, message: "no route" };
    on.news("begins");
    await pass(1);
    expect([on.sent.length, on.kept.size]).toEqual([1, 1]);
    await pass(limits.retryMinMs);
    expect(on.sent).toHaveLength(2);
    await pass(limits.retryMinMs);
    expect(on.sent).toHaveLength(2);
    await pass(limits.retryMinMs);
    expect(on.sent).toHaveLength(3);
    expect(on.way("mail")).toMatchObject({
      waiting: 1,
      failed: 3,
      lastFailure: { message: "no route" },
    });
    expect(on.notices.problems).toEqual(["notices by mail fail: no route"]);
    await on.restart();
    on.answer = { ok: true };
    expect(on.way("mail").waiting).toBe(1);
    await pass(4 * limits.retryMinMs);
    expect([on.sent.length, on.kept.size, on.way("mail").waiting]).toEqual([4, 0, 0]);
    expect(on.notices.problems).toEqual([]);
    on.scope[Symbol.dispose]();
  });

  test("an end waits for its begin that is tried again; what is of something else does not", async () => {
    const on = new Bench();
    await on.notices.begin(on.scope);
    on.answer = { ok: false, message: "no route" };
    on.news("begins");
    await pass(1);
    on.answer = { ok: true };
    on.news("ends");
    on.news("ends", 4);
    await pass(1);
    expect(on.events).toEqual(["mail begin incident 3", "mail end incident 4"]);
    await pass(limits.retryMinMs);
    expect(on.events.slice(2)).toEqual(["mail begin incident 3", "mail end incident 3"]);
    expect(on.kept.size).toBe(0);
    on.scope[Symbol.dispose]();
  });

  test("one that is too old is given up, and said", async () => {
    const on = new Bench();
    await on.notices.begin(on.scope);
    on.answer = { ok: false, message: "no route" };
    on.news("begins");
    await pass(limits.keptMs + 2 * limits.retryMaxMs);
    expect(on.way("mail")).toMatchObject({ waiting: 0, givenUp: 1 });
    expect([on.lines.at(-1), on.kept.size]).toEqual(["a notice is given up", 0]);
    const tries = on.sent.length;
    await pass(10 * limits.retryMaxMs);
    expect(on.sent).toHaveLength(tries);
    on.scope[Symbol.dispose]();
  });

  test("no more an hour than are allowed; the rest waits for its turn", async () => {
    const on = new Bench();
    await on.notices.begin(on.scope);
    for (let number = 1; number <= limits.perHourMax + 5; number++) on.news("ends", number);
    await pass(60_000);
    expect(on.sent).toHaveLength(limits.perHourMax);
    await pass(3_600_000);
    expect(on.sent).toHaveLength(limits.perHourMax + 5);
    on.scope[Symbol.dispose]();
  });

  test("the queue is bounded: an update makes room, then the oldest; what is newer replaces an update", async () => {
    const on = new Bench();
    await on.notices.begin(on.scope);
    on.answer = "silent";
    for (let number = 1; number <= limits.queueMax; number++) {
      on.news(number === 5 ? "severity" : "ends", number);
    }
    expect(on.way("mail")).toMatchObject({ waiting: limits.queueMax, givenUp: 0 });
    on.news("ends", 100);
    await pass(1);
    const keys = () => [...on.kept.values()].map(({ key }) => key);
    expect([on.kept.size, keys().includes("incident 5")]).toEqual([limits.queueMax, false]);
    on.news("ends", 101);
    await pass(1);
    expect([on.kept.size, keys().includes("incident 1")]).toEqual([limits.queueMax, false]);
    expect(on.way("mail").givenUp).toBe(2);
    on.news("severity", 102);
    on.news("ends", 102);
    await pass(1);
    expect(keys().filter((key) => key === "incident 102")).toHaveLength(1);
    on.scope[Symbol.dispose]();
  });

  test("a way that a reload turned off is sent nothing more", async () => {
    const on = new Bench();
    await on.notices.begin(on.scope);
    on.answer = { ok: false, message: "no route" };
    on.news("begins");
    await pass(1);
    on.yaml = "";
    on.news("ends");
    await pass(10 * limits.retryMinMs);
    expect([on.sent.length, on.kept.size]).toEqual([1, 0]);
    on.scope[Symbol.dispose]();
  });

  test("a trouble: told at its begin and its end, not again after a restart", async () => {
    const on = new Bench();
    await on.notices.begin(on.scope);
    on.free = 1;
    await pass(2 * limits.checkMs + 1);
    await on.restart();
    await pass(2 * limits.checkMs + 1);
    on.free = 50;
    await pass(2 * limits.checkMs + 1);
    expect(on.events).toEqual(["mail begin trouble disk", "mail end trouble disk"]);
    expect(on.sent[0]?.[1].text).toContain("1 % of it are free");
    on.scope[Symbol.dispose]();
  });

  test("a trouble from before a way was on is told once one is, and logged once", async () => {
    const on = new Bench();
    on.yaml = "";
    await on.notices.begin(on.scope);
    on.free = 1;
    await pass(3 * limits.checkMs + 1);
    expect([on.sent.length, on.settings.size]).toEqual([0, 0]);
    on.yaml = mailOnly;
    await pass(2 * limits.checkMs + 1);
    expect(on.events).toEqual(["mail begin trouble disk"]);
    on.yaml = "";
    on.free = 50;
    await pass(2 * limits.checkMs + 1);
    on.yaml = mailOnly;
    await pass(2 * limits.checkMs + 1);
    expect(on.events).toEqual(["mail begin trouble disk", "mail end trouble disk"]);
    expect(on.lines).toEqual(["a trouble begins", "a trouble is over"]);
    on.scope[Symbol.dispose]();
  });

  test("a test goes at once, past the queue, and says what went wrong", async () => {
    const on = new Bench();
    on.yaml = both;
    on.answer = { ok: false, message: "no route" };
    const { results } = await on.notices.test();
    expect(results.map(({ way, ok, problem }) => [way, ok, problem])).toEqual([
      ["mail", false, "no route"],
      ["webhook", false, "no route"],
    ]);
    expect(results[1]?.destination).toBe("https://alerts.example.org");
    expect(on.kept.size).toBe(0);
    on.yaml = "";
    expect(await on.notices.test()).toEqual({ results: [] });
  });

  test("in Japanese where the configuration says so", async () => {
    const on = new Bench();
    on.yaml = mailOnly.replace("{mail", "{language: ja, mail");
    await on.notices.begin(on.scope);
    on.news("begins");
    await pass(1);
    expect(on.sent[0]?.[1].subject).toMatch(/\[発生\] 低: セキュリティ情報 3: /);
    on.scope[Symbol.dispose]();
  });

  test("after the scope is given back no timer is left", async () => {
    const on = new Bench();
    await on.notices.begin(on.scope);
    on.answer = { ok: false, message: "no route" };
    on.news("begins");
    await pass(1);
    on.scope[Symbol.dispose]();
    expect(vi.getTimerCount()).toBe(0);
  });
});
