// holdfast serve: the server itself, in the foreground, until SIGTERM or SIGINT.
import { Option } from "commander";
import { logLevels } from "../daemon/config/schema.js";
import {
  type CliContext,
  command,
  type StateOptions,
  withConfig,
  withExamples,
  withState,
} from "./context.js";

type Options = StateOptions & { readonly logLevel?: string; readonly logFormat?: string };

export function serveCommand(context: CliContext) {
  const made = command("serve", "run the access server in the foreground")
    .addOption(
      new Option("--log-level <level>", "instead of the configured one").choices([...logLevels]),
    )
    .addOption(
      new Option("--log-format <format>", "instead of the configured one").choices([
        "auto",
        "json",
        "pretty",
      ]),
    )
    .addHelpText(
      "after",
      `
Without a configuration it makes one, with an account and an address pool, in the state directory:
--state, else $STATE_DIRECTORY, else /var/lib/holdfast for the user holdfast, else ./.holdfast.
SIGHUP reloads the configuration; SIGTERM or SIGINT ends it in order, a second one at once.`,
    )
    .action(async ({ config, state, logLevel, logFormat }: Options) => {
      const { rooms } = context;
      context.exitCode = await rooms.runServer({ config, state, logLevel, logFormat });
    });
  return withExamples(
    withConfig(withState(made)),
    "holdfast serve",
    "holdfast serve --config /etc/holdfast/holdfast.yaml --state /var/lib/holdfast",
  );
}
