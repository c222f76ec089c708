import { describe, expect, test } from "vitest";
import { languages } from "../../base/severity.js";
import { bulletin as limits } from "../../limits/bulletin.js";
import type { IncidentReport } from "../guard/incident-report.js";
import { type Bulletin, kindOf, kinds, mainKindOf, revised, severityOf } from "./bulletin.js";
import { bulletinHtml, bulletinMarkdown, bulletinText } from "./forms.js";
import { told, wordsOf } from "./told.js";

const report: IncidentReport = {
  ...{ number: 3, begin: 1_000, end: null, ending: null, seenAt: 11_000 },
  ...{ overPerSecond: 100, perSecond: 7, peakPerSecond: 90_000, refused: 4_000_001 },
  reasons: { "malformed SCCRQ Length": 1, "data gre-flags": 4_000_000 },
  sources: [
    { address: "192.0.2.1", count: 30, mayBeForged: false },
    { address: "192.0.2.2", count: 4_000, mayBeForged: true },
  ],
  greSources: "sampled",
  ...{ sessionsAtBegin: 20, sessionsEnded: {}, logIns: 1, logInsRefused: 2, processorPercent: 3 },
  ...{ blocked: [], blockedMore: 0, dropped: { connections: 0, gre: 0 } },
};
const at = (ms: number) => `T${ms}`;
const first = (more: Partial<IncidentReport> = {}) => {
  return revised(undefined, { ...report, ...more }, "1.2.3");
};
const over = { end: 60_000, ending: "quiet", seenAt: 120_000 } as const;

function lines(made: Bulletin, name: string, language: "en" | "ja" = "en"): readonly string[] {
  return told(made, language, at).sections.find((one) => one.name === name)?.lines ?? [];
}

describe("revisions of a bulletin", () => {
  test("published at the first report; figures alone are no news; blocks, severity and the end are", () => {
    let made = first();
    made = revised(made, { ...report, refused: 5_000_000, seenAt: 71_000 }, "9");
    expect(made.revisions.map(({ cause }) => cause)).toEqual(["begins"]);
    expect([made.report.refused, made.version]).toEqual([5_000_000, "1.2.3"]);
    const blocked = [{ address: "192.0.2.1", reason: "malformed" }];
    made = revised(made, { ...report, blocked }, "9");
    made = revised(made, { ...report, blocked, sessionsEnded: { "echo-timeout": 1 } }, "9");
    made = revised(made, { ...report, ...over, sessionsEnded: { "echo-timeout": 1 } }, "9");
    expect(made.revisions.map(({ number, cause }) => [number, cause])).toEqual([
      [1, "begins"],
      [2, "blocked"],
      [3, "severity"],
      [4, "ends"],
    ]);
    const again = revised(made, { ...report, ...over, sessionsEnded: { "echo-timeout": 1 } }, "9");
    expect(again.revisions).toHaveLength(4);
  });

  test("one that was over before it could be kept is published and ended at once", () => {
    expect(first(over).revisions.map(({ cause }) => cause)).toEqual(["begins", "ends"]);
  });

  test("a long history keeps its first and its newest", () => {
    let made = first();
    for (let i = 0; i < 3 * limits.revisionsMax; i++) {
      made = revised(made, { ...report, processorPercent: i % 2 === 0 ? 99 : 1 }, "1");
    }
    expect(made.revisions).toHaveLength(limits.revisionsMax);
    expect(made.revisions[0]?.cause).toBe("begins");
    expect(made.revisions.at(-1)?.number).toBe(3 * limits.revisionsMax + 1);
  });
});

describe("severity", () => {
  test.each([
    ["low", {}],
    ["info", { refused: 0, reasons: {} }],
    ["medium", { processorPercent: 80 }],
    ["medium", { reasons: { "failed log-in": 9 } }],
    ["low", { sessionsEnded: { "peer-terminated": 5 } }],
    ["high", { sessionsEnded: { "echo-timeout": 1 } }],
    ["critical", { sessionsEnded: { "worker-lost": 1 } }],
  ] as const)("%s by what it did: %o", (severity, more) => {
    expect(severityOf({ ...report, ...more })).toBe(severity);
  });
});

describe("what sort of stream it is", () => {
  test.each([
    ["data gre-no-key", "gre-malformed"],
    ["data outer-ip", "gre-malformed"],
    ["malformed GRE, reason not available", "gre-malformed"],
    ["data unknown-call", "gre-no-call"],
    ["data duplicate", "in-call"],
    ["data login-rate", "too-many"],
    ["malformed SCCRQ Length", "control"],
    ["SCCRP in established", "control"],
    ["CDN of no call", "control"],
    ["malformed-frame", "negotiation"],
    ["phase-timeout", "negotiation"],
    ["authentication-malformed", "log-ins"],
    ["failed log-in", "log-ins"],
    ["held log-in", "log-ins"],
    ["shed call, source rate", "too-many"],
    ["deadline start", "too-many"],
    ["message rate", "too-many"],
    ["further reasons", "other"],
  ])("%s is %s", (reason, kind) => expect(kindOf(reason)).toBe(kind));

  test("the kind of which most was refused counts", () => {
    expect(mainKindOf(report)).toBe("gre-malformed");
    expect(mainKindOf({ ...report, reasons: {} })).toBe("other");
  });
});

describe("what it says", () => {
  test("malformed packets: of other products what is published and no more", () => {
    const made = first();
    expect(lines(made, "affected").join()).toMatch(/^Windows NT 4\.0 .*MS01-009/);
    expect(lines(made, "notAffected")[0]).toBe(
      "holdfast 1.2.3, this server: no session was lost to it.",
    );
    expect(lines(made, "notKnown").join()).toMatch(/^pptpd .*docs\/BENCHMARKS\.md/);
  });

  test("sessions lost: this server is affected, the cause is not claimed", () => {
    const made = first({ sessionsEnded: { "echo-timeout": 2, "peer-terminated": 5 } });
    expect(lines(made, "affected").join()).toMatch(
      /this server: sessions that ended .* wished: 2\. .*not established/,
    );
    expect(lines(made, "notAffected").join()).not.toContain("holdfast");
    expect(lines(made, "effect")[0]).toMatch(
      /^Sessions at its begin: 20\. Lost meanwhile: 2\. Ended .*: 5\.$/,
    );
    expect(lines(made, "toDo")[0]).toContain("holdfast incidents show 3");
  });

  test("another stream: no other product is named", () => {
    const made = first({ reasons: { "failed log-in": 9 } });
    const all = JSON.stringify(told(made, "en", at));
    expect(all).not.toMatch(/Windows|pptpd|MS01/);
    expect(all).toContain("Was a password found?");
  });

  test("an unproven source may be forged, a proven one can be blocked", () => {
    const todo = lines(first(), "toDo");
    expect(todo).toContainEqual(
      expect.stringMatching(/^192\.0\.2\.1 .*holdfast block 192\.0\.2\.1/),
    );
    expect(todo).toContainEqual(expect.stringMatching(/^192\.0\.2\.2: .*source may be forged/));
    expect(lines(first(), "toDo", "ja").join()).toContain("偽装されている可能性");
  });

  test("more reasons and blocks than are named are a number", () => {
    const reasons = Object.fromEntries(Array.from({ length: 15 }, (_, i) => [`data x${i}`, 2]));
    const blocked = Array.from({ length: 12 }, (_, i) => ({
      address: `192.0.2.${i}`,
      reason: "r",
    }));
    const done = lines(first({ reasons, blocked, blockedMore: 5 }), "done");
    expect(done.filter((line) => /^and \d+ more$/.test(line))).toEqual([
      "and 10 more",
      "and 7 more",
    ]);
    expect(done).toHaveLength(2 * limits.namedMax + 2);
  });
});

const forms = { bulletinText, bulletinMarkdown, bulletinHtml };

describe.each(languages)("%s", (language) => {
  test("every kind, going on and over, has its own words", () => {
    const titles = kinds.flatMap((kind) =>
      [true, false].map((goesOn) => wordsOf[language].title(kind, goesOn)),
    );
    expect(new Set(titles).size).toBe(2 * kinds.length);
    expect(new Set(kinds.map((kind) => wordsOf[language].about[kind])).size).toBe(kinds.length);
  });

  test.each(Object.entries(forms))("%s says every line, question and revision", (_name, form) => {
    const made = told(first({ sessionsEnded: { "echo-timeout": 2 } }), language, at);
    const text = form(made, at)
      // CommonMark §2.4: before anything but ASCII punctuation a backslash is shown.
      .replaceAll(/\\(?=[!-/:-@[-`{-~])/g, "")
      .replaceAll("&#39;", "'");
    expect(text).not.toContain("\\");
    const all = [
      ...made.sections.flatMap(({ heading, lines: inside }) => [heading, ...inside]),
      ...made.questions.items.flatMap(({ question, answer }) => [question, answer]),
      ...made.revisions.items.map(({ text: said }) => said),
    ];
    expect(all.length).toBeGreaterThan(20);
    expect(all.filter((line) => !text.includes(line))).toEqual([]);
  });

  test.each(Object.entries(forms))(
    "%s: what an operator or a peer wrote is inert",
    (name, form) => {
      const hostile = "<img src=x>`rm` [a](b) |\u001b[2J\u202e\n# x";
      const made = told(
        first({
          blocked: [{ address: "192.0.2.1", reason: hostile }],
          reasons: { [`malformed ${hostile}`]: 5 },
          sessionsEnded: { [hostile]: 1 },
        }),
        language,
        at,
      );
      const text = form(made, at);
      expect(["\u001b", "\u202e", "\n# x"].filter((one) => text.includes(one))).toEqual([]);
      if (name === "bulletinHtml") expect(text).not.toContain("<img");
      if (name === "bulletinMarkdown") expect(text).not.toMatch(/(?<!\\)[<`[]/);
    },
  );
});

test("Markdown: a line that would begin a list or a heading's rule is a line, an address an address", () => {
  const lines = ["1. x", "2) x", "- x", "= x", "+ x", "192.0.2.1 x", "2026", "1.5 x", "1."];
  const sections = [{ name: "done", heading: "h", lines }] as const;
  const text = bulletinMarkdown({ ...told(first(), "en", at), sections }, at);
  expect(text.match(/(?<=^## h\n\n)(- .*\n)+/m)?.[0]).toBe(
    "- 1\\. x\n- 2\\) x\n- \\- x\n- \\= x\n- \\+ x\n- 192.0.2.1 x\n- 2026\n- 1.5 x\n- 1\\.\n",
  );
});

test("the languages differ in every sentence", () => {
  const [english, japanese] = languages.map((language) => told(first(over), language, at));
  const sentences = (made: typeof english) => made!.sections.flatMap(({ lines: inside }) => inside);
  const shared = sentences(english).filter((line) => sentences(japanese).includes(line));
  expect(shared).toEqual([]);
  expect(japanese!.title).toMatch(/[\u3040-\u30ff]/);
});
