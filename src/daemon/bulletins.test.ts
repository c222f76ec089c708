import { describe, expect, test } from "vitest";
import type { Bulletin } from "../core/bulletin/bulletin.js";
import type { IncidentReport } from "../core/guard/incident-report.js";
import { Bulletins } from "./bulletins.js";

const report: IncidentReport = {
  ...{ number: 3, begin: 1_000, end: null, ending: null, seenAt: 11_000 },
  ...{ overPerSecond: 100, perSecond: 7, peakPerSecond: 900, refused: 4_000 },
  ...{ reasons: { "data gre-flags": 4_000 }, sources: [], greSources: "sampled" },
  ...{ sessionsAtBegin: 2, sessionsEnded: {}, logIns: 1, logInsRefused: 0, processorPercent: 3 },
  ...{ blocked: [], blockedMore: 0, dropped: { connections: 0, gre: 0 } },
};
const trouble = { ok: false, reason: "trouble", what: "full", message: "", remedy: "" } as const;

function bench() {
  const kept = new Map<number, Bulletin>();
  const on = { keeps: true, finds: true, news: [] as string[], lines: [] as string[] };
  const bulletins = new Bulletins({
    version: "1.2.3",
    store: {
      put: async (bulletin) => {
        if (!on.keeps) return trouble;
        kept.set(bulletin.number, structuredClone(bulletin));
        return { ok: true, value: undefined };
      },
      find: async (number) => (on.finds ? { ok: true, value: kept.get(number) } : trouble),
      list: async () => ({ ok: true, value: [...kept.values()].reverse() }),
    },
    log: { warn: (_fields, line) => void on.lines.push(line) },
    tell: ({ number, revisions }, news) =>
      void on.news.push(`${number}.${revisions.length} ${news}`),
  });
  return { ...on, on, kept, bulletins };
}

/** The newest that is kept. */
async function shownBy({ terms }: Bulletins): Promise<Bulletin | undefined> {
  const listed = await terms.store.list({ most: 1 });
  return listed.ok ? listed.value[0] : undefined;
}

describe("bulletins of a server", () => {
  test("news is told as such, fresh figures as an update; both are kept", async () => {
    const { on, kept, bulletins } = bench();
    await bulletins.told(report);
    await bulletins.told({ ...report, refused: 9_000, seenAt: 71_000 });
    await bulletins.told({ ...report, end: 80_000, ending: "quiet", seenAt: 140_000 });
    expect(on.news).toEqual(["3.1 begins", "3.1 update", "3.2 ends"]);
    expect(kept.get(3)?.report.ending).toBe("quiet");
  });

  test("a store in trouble: said, and told all the same", async () => {
    const { on, bulletins } = bench();
    on.keeps = false;
    await bulletins.told(report);
    await bulletins.told({ ...report, refused: 9_000, seenAt: 71_000 });
    expect(on.news).toEqual(["3.1 begins", "3.1 update"]);
    const line = "a bulletin is not kept over a restart";
    expect(on.lines).toEqual([line, line]);
  });

  test("a store that cannot be read: nothing begins again, and no revision is lost", async () => {
    const { on, kept, bulletins } = bench();
    await bulletins.told(report);
    await bulletins.told({ ...report, processorPercent: 90, seenAt: 71_000 });
    on.finds = false;
    await bulletins.told({ ...report, processorPercent: 90, seenAt: 131_000 });
    await bulletins.told({ ...report, number: 4, seenAt: 191_000 });
    expect(on.news).toEqual(["3.1 begins", "3.2 severity", "3.2 update", "4.1 begins"]);
    expect(kept.get(3)?.revisions).toHaveLength(2);
  });

  test("left going on by a run that was killed: ended with its incident, once", async () => {
    const { on, bulletins } = bench();
    await bulletins.told(report);
    const lost = { ...report, end: 11_000, ending: "server-lost" } as const;
    const incidents = { find: async () => ({ ok: true, value: lost }) as const };
    await bulletins.begin(incidents);
    await bulletins.begin(incidents);
    expect(on.news).toEqual(["3.1 begins", "3.2 ends"]);
    const shown = await bulletins.find(3, "en");
    expect(shown).toMatchObject({ ok: true, value: { goesOn: false, revision: 2 } });
    expect(JSON.stringify(shown)).toContain("not over when the server was killed");
  });

  test("left going on, and the store cannot be asked again: the same one ends, with its revisions", async () => {
    const { on, bulletins } = bench();
    await bulletins.told(report);
    await bulletins.told({ ...report, processorPercent: 90, seenAt: 71_000 });
    const next = bench();
    next.kept.set(3, (await shownBy(bulletins))!);
    next.on.finds = false;
    const lost = { ...report, end: 11_000, ending: "server-lost" } as const;
    await next.bulletins.begin({ find: async () => ({ ok: true, value: lost }) as const });
    expect([on.news, next.on.news]).toEqual([["3.1 begins", "3.2 severity"], ["3.3 ends"]]);
  });

  test("in the language asked for; none of that number", async () => {
    const { bulletins } = bench();
    await bulletins.told(report);
    const listed = await bulletins.list({ most: 5 }, "ja");
    expect(listed).toMatchObject({ ok: true, value: [{ language: "ja", severityName: "低" }] });
    expect(await bulletins.find(4, "ja")).toEqual({ ok: true, value: undefined });
  });
});
