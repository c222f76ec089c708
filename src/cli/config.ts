// holdfast config check, show, schema
import { formatProblem } from "../daemon/config/problems.js";
import { configJsonSchema } from "../daemon/config/schema.js";
import { showConfig } from "../daemon/config/show.js";
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
import { json, printJson } from "./table.js";

export function configCommand(context: CliContext) {
  const made = command("config", "the configuration file");
  made.addCommand(checkCommand(context));
  made.addCommand(showCommand(context));
  made.addCommand(schemaCommand(context));
  return made;
}

function checkCommand(context: CliContext) {
  const made = command("check", "say what is wrong with a configuration, line by line")
    .argument("[file]", "the file; else --config, else the state directory's")
    .action((file: string | undefined, options: StateOptions & JsonOption) => {
      const found = context.configInEffect(
        file === undefined ? options : { ...options, config: file },
      );
      const warnings = found.warnings.map(formatProblem);
      if (options.json === true) {
        return printJson(context.io, {
          file: found.file ?? null,
          ok: true,
          warnings: found.warnings,
        });
      }
      for (const warning of warnings) context.io.err(`Note: ${warning}\n`);
      context.io.out(`${found.file ?? "No file: the defaults"}: in order\n`);
    });
  return withExamples(
    withJson(withConfig(withState(made))),
    "holdfast config check",
    "holdfast config check /etc/holdfast/holdfast.yaml && holdfast reload",
  );
}

function showCommand(context: CliContext) {
  const made = command(
    "show",
    "the configuration in effect, with what is default marked so",
  ).action((options: StateOptions & JsonOption) => {
    const { config, source } = context.configInEffect(options);
    if (options.json === true) printJson(context.io, config.settings);
    else context.io.out(showConfig(config.settings, source));
  });
  return withExamples(
    withJson(withConfig(withState(made))),
    "holdfast config show",
    "holdfast config show --config /etc/holdfast/holdfast.yaml",
  );
}

function schemaCommand(context: CliContext) {
  const made = command("schema", "JSON Schema of the configuration file, for editors").action(() =>
    context.io.out(json(configJsonSchema())),
  );
  return withExamples(made, "holdfast config schema > holdfast.schema.json");
}
