// holdfast doctor: asks the server about its host, or looks itself when none runs.
import { existsSync, lstatSync } from "node:fs";
import { printable } from "../base/printable.js";
import { type DoctorReport, doctorSchema, type Verdict } from "../console/contract.js";
import { loadConfig, readConfigFile } from "../daemon/config/load.js";
import { doctorReport } from "../daemon/doctor/doctor.js";
import { chooseStateDirectory, statePaths } from "../daemon/state-directory.js";
import { AdminClient, NoServer } from "./admin-client.js";
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
import { exitCodes } from "./exit.js";
import { printJson } from "./table.js";

const marks: Readonly<Record<Verdict["result"], string>> = {
  wrong: "WRONG  ",
  unknown: "unknown",
  warning: "note   ",
  well: "well   ",
};

export function doctorCommand(context: CliContext) {
  const made = command("doctor", "find what stops 1723, GRE, forwarding or NAT on this host")
    .option("--all", "also what is well")
    .addHelpText("after", "\nThe exit code is 1 when something is wrong. Run it as root.")
    .action(async (options: StateOptions & JsonOption & { readonly all?: boolean }) => {
      const { verdicts } = await report(context, options);
      const wrong = verdicts.filter(({ result }) => result === "wrong").length;
      if (wrong > 0) context.exitCode = exitCodes.failed;
      if (options.json === true) return printJson(context.io, { verdicts });
      const shown = verdicts.filter(({ result }) => options.all === true || result !== "well");
      for (const one of shown) context.io.out(lines(one));
      const well = verdicts.length - verdicts.filter(({ result }) => result !== "well").length;
      context.io.out(`${verdicts.length} checks: ${wrong} wrong, ${well} well\n`);
    });
  return withExamples(
    withJson(withConfig(withState(made))),
    "sudo holdfast doctor",
    "sudo holdfast doctor --all --json",
  );
}

function lines({ check, result, message, place, remedy }: Verdict): string {
  const more = [
    place === "" ? "" : `          where: ${printable(place, 300)}\n`,
    remedy === "" ? "" : `          remedy: ${printable(remedy, 400)}\n`,
  ];
  return `${marks[result]}  ${check}: ${printable(message, 400)}\n${more.join("")}`;
}

async function report(context: CliContext, options: StateOptions): Promise<DoctorReport> {
  const chosen = chooseStateDirectory(options.state, undefined, context.around);
  const paths = statePaths(chosen);
  try {
    return await new AdminClient(paths.adminSocket).get("/doctor", doctorSchema);
  } catch (failure) {
    if (!(failure instanceof NoServer)) throw failure;
  }
  const file = options.config ?? (existsSync(paths.config) ? paths.config : undefined);
  const { uid } = context.around;
  const stateOwner = existsSync(chosen) && uid === 0 ? lstatSync(chosen).uid : uid;
  return doctorReport({
    loaded: file === undefined ? loadConfig("", "defaults") : readConfigFile(file),
    paths,
    serverRuns: false,
    stateOwner,
    today: new Date(context.io.now()),
  });
}
