// holdfast disconnect: ends sessions in order, as an administrator.
import { InvalidArgumentError } from "commander";
import { type DisconnectTarget, disconnectedSchema } from "../console/contract.js";
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

export function disconnectCommand(context: CliContext) {
  const made = command("disconnect", "end a session, a user's sessions, or all")
    .argument("<target>", "a session's number, a user name, or all", target)
    .option("--user", "the target is a user, even if it is a number or all")
    .action(async (given: Target, options: StateOptions & JsonOption & { user?: boolean }) => {
      const body = options.user === true ? { user: given.text } : given.meant;
      const client = context.client(options);
      const ended = await client.send("POST", "/disconnect", disconnectedSchema, body);
      if (options.json === true) return printJson(context.io, ended);
      const count = ended.sessions.length;
      context.io.out(
        count === 0 ? "There was no session.\n" : `Ending: ${ended.sessions.join(", ")}\n`,
      );
    });
  return withExamples(
    withJson(withState(made)),
    "holdfast disconnect 4711",
    "holdfast disconnect ann",
    "holdfast disconnect all",
  );
}

type Target = { readonly text: string; readonly meant: DisconnectTarget };

function target(text: string): Target {
  if (text === "") throw new InvalidArgumentError("Empty.");
  if (text === "all") return { text, meant: { all: true } };
  if (/^[0-9]{1,15}$/.test(text)) return { text, meant: { id: Number(text) } };
  return { text, meant: { user: text } };
}
