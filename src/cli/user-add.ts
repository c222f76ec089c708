// holdfast user add
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
import { addPasswordOptions, handOver, newPassword, type PasswordOptions } from "./password.js";
import { printJson } from "./table.js";
import { addTermOptions, showAccount, type TermOptions, termsOf } from "./user-shown.js";

type Options = StateOptions &
  JsonOption &
  PasswordOptions &
  TermOptions & { readonly disabled?: boolean };

export function userAddCommand(context: CliContext) {
  const made = command("add", "make an account; the password is asked for, or comes from an option")
    .argument("<name>", "user name")
    .option("--disabled", "may not log in yet")
    .action(async (name: string, options: Options) => {
      const { directory } = context.paths(options);
      const secret = await newPassword(context.io, options, name, directory);
      const { password } = secret;
      const enabled = options.disabled !== true;
      const account = await withAccounts(context, options, (accounts) =>
        handOver(secret, () => accounts.add({ ...termsOf(options), name, password, enabled })),
      );
      if (options.json === true) printJson(context.io, account);
      else context.io.out(showAccount(account));
    });
  addTermOptions(addPasswordOptions(withJson(withConfig(withState(made))), "new"));
  return withExamples(
    made,
    "holdfast user add ann",
    "holdfast user add branch-7 --random --address 10.99.0.7 --route 192.168.7.0/24",
    "holdfast user add guest --rate-up 2M --rate-down 10M",
    "holdfast user add bob --password-file /root/bob.password --sessions 2",
  );
}
