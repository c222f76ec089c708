// holdfast reload: the running server takes its configuration anew, and keeps its sessions.
import { reloadedSchema } from "../console/contract.js";
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

export function reloadCommand(context: CliContext) {
  const made = command("reload", "apply a changed configuration; says what needs a restart").action(
    async (options: StateOptions & JsonOption) => {
      const client = context.client(options);
      const { applied, needsRestart, warnings } = await client.send(
        "POST",
        "/reload",
        reloadedSchema,
      );
      if (options.json === true) {
        return printJson(context.io, { applied, needsRestart, warnings });
      }
      const { io } = context;
      for (const warning of warnings) io.err(`Note: ${warning}\n`);
      if (applied.length + needsRestart.length === 0) return io.out("Nothing has changed.\n");
      for (const { key, why } of applied) io.out(`applied        ${key} (${why})\n`);
      for (const { key, why } of needsRestart) io.out(`needs restart  ${key} (${why})\n`);
    },
  );
  return withExamples(withJson(withState(made)), "holdfast config check && holdfast reload");
}
