import { describe, expect, test } from "vitest";
import { parseIpv4 } from "../base/ip.js";
import { Ledger } from "../base/ledger.js";
import { hostPrefix } from "../base/range4.js";
import { Scope } from "../base/scope.js";
import { Blocks } from "../core/guard/blocks.js";
import type { IncidentReport } from "../core/guard/incident-report.js";
import type { ServerEvent } from "../core/server-ports.js";
import { incident as limits } from "../limits.js";
import { Incidents } from "./incidents.js";

const A = parseIpv4("203.0.113.7")!;
const B = parseIpv4("203.0.113.8")!;
const wallAhead = 1_000_000;
const quietS = limits.quietMs / 1_000;

class Bench {
  now = 10_000;
  refused = 0;
  dropped = { connections: 5, gre: 0 };
  sources: { sources: readonly number[]; each: number } | undefined = { sources: [], each: 1 };
  readonly blocks = new Blocks();
  readonly kept = new Map<number, IncidentReport>();
  readonly lines: [line: string, fields: Record<string, unknown>][] = [];
  readonly published: [number: number, ending: IncidentReport["ending"]][] = [];
  keeps = true;
  rates: { at: number; perSecond: number }[] = [];
  readonly incidents = new Incidents({
    limits,
    blocks: this.blocks,
    clock: () => this.now,
    wallClockMs: () => this.now + wallAhead,
    // A quarter of a processor, always.
    processorMs: () => this.now / 4,
    totals: () => ({ "data gre-flags": this.refused }),
    takeSources: () => this.sources,
    dropped: async () => ({ ...this.dropped }),
    publish: async ({ number, ending }) => void this.published.push([number, ending]),
    log: { warn: (fields, line) => void this.lines.push([line, fields]) },
    store: {
      put: async (report) => {
        this.kept.set(report.number, structuredClone(report));
        return this.keeps ? { ok: true, value: undefined } : trouble;
      },
      list: async () => ({ ok: true, value: [...this.kept.values()].reverse() }),
      find: async (number) => ({ ok: true, value: this.kept.get(number) }),
      endOrphans: async () => ({ ok: true, value: 0 }),
      usualRates: async ({ after, until }) => {
        const value = this.rates.filter(({ at }) => at > after && at <= until);
        return this.keeps ? { ok: true, value } : trouble;
      },
      putUsualRate: async (rate) => {
        this.rates.push(rate);
        return { ok: true, value: undefined };
      },
    },
  });

  /** Without `begin` the first look is made here. */
  constructor({ looked = true } = {}) {
    if (looked) this.incidents.check();
  }

  async seconds(count: number, perSecond: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      this.now += 1_000;
      this.refused += perSecond;
      this.incidents.check();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  event(kind: "SessionUp" | "LoginRefused" | "SessionEnded", cause = "echo-timeout"): void {
    this.incidents.handle({ kind, cause, info: { upAt: 1 } } as unknown as ServerEvent);
  }

  get said(): string[] {
    return this.lines.map(([line]) => line);
  }
}

const trouble = { ok: false, reason: "trouble", what: "full", message: "", remedy: "" } as const;
const [begins, goesOn, over] = [
  "an incident begins: more is refused than usual",
  "the incident goes on",
  "the incident is over",
];

describe("incidents of a server", () => {
  test("a line at begin, one a minute, one at the end; written down as often", async () => {
    const on = new Bench();
    await on.seconds(10, 5);
    expect(on.said).toEqual([]);
    await on.seconds(150, 50_000);
    expect(on.said).toEqual([begins, goesOn, goesOn]);
    expect(on.kept.get(1)).toMatchObject({ end: null, ending: null, perSecond: 50_000 });
    await on.seconds(quietS, 0);
    expect(on.said).toEqual([begins, goesOn, goesOn, goesOn, over]);
    expect(on.incidents.open).toBeUndefined();
    expect(on.published.map(([, ending]) => ending)).toEqual([null, null, null, null, "quiet"]);
    const begin = wallAhead + 20_000;
    expect(on.kept.get(1)).toMatchObject({
      ...{ begin, end: begin + 150_000, ending: "quiet", peakPerSecond: 50_000 },
      ...{ refused: 7_500_000, reasons: { "data gre-flags": 7_500_000 }, processorPercent: 25 },
    });
  });

  test("what comes in the server's first second is counted", async () => {
    const on = new Bench({ looked: false });
    const scope = new Scope("server", new Ledger(() => 0 as never));
    await on.incidents.begin(scope);
    await on.seconds(1, 5_000);
    expect(on.incidents.open).toMatchObject({ refused: 5_000 });
    scope[Symbol.dispose]();
  });

  test("sessions, log-ins and blocks from its begin on, also those before it was noticed", async () => {
    const on = new Bench();
    on.event("SessionUp");
    on.event("SessionUp");
    on.event("SessionEnded");
    await on.seconds(3, 0);
    on.event("SessionEnded");
    on.event("SessionUp");
    on.now += 500;
    on.blocks.automatic(A, "connection rate", on.now);
    on.blocks.byOperator(hostPrefix(B), "by hand", on.now, 60_000);
    await on.seconds(1, 5_000);
    on.event("LoginRefused");
    on.incidents.blocked(on.blocks.automatic(B, "failed log-ins", on.now));
    on.dropped = { connections: 12, gre: 3 };
    await on.seconds(quietS, 0);
    expect(on.kept.get(1)).toMatchObject({
      ...{ sessionsAtBegin: 1, sessionsEnded: { "echo-timeout": 1 }, logIns: 1, logInsRefused: 1 },
      blocked: [
        { address: "203.0.113.7", reason: "connection rate" },
        { address: "203.0.113.8", reason: "failed log-ins" },
      ],
      dropped: { connections: 7, gre: 3 },
    });
  });

  test("more blocks than are listed are a number", async () => {
    const on = new Bench();
    await on.seconds(2, 5_000);
    for (let i = 0; i < limits.blocksMax + 3; i++) {
      on.incidents.blocked(on.blocks.automatic(A + i, "connection rate", on.now));
    }
    expect(on.incidents.open?.blocked).toHaveLength(limits.blocksMax);
    expect(on.incidents.open?.blockedMore).toBe(3);
  });

  test("sources: those of GRE by sample and said to be forgeable, or said not to be known", async () => {
    const on = new Bench();
    on.incidents.turnedAway(A);
    on.sources = { sources: [B, B, B, B], each: 1_250 };
    await on.seconds(1, 5_000);
    expect(on.incidents.open).toMatchObject({
      greSources: "sampled",
      sources: [
        { address: "203.0.113.7", count: 1, mayBeForged: false },
        { address: "203.0.113.8", count: 5_000, mayBeForged: true },
      ],
    });
    expect(on.lines[0]?.[1].sources).toContain("203.0.113.8: 5000, source may be forged");
    on.sources = undefined;
    await on.seconds(1, 5_000);
    expect(on.incidents.open?.greSources).toBe("not-sampled");
  });

  test("the one that is open is listed as it is now, before the others", async () => {
    const on = new Bench();
    await on.seconds(2, 5_000);
    await on.seconds(quietS, 0);
    await on.seconds(3, 9_000);
    const listed = await on.incidents.list({ most: 10 });
    expect(listed.ok && listed.value.map(({ number, end }) => [number, end !== null])).toEqual([
      [2, false],
      [1, true],
    ]);
    expect(await on.incidents.find(2)).toMatchObject({ value: { refused: 27_000 } });
    expect(await on.incidents.find(1)).toMatchObject({ value: { refused: 10_000 } });
    const older = await on.incidents.list({ before: 2, most: 10 });
    expect(older.ok && older.value.map(({ number }) => number)).toEqual([1]);
  });

  test("the server stops: it ends with it, as such", async () => {
    const on = new Bench();
    await on.seconds(5, 5_000);
    await on.incidents.end();
    expect(on.kept.get(1)).toMatchObject({ ending: "server-stopped", end: on.now + wallAhead });
    expect(on.said).toEqual([begins, "the incident ends with the server"]);
    await on.incidents.end();
    expect(on.said).toHaveLength(2);
  });

  test("a store in trouble is said, and nothing else is lost", async () => {
    const on = new Bench();
    on.keeps = false;
    await on.seconds(2, 5_000);
    expect(on.said).toEqual([begins, "an incident is not kept over a restart"]);
    expect(on.incidents.open?.refused).toBe(10_000);
  });

  test("what was usual is so after a restart, as far as it is of the last day", async () => {
    const before = new Bench();
    await before.seconds((3 * limits.bucketMs) / 1_000, 60);
    expect(before.rates.map(({ perSecond }) => perSecond)).toEqual([60, 60, 60]);
    expect(before.rates.at(-1)?.at).toBe(before.now + wallAhead);
    // 4 times the usual is 240: twice the floor is no incident where 60 is usual.
    const again = async (rates: Bench["rates"]) => {
      const on = new Bench();
      on.now = before.now;
      on.rates = rates;
      using scope = new Scope("test", new Ledger(() => 0 as never));
      await on.incidents.begin(scope);
      on.incidents.check();
      await on.seconds(60, 200);
      return on.said;
    };
    expect(await again(before.rates)).toEqual([]);
    expect(await again([])).toEqual([begins]);
    const moved = (ms: number) => before.rates.map((one) => ({ ...one, at: one.at + ms }));
    const day = limits.bucketMs * limits.bucketsMax;
    expect(await again(moved(-day))).toEqual([begins]);
    expect(await again(moved(day))).toEqual([begins]);
  });

  test("a store that cannot be read: a line, and a usual rate of its own", async () => {
    const on = new Bench();
    on.keeps = false;
    using scope = new Scope("test", new Ledger(() => 0 as never));
    await on.incidents.begin(scope);
    expect(on.said).toContain("what was usual before the restart is not known");
  });
});
