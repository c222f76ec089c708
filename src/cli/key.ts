// holdfast key rotate: a new key over the kept passwords.
import { withAccounts } from "./accounts.js";
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
import { counted, printJson } from "./table.js";

export function keyCommand(context: CliContext) {
  const rotate = command("rotate", "make a new key and encrypt every kept password with it").action(
    async (options: StateOptions & JsonOption) => {
      const rotated = await withAccounts(context, options, (accounts) => accounts.keyRotate());
      if (options.json === true) return printJson(context.io, rotated);
      const { from, to, accounts } = rotated;
      context.io.out(
        `Key ${from} is replaced by key ${to}; ${counted(accounts, "account")} re-encrypted.\n`,
      );
      context.io.out("Backups made before need the old key: make a new one.\n");
    },
  );
  const made = command("key", "the key that encrypts kept passwords");
  made.addCommand(withExamples(withJson(withConfig(withState(rotate))), "holdfast key rotate"));
  return made;
}
