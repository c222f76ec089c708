// holdfast log-level: asks for, or changes, what the running server writes.
import { Argument } from "commander";
import { logLevelSchema } from "../console/contract.js";
import { logLevels } from "../daemon/config/schema.js";
import {
  type CliContext,
  command,
  type JsonOption,
  type StateOptions,
  withExamples,
  withJson,
  withState,
} from "./context.js";
import { printJson } from "./table.js";

export function logLevelCommand(context: CliContext) {
  const made = command("log-level", "show or change what the server logs, until its next start")
    .addArgument(new Argument("[level]", "the new level").choices([...logLevels]))
    .action(async (level: string | undefined, options: StateOptions & JsonOption) => {
      const client = context.client(options);
      const now =
        level === undefined
          ? await client.get("/log-level", logLevelSchema)
          : await client.send("PUT", "/log-level", logLevelSchema, { level });
      if (options.json === true) printJson(context.io, now);
      else context.io.out(`${now.level}\n`);
    });
  return withExamples(withJson(withState(made)), "holdfast log-level", "holdfast log-level debug");
}
