// holdfast bulletins: what was said of each incident, in the manner of a vendor's security bulletin.
import { Option } from "commander";
import type { Language } from "../base/severity.js";
import {
  type BulletinHead,
  bulletinSchema,
  bulletinsSchema,
} from "../console/bulletin-contract.js";
import { bulletinHtml, bulletinMarkdown, bulletinText } from "../core/bulletin/forms.js";
import { isoMoment } from "../daemon/bulletins.js";
import { type CliContext, command, type StateOptions, withExamples, withState } from "./context.js";
import { type Column, moment, printJson, table } from "./table.js";
import { whole } from "./user-shown.js";

const formats = ["text", "markdown", "html", "json"] as const;

type Options = StateOptions & {
  readonly lang: Language;
  readonly format: (typeof formats)[number];
};

export function bulletinsCommand(context: CliContext) {
  const made = command("bulletins", "bulletins of incidents, newest first");
  made.addCommand(listCommand(context), { isDefault: true });
  made.addCommand(showCommand(context));
  return withExamples(made, "holdfast bulletins", "holdfast bulletins show 3 --lang ja");
}

function withLanguage(made: ReturnType<typeof command>, all: readonly string[]) {
  return withState(made)
    .addOption(
      new Option("--lang <language>", "of the bulletin").choices(["en", "ja"]).default("en"),
    )
    .addOption(
      new Option("--format <format>", "how it is printed").choices([...all]).default("text"),
    );
}

function listCommand(context: CliContext) {
  const made = command("list", "all that are kept, one a line")
    .option("--most <number>", "so many of the newest", whole, 50)
    .action(async (options: Options & { most: number }) => {
      const { io } = context;
      const query = { most: Math.min(options.most, 1_000), lang: options.lang };
      const page = await context.client(options).get("/bulletins", bulletinsSchema, query);
      if (options.format === "json") return printJson(io, page);
      if (page.bulletins.length === 0)
        return io.out("There is no bulletin: there was no incident.\n");
      io.out(table(page.bulletins, columns, io.columns));
      io.err("See holdfast bulletins show NUMBER.\n");
    });
  return withExamples(
    withLanguage(made, ["text", "json"]),
    "holdfast bulletins list --lang ja",
    "holdfast bulletins list --format json",
  );
}

function showCommand(context: CliContext) {
  const made = command("show", "one bulletin")
    .argument("<number>", "its number, from holdfast bulletins", whole)
    .action(async (number: number, { lang, format, ...options }: Options) => {
      const { io } = context;
      const client = context.client(options);
      const one = await client.get(`/bulletins/${number}`, bulletinSchema, { lang });
      if (format === "json") return printJson(io, one);
      const form = { text: bulletinText, markdown: bulletinMarkdown, html: bulletinHtml }[format];
      io.out(form(one, isoMoment));
    });
  return withExamples(
    withLanguage(made, formats),
    "holdfast bulletins show 3 --lang ja",
    "holdfast bulletins show 3 --format html > bulletin.html",
  );
}

const columns: readonly Column<BulletinHead>[] = [
  { title: "NUMBER", value: ({ number }) => number, align: "right" },
  { title: "SEVERITY", value: ({ severityName }) => severityName },
  { title: "PUBLISHED", value: ({ published }) => moment(published) },
  { title: "UPDATED", value: ({ updated }) => moment(updated) },
  { title: "REVISION", value: ({ revision }) => revision, align: "right" },
  { title: "TITLE", value: ({ title }) => title, least: 16 },
];
