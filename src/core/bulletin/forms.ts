// A told bulletin as text, Markdown and HTML. Its lines are printable already; a form quotes what would
// be markup in it.
import { page, quoted } from "../../base/html.js";
import type { Moment, Told } from "./told.js";
import { wordsOf } from "./told.js";

type Row = readonly [label: string, value: string];

function rows(made: Told, moment: Moment): Row[] {
  const { labels } = wordsOf[made.language];
  return [
    [labels.severity, made.severityName],
    [labels.state, made.state],
    [labels.published, moment(made.published)],
    [labels.updated, moment(made.updated)],
    [labels.revision, String(made.revision)],
  ];
}

export function headline({ language, number, title }: Pick<Told, "language" | "number" | "title">) {
  const { labels } = wordsOf[language];
  return `${labels.bulletin} ${number}: ${title}`;
}

export function bulletinText(made: Told, moment: Moment): string {
  const lines = [headline(made), ""];
  for (const [label, value] of rows(made, moment)) lines.push(`${label}: ${value}`);
  for (const { heading, lines: inside } of made.sections) {
    lines.push("", heading, ...inside.map((line) => `  - ${line}`));
  }
  lines.push("", made.questions.heading);
  for (const { question, answer } of made.questions.items) {
    lines.push(`  ${question}`, `      ${answer}`);
  }
  lines.push("", made.revisions.heading);
  for (const { number, at, text } of made.revisions.items) {
    lines.push(`  ${number}  ${moment(at)}  ${text}`);
  }
  return `${lines.join("\n")}\n`;
}

/** What Markdown, or HTML in it, would take for its own. */
function plain(text: string): string {
  const quotedMarks = text.replace(/[\\`*_{}[\]()<>#+!|~&]|^(?=[-=])/g, "\\$&");
  // A number that would begin a list (`1)` is quoted above), but no address: before a digit a backslash is
  // no escape, and would be shown.
  return quotedMarks.replace(/^(\d{1,9})\.(?=\s|$)/, "$1\\.");
}

export function bulletinMarkdown(made: Told, moment: Moment): string {
  const lines = [`# ${plain(headline(made))}`, "", "| | |", "| --- | --- |"];
  for (const [label, value] of rows(made, moment))
    lines.push(`| ${plain(label)} | ${plain(value)} |`);
  for (const { heading, lines: inside } of made.sections) {
    lines.push("", `## ${plain(heading)}`, "", ...inside.map((line) => `- ${plain(line)}`));
  }
  lines.push("", `## ${plain(made.questions.heading)}`);
  for (const { question, answer } of made.questions.items) {
    lines.push("", `**${plain(question)}** ${plain(answer)}`);
  }
  lines.push("", `## ${plain(made.revisions.heading)}`, "");
  for (const { number, at, text } of made.revisions.items) {
    lines.push(`${number}. ${plain(`${moment(at)}: ${text}`)}`);
  }
  return `${lines.join("\n")}\n`;
}

const STYLE =
  ":root{color-scheme:light dark}body{font:16px/1.6 sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;overflow-wrap:anywhere}" +
  "table{border-collapse:collapse}th,td{text-align:left;vertical-align:top;padding:.2rem .8rem .2rem 0}" +
  "dt{font-weight:bold;margin-top:.6rem}dd{margin:0 0 0 1rem}";

export function bulletinHtml(made: Told, moment: Moment): string {
  const title = headline(made);
  const head = rows(made, moment).map(
    ([label, value]) => `<tr><th>${quoted(label)}</th><td>${quoted(value)}</td></tr>`,
  );
  const sections = made.sections.map(({ heading, lines }) => {
    const items = lines.map((line) => `<li>${quoted(line)}</li>`).join("\n");
    return `<h2>${quoted(heading)}</h2>\n<ul>${items}</ul>`;
  });
  const asked = made.questions.items.map(
    ({ question, answer }) => `<dt>${quoted(question)}</dt><dd>${quoted(answer)}</dd>`,
  );
  const history = made.revisions.items.map(
    ({ number, at, text }) =>
      `<tr><td>${number}</td><td><time>${quoted(moment(at))}</time></td><td>${quoted(text)}</td></tr>`,
  );
  const body = `<h1>${quoted(title)}</h1>
<table>${head.join("\n")}</table>
${sections.join("\n")}
<h2>${quoted(made.questions.heading)}</h2>
<dl>${asked.join("\n")}</dl>
<h2>${quoted(made.revisions.heading)}</h2>
<table>${history.join("\n")}</table>`;
  return page({ language: made.language, title, style: STYLE, body });
}
