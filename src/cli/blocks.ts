// holdfast block, unblock, blocks: sources whose calls the kernel drops.
import { InvalidArgumentError, Option } from "commander";
import { formatSource } from "../base/range4.js";
import {
  type BlockShown,
  blockShownSchema,
  blocksSchema,
  unblockedSchema,
} from "../console/contract.js";
import { readPrefix4 } from "../daemon/config/addresses.js";
import {
  type CliContext,
  command,
  type JsonOption,
  type StateOptions,
  withExamples,
  withJson,
  withState,
} from "./context.js";
import { type Column, duration, moment, printJson, table } from "./table.js";

type Options = StateOptions & JsonOption;

export function blockCommand(context: CliContext) {
  const made = command("block", "drop new calls from an address; sessions it has go on")
    .argument("<address>", "an IPv4 address, or a network such as 203.0.113.0/24", address)
    .addOption(
      new Option("--for <time>", "how long: 90s, 30m, 12h or 7d")
        .argParser(seconds)
        .default(3_600, "1h"),
    )
    .option("--reason <text>", "why, for whoever looks", "by hand")
    .action(async (given: string, options: Options & { for: number; reason: string }) => {
      const body = { address: given, seconds: options.for, reason: options.reason };
      const block = await context.client(options).send("POST", "/blocks", blockShownSchema, body);
      if (options.json === true) return printJson(context.io, block);
      context.io.out(`Blocked until ${moment(block.until)}: ${block.address}\n`);
    });
  return withExamples(
    withJson(withState(made)),
    "holdfast block 203.0.113.7",
    'holdfast block 203.0.113.0/24 --for 7d --reason "see ticket 4711"',
  );
}

export function unblockCommand(context: CliContext) {
  const made = command("unblock", "end a block, and forget what the address did")
    .argument("<address>", "an IPv4 address or network, as it was blocked", address)
    .action(async (given: string, options: Options) => {
      const path = `/blocks/${encodeURIComponent(given)}`;
      const ended = await context.client(options).send("DELETE", path, unblockedSchema);
      if (options.json === true) return printJson(context.io, ended);
      context.io.out(`Not blocked any more: ${ended.address}\n`);
    });
  return withExamples(withJson(withState(made)), "holdfast unblock 203.0.113.7");
}

export function blocksCommand(context: CliContext) {
  const made = command("blocks", "addresses that are blocked, why and until when").action(
    async (options: Options) => {
      const { io } = context;
      const page = await context.client(options).get("/blocks", blocksSchema);
      if (options.json === true) return printJson(io, page);
      if (page.problem !== null) {
        io.err(`WARNING: not in the kernel, refused at the accept: ${page.problem}\n`);
      }
      if (page.blocks.length === 0) return io.out("Nothing is blocked.\n");
      io.out(table(page.blocks, columns(io.now()), io.columns));
      const { connections, gre } = page.dropped;
      io.err(`The kernel dropped ${connections} attempts to connect and ${gre} GRE packets.\n`);
    },
  );
  return withExamples(withJson(withState(made)), "holdfast blocks", "holdfast blocks --json");
}

function columns(now: number): readonly Column<BlockShown>[] {
  return [
    { title: "ADDRESS", value: (block) => block.address },
    { title: "SINCE", value: ({ since }) => moment(since) },
    { title: "FOR", value: ({ until }) => duration(until - now), align: "right" },
    { title: "TIMES", value: ({ times }) => times || null, align: "right" },
    { title: "WHY", value: ({ reason }) => reason, least: 8 },
  ];
}

function address(text: string): string {
  const read = readPrefix4(text);
  if (read.ok) return formatSource(read.value);
  throw new InvalidArgumentError(`Not ${read.expected}: ${read.remedy}.`);
}

const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };
const secondsMax = 31_536_000;

function seconds(text: string): number {
  const [, count = "", unit = ""] = /^([1-9][0-9]{0,8})([smhd])$/.exec(text) ?? [];
  const total = Number(count) * (units[unit] ?? 0);
  if (total >= 1 && total <= secondsMax) return total;
  throw new InvalidArgumentError("Not a time such as 90s, 30m, 12h or 7d, a year at most.");
}
