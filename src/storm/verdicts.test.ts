import { expect, test } from "vitest";
import { storm as bounds } from "../limits/storm.js";
import { type Measured, perMillionOf } from "./measure.js";
import { Phase } from "./phase.js";
import { allHeld, type StormReport } from "./report.js";
import { reportHtml } from "./report-html.js";
import { type InvariantId, invariantIds, overall, verdicts } from "./verdicts.js";

const echoes = { answered: 100, unanswered: 0, p50: 1, p90: 2, p99: 3 };
const logIns = {
  ...{ asked: 20, eachWithinMs: 5_000, succeeded: 20, atOnce: 20, slowestMs: 300, failures: {} },
  ...{ p50: 100, p90: 200, p99: 300 },
};
const server = {
  ...{ residentOctets: 100_000_000, descriptors: 60 },
  ...{ slabOctets: 50_000_000, fragmentOctets: 1_048_576 },
};
const good: Measured = {
  floods: false,
  exhausts: false,
  sent: { packets: 1_000_000, octets: 4e7, connections: 0, taken: 0, refused: 0, closed: 0 },
  honest: {
    ...{ sessions: 2, lost: [], before: echoes, during: echoes, keptPercent: 100 },
    ...{ logIns, logInAfterMs: 200 },
  },
  process: {
    ...{ pid: 1, before: server, most: server, after: server },
    ...{ processorBefore: 5, processorDuring: 50, processorAfterMs: 250 },
  },
  holdings: { before: { callId: 2 }, after: { callId: 2, session: 0 } },
  heap: { before: 9_000_000, after: 9_500_000 },
  answerMs: 12,
  counted: { "data unknown-call": 1_000 },
  answers: true,
};
const honest = good.honest!;
const process = good.process!;
const grown = { ...server, residentOctets: server.residentOctets + bounds.memoryNoiseOctets + 1 };
/** In the kernel, not in the process. */
const inPieces = { ...server, fragmentOctets: bounds.memoryNoiseOctets + 1_048_577 };

function broken(measured: Measured): InvariantId[] {
  return verdicts(measured).flatMap(({ invariant, outcome }) =>
    outcome === "broken" ? [invariant] : [],
  );
}

test("all held", () => {
  expect(verdicts(good).map(({ outcome }) => outcome)).toEqual(invariantIds.map(() => "held"));
});

test.each<[InvariantId, Measured]>([
  ["server-answers", { ...good, answers: false }],
  ["sessions-kept", { ...good, honest: { ...honest, lost: ["CDN 1"] } }],
  ["traffic-kept", { ...good, honest: { ...honest, during: { ...echoes, unanswered: 6 } } }],
  ["latency", { ...good, honest: { ...honest, during: { ...echoes, p99: 501 } } }],
  ["log-ins", { ...good, honest: { ...honest, logIns: { ...logIns, atOnce: 19 } } }],
  ["log-ins", { ...good, honest: { ...honest, logIns: { ...logIns, slowestMs: 5_001 } } }],
  [
    "log-ins",
    { ...good, floods: true, honest: { ...honest, logIns: { ...logIns, succeeded: 19 } } },
  ],
  ["log-ins-after", { ...good, honest: { ...honest, logInAfterMs: undefined } }],
  ["memory-flat", { ...good, process: { ...process, after: grown } }],
  ["memory-flat", { ...good, process: { ...process, after: inPieces } }],
  ["descriptors", { ...good, process: { ...process, after: { ...server, descriptors: 61 } } }],
  ["holdings", { ...good, holdings: { before: { callId: 2 }, after: { callId: 3 } } }],
  ["processor-back", { ...good, process: { ...process, processorAfterMs: 1_500 } }],
  ["processor-back", { ...good, process: { ...process, processorAfterMs: undefined } }],
])("%s broken, and nothing else", (invariant, measured) => {
  expect(broken(measured)).toEqual([invariant]);
});

test("where every place is taken on purpose no log-in is owed one; the first one after it is", () => {
  const none = { ...logIns, succeeded: 0, atOnce: 0 };
  const taken = { ...good, floods: true, exhausts: true, honest: { ...honest, logIns: none } };
  expect(broken(taken)).toEqual([]);
  expect(broken({ ...taken, honest: { ...taken.honest, logInAfterMs: undefined } })).toEqual([
    "log-ins-after",
  ]);
});

test("what a million of what was sent left behind, where it can be told", () => {
  const after = { ...server, residentOctets: server.residentOctets + 4_096 };
  const some = { ...good, process: { ...process, after } };
  expect(perMillionOf(some)).toEqual({ residentOctets: 4_096, heapOctets: 500_000 });
  const nothing = { residentOctets: undefined, heapOctets: undefined };
  expect(perMillionOf({ ...good, sent: { ...good.sent, packets: 0 } })).toEqual(nothing);
  expect(perMillionOf({ ...good, process: undefined, heap: undefined })).toEqual(nothing);
});

/** What becomes of log-ins at a server that lets each in after so long, of which a user waits 5 s. */
function slowServer(takesMs: number): Measured {
  const phase = new Phase();
  for (let one = 0; one < 20; one++) {
    const up = takesMs <= bounds.logInWithinMs;
    const [ms, tryMs] = up ? [takesMs, takesMs] : [undefined, undefined];
    const why = up ? "" : Array(3).fill("no log-in within 5 s (establish)").join("; ");
    phase.logIn({ kind: "logIn", ms, tryMs, agoMs: 0, tries: up ? 1 : 3, why });
  }
  return { ...good, honest: { ...honest, logIns: phase.loggedIn } };
}

test.each([true, false])(
  "a log-in of 4.9 s holds, one of 10 to 22 s does not; floods: %s",
  (floods) => {
    expect(broken({ ...slowServer(4_900), floods })).toEqual([]);
    for (const takesMs of [5_100, 10_000, 22_000]) {
      const slow = { ...slowServer(takesMs), floods };
      expect(broken(slow)).toEqual(["log-ins"]);
      const { said } = verdicts(slow).find(({ invariant }) => invariant === "log-ins")!;
      expect(said).toContain("0 of 20 within three tries of 5 s (0 at the first)");
      expect(said).toContain("60 × no log-in within 5 s");
    }
  },
);

test("let in all the same, but later than a try may take: no success, whoever counted it up", () => {
  const phase = new Phase();
  phase.logIn({ kind: "logIn", ms: 12_000, tryMs: 12_000, agoMs: 0, tries: 1, why: "" });
  phase.logIn({ kind: "logIn", ms: 12_000, tryMs: 1_000, agoMs: 0, tries: 3, why: "x; x" });
  expect(phase.loggedIn).toMatchObject({ asked: 2, succeeded: 1, atOnce: 0, slowestMs: 12_000 });
  expect(phase.loggedIn.failures).toEqual({ x: 2, "let in after more than 5 s": 1 });
});

test("a flood leaves a log-in three tries", () => {
  const slow = { ...logIns, atOnce: 3, slowestMs: 9_000 };
  expect(broken({ ...good, floods: true, honest: { ...honest, logIns: slow } })).toEqual([]);
});

test("a black box: what cannot be seen is not measured, and says why", () => {
  const { honest: _, process: __, holdings: ___, ...box } = good;
  const seen = verdicts({ ...box, honest: undefined, process: undefined, holdings: undefined });
  for (const { invariant, outcome, said } of seen) {
    expect(outcome).toBe(invariant === "server-answers" ? "held" : "not-measured");
    expect(said).not.toBe("");
  }
});

test("the process is gone: broken wherever it was looked at", () => {
  const gone = broken({ ...good, answers: false, process: { ...process, after: undefined } });
  expect(gone).toEqual(["server-answers", "memory-flat", "descriptors", "processor-back"]);
});

test("overall: broken where one is; a report quotes whatever a server said", () => {
  const bad = verdicts({ ...good, honest: { ...honest, lost: ["<script>"] } });
  const all = overall([verdicts(good), bad]);
  expect(all.filter(({ outcome }) => outcome === "broken")).toMatchObject([
    { invariant: "sessions-kept", said: "in 1 of 2 scenarios" },
  ]);
  const sample = { scenario: "ack-storm", perSecond: 9, sessions: 2, p99Ms: 1.5 };
  const look = { residentOctets: 1e8, descriptors: 60, processorPercent: 3 };
  const report: StormReport = {
    ...{ version: 1, holdfast: "1", at: "now", server: "127.0.0.1:1723", locals: ["127.0.0.1"] },
    ...{ sources: ["127.66.0.1"], seed: 1, seconds: 1, perSecond: 9, sessions: 2 },
    ...{ interrupted: false, notes: ["a <note>"], verdicts: all },
    scenarios: [
      {
        name: "ack-storm",
        threats: ["G-11"],
        about: "x",
        perSecond: 9,
        measured: good,
        perMillion: perMillionOf(good),
        verdicts: bad,
      },
    ],
    samples: [
      { ...sample, ...look, atMs: 250 },
      { ...sample, ...look, atMs: 500, residentOctets: undefined },
      { ...sample, ...look, atMs: 750, scenario: "" },
    ],
  };
  expect(allHeld(report)).toBe(false);
  const page = reportHtml(report);
  expect(page.match(/<svg /g)).toHaveLength(6);
  expect(page).toContain("1 lost: &lt;script&gt;");
  expect(page).toContain("a &lt;note&gt;");
  const drawn = [...page.matchAll(/<figcaption>([^<]*)<\/figcaption>\s*<svg/g)];
  expect(drawn.map(([, title]) => title)).toEqual([
    "the stream: packets and connections a second",
    "sessions alive",
    "echoes: 99 of 100 within",
    "the server's resident memory",
    "its processor, of one core",
    "its open descriptors",
  ]);
  expect(page).toContain("data unknown-call 1,000");
  const labels = [...page.matchAll(/<tr><th>([^<]*)<\/th><td>([^<]*)<\/td>/g)];
  const said = Object.fromEntries(labels.map(([, label = "", value = ""]) => [label, value]));
  expect(said).toMatchObject({
    "sessions lost": "0 of 2",
    "echoes during": "100 answered, 0 not, 50, 90 and 99 of 100 within 1, 2 and 3 ms",
    "throughput kept": "100.0 % of before",
    "log-ins":
      "20 of 20 within three tries of 5,000 ms, 20 at once, the slowest 300 ms, 50, 90 and 99 of 100 within 100, 200 and 300 ms",
    "a log-in after it": "200 ms after its end",
    "resident memory":
      "95.4 MiB before, 95.4 MiB at most, 95.4 MiB after; 0.0 MiB for a million sent",
    descriptors: "60 before, 60 at most, 60 after",
    "kernel slabs": "47.7 MiB before, 47.7 MiB at most, 47.7 MiB after",
    "fragments in the kernel": "1.0 MiB before, 1.0 MiB at most, 1.0 MiB after",
    processor: "5 % of a core before, 50 % during, back 250 ms after its end",
    heap: "8.6 MiB before, 9.1 MiB after; 0.5 MiB for a million sent",
    "event loop": "its admin socket answered within 12 ms",
    "held after it": "callId 2",
  });
  expect(page).not.toMatch(/<script|https?:|NaN|undefined/);
});
