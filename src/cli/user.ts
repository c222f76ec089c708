// holdfast user: the accounts that may log in.
import { type CliContext, command } from "./context.js";
import { userAddCommand } from "./user-add.js";
import {
  userDisableCommand,
  userEnableCommand,
  userPasswdCommand,
  userRemoveCommand,
  userSetCommand,
} from "./user-change.js";
import { userImportCommand } from "./user-import.js";
import { userListCommand, userShowCommand } from "./user-list.js";

export function userCommand(context: CliContext) {
  const made = command("user", "accounts that may log in");
  const commands = [
    userAddCommand,
    userListCommand,
    userShowCommand,
    userSetCommand,
    userPasswdCommand,
    userDisableCommand,
    userEnableCommand,
    userRemoveCommand,
    userImportCommand,
  ];
  for (const make of commands) made.addCommand(make(context));
  return made;
}
