// The report as one page: no script, nothing fetched, the pictures inside.
import { page, quoted } from "../base/html.js";
import { type Band, chart } from "./chart.js";
import type { Ran, StormReport } from "./report.js";
import { type Row, rowsOf } from "./report-rows.js";
import type { Sample } from "./timeline.js";
import { invariants, type Verdict } from "./verdicts.js";
import { grouped } from "./words.js";

const STYLE =
  ":root{color-scheme:light dark;--text:#222;--ground:#fff;--line:#085;--even:#eee;--odd:#ddd;--good:#063;--bad:#b00;--dim:#595959}" +
  "@media(prefers-color-scheme:dark){:root{--text:#ddd;--ground:#161616;--line:#4ca;--even:#242424;--odd:#323232;--good:#5c9;--bad:#f88;--dim:#aaa}}" +
  "body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:var(--text);background:var(--ground)}" +
  "table{border-collapse:collapse}th,td{text-align:left;vertical-align:top;padding:.15rem .8rem .15rem 0;overflow-wrap:anywhere}" +
  "th,td:first-child{min-width:7rem}figure{margin:1rem 0;overflow-x:auto}figcaption{font-weight:bold}" +
  "svg{width:100%;min-width:34rem;height:auto;font:12px sans-serif;display:block}text{fill:var(--text)}" +
  "path{fill:none;stroke:var(--line);stroke-width:1.5}.axis{text-anchor:end}.even{fill:var(--even)}.odd{fill:var(--odd)}" +
  ".held{color:var(--good);font-weight:bold}.broken{color:var(--bad);font-weight:bold}.not-measured{color:var(--dim)}" +
  "@media(max-width:40rem){tr{display:block;margin:.5rem 0}th,td{display:block;padding:0}}";

const OUTCOMES = { held: "held", broken: "BROKEN", "not-measured": "not measured" } as const;
const MEBI = 1_048_576;
const SOURCES_SHOWN = 8;

export function reportHtml(report: StormReport): string {
  const title = `holdfast storm: ${report.server}`;
  const body = `<h1>${quoted(title)}</h1>
${table(heading(report))}
${report.notes.map((note) => `<p>Note: ${quoted(note)}.</p>`).join("\n")}
<h2>Verdicts</h2>
${verdictTable(report.verdicts)}
<h2>Over time</h2>
${pictures(report)}
<h2>Scenarios</h2>
${report.scenarios.map(section).join("\n")}`;
  return page({ language: "en", title, style: STYLE, body });
}

function heading(report: StormReport): Row[] {
  const { at, holdfast, seed, seconds, perSecond, sessions, sources, locals, interrupted } = report;
  return [
    ["begun", at],
    ["bench", `holdfast ${holdfast}, seed ${seed}`],
    ["each scenario", `${seconds} s, at most ${grouped(perSecond)} packets a second`],
    [
      "honest sessions",
      sessions === 0 ? "none: no user was named" : `${sessions}, from ${locals.join(", ")}`,
    ],
    ["the stream's sources", sourcesText(sources)],
    ...(interrupted ? [["interrupted", "not all scenarios ran"] as const] : []),
  ];
}

function sourcesText(sources: readonly string[]): string {
  const shown = sources.slice(0, SOURCES_SHOWN).join(", ");
  const more = sources.length - SOURCES_SHOWN;
  return more > 0 ? `${shown} and ${more} more` : shown;
}

function pictures({ samples, scenarios }: StormReport): string {
  const bands = bandsOf(samples);
  const line = (title: string, of: (sample: Sample) => number | undefined, show: Show) => {
    const points = samples.map((sample) => ({ atMs: sample.atMs, value: of(sample) }));
    return chart(title, points, bands, show);
  };
  const names = bands.map(({ name }, at) => `${at + 1} ${name}`).join(", ");
  const rate = line("the stream: packets and connections a second", (s) => s.perSecond, grouped);
  const alive = line("sessions alive", (s) => s.sessions, grouped);
  const octets: Show = (value) => `${(value / MEBI).toFixed(0)} MiB`;
  return [
    `<p>${quoted(scenarios.length === 0 ? "no scenario ran" : names)}</p>`,
    rate,
    alive,
    line(
      "echoes: 99 of 100 within",
      (s) => s.p99Ms,
      (value) => `${value.toFixed(1)} ms`,
    ),
    line("the server's resident memory", (s) => s.residentOctets, octets),
    line(
      "its processor, of one core",
      (s) => s.processorPercent,
      (value) => `${value.toFixed(0)} %`,
    ),
    line("its open descriptors", (s) => s.descriptors, grouped),
  ].join("\n");
}

type Show = (value: number) => string;

/** From the first sample of a scenario to its last. */
function bandsOf(samples: readonly Sample[]): Band[] {
  const bands: { fromMs: number; toMs: number; name: string }[] = [];
  let before = "";
  for (const { atMs, scenario } of samples) {
    const band = bands.at(-1);
    if (scenario !== "" && scenario !== before)
      bands.push({ fromMs: atMs, toMs: atMs, name: scenario });
    else if (scenario !== "" && band !== undefined) band.toMs = atMs;
    before = scenario;
  }
  return bands;
}

function section({ name, about, threats, measured, perMillion, verdicts }: Ran): string {
  return `<section><h3>${quoted(name)}</h3><p>${quoted(about)} (${quoted(threats.join(", "))})</p>
${table(rowsOf(measured, perMillion))}
${verdictTable(verdicts)}</section>`;
}

function verdictTable(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map(
    ({ invariant, outcome, said }) =>
      `<tr><td class="${outcome}">${OUTCOMES[outcome]}</td><th>${quoted(invariants[invariant])}</th><td>${quoted(said)}</td></tr>`,
  );
  return `<table>${rows.join("\n")}</table>`;
}

function table(rows: readonly Row[]): string {
  const cells = rows.map(
    ([label, value]) => `<tr><th>${quoted(label)}</th><td>${quoted(value)}</td></tr>`,
  );
  return `<table>${cells.join("\n")}</table>`;
}
