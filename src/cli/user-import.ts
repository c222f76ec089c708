// holdfast user import: accounts of a pppd chap-secrets file. Shows what it would do, until --apply.
import { formatIpv4 } from "../base/ip.js";
import type { NewAccountGiven } from "../console/contract.js";
import { type LineOutcome, planImport } from "../store/chap-secrets.js";
import {
  type ImportReport,
  importChapSecrets,
  readChapSecrets,
  secretFileReader,
} from "../store/chap-secrets-import.js";
import { type Accounts, answer, type NewAccount, refused } from "../store/port.js";
import { type AccountCommands, withAccounts } from "./accounts.js";
import {
  type CliContext,
  command,
  type JsonOption,
  type StateOptions,
  withConfig,
  withExamples,
  withJson,
  withState,
} from "./context.js";
import { CliFailure, exitCodes } from "./exit.js";
import { type Column, counted, printJson, table } from "./table.js";

type Options = StateOptions &
  JsonOption & {
    readonly apply?: boolean;
    readonly replace?: boolean;
    readonly followFiles?: boolean;
    readonly server?: string;
  };

export function userImportCommand(context: CliContext) {
  const made = command("import", "take accounts over from a pppd chap-secrets file")
    .argument("<file>", "such as /etc/ppp/chap-secrets")
    .option("--apply", "do it; without this it only says what it would do")
    .option("--replace", "give accounts that exist the file's password")
    .option("--follow-files", "read @file secrets, from files you own")
    .option("--server <name>", "only lines for this server name, or for *")
    .action((file: string, options: Options) => importFile(context, file, options));
  return withExamples(
    withJson(withConfig(withState(made))),
    "holdfast user import /etc/ppp/chap-secrets",
    "holdfast user import /etc/ppp/chap-secrets --server pptpd --apply",
  );
}

async function importFile(context: CliContext, file: string, options: Options): Promise<void> {
  const read = readChapSecrets(file);
  if (!read.ok) throw new CliFailure(exitCodes.failed, read.why, "name a file you may read");
  const plan = planImport(read.content, {
    ...(options.server === undefined ? {} : { server: options.server }),
    ...(options.followFiles === true
      ? { readSecretFile: secretFileReader(context.around.uid) }
      : {}),
  });
  read.content.fill(0);
  const how = { replace: options.replace === true, apply: options.apply === true };
  const report = await withAccounts(context, options, (commands) =>
    importChapSecrets(overCommands(commands), plan, how),
  );
  if (!report.ok) {
    throw new CliFailure(exitCodes.failed, report.message, report.remedy, report.reason);
  }
  show(context, options, report.value);
  if (report.value.errors > 0) context.exitCode = exitCodes.failed;
}

/** The store's import through whichever way accounts are reached. */
function overCommands(commands: AccountCommands): Pick<Accounts, "import"> {
  return {
    import: async (accounts, how) => {
      if (accounts.length === 0) return answer([]);
      const { outcomes } = await commands.import({ accounts: accounts.map(given), ...how });
      return answer(
        outcomes.map(({ what, message, remedy }) =>
          what === "refused" ? refused("bad-terms", message, remedy) : what,
        ),
      );
    },
  };
}

/** A chap-secrets line has a name, a secret and perhaps an address; nothing else of an account. */
function given({ name, password, staticAddress }: NewAccount): NewAccountGiven {
  const address = staticAddress === undefined ? {} : { staticAddress: formatIpv4(staticAddress) };
  return { name, password, ...address };
}

const columns: readonly Column<LineOutcome>[] = [
  {
    title: "LINE",
    value: ({ line, lastLine }) => (line === lastLine ? line : `${line}-${lastLine}`),
    align: "right",
  },
  { title: "OUTCOME", value: ({ what }) => what },
  { title: "USER", value: ({ name }) => name ?? null, least: 8 },
  { title: "WHY", value: ({ reason }) => reason || null, least: 20 },
];

function show({ io }: CliContext, options: Options, report: ImportReport): void {
  if (options.json === true) return printJson(io, report);
  const worthIt = report.lines.filter(({ what, reason }) => {
    return what !== "skipped" || (reason !== "comment" && reason !== "blank");
  });
  if (worthIt.length > 0) io.out(table(worthIt, columns, io.columns));
  const { taken, skipped, errors } = report;
  io.out(
    `${taken} taken, ${skipped} skipped (comments and blank lines too), ${counted(errors, "error")}\n`,
  );
  if (!report.applied) io.out("Nothing was changed: add --apply to do it.\n");
}
