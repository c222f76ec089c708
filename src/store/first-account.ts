// The account a new server makes for itself, so that somebody can connect to it. Where its password
// is shown is the caller's choice: a terminal, or a file of its own, never a log.
import { unlinkSync } from "node:fs";
import { writeExclusively } from "./key-file.js";
import { type Account, type Answer, answer, type Refusal, refused, type Store } from "./port.js";
import { randomPassword } from "./random-password.js";
import { troubleOf } from "./store-trouble.js";

export type FirstAccount = { readonly account: Account; readonly password: string };

/** Undefined when there is an account already. */
export async function makeFirstAccount(
  { accounts }: Store,
  name: string,
): Promise<Answer<FirstAccount | undefined>> {
  const count = await accounts.count();
  if (!count.ok) return count;
  if (count.value > 0) return answer(undefined);
  const password = randomPassword();
  const added = await accounts.add({ name, password });
  return added.ok ? answer({ account: added.value, password }) : added;
}

/** One line, `name password`, in a new 0600 file; an existing one is never written over. */
export function writePasswordFile(
  path: string,
  { account, password }: FirstAccount,
): Answer<void> | Refusal {
  try {
    writeExclusively(path, `${account.name} ${password}\n`);
    return answer(undefined);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") {
      return refused("file-exists", `${path} exists`, "read it and remove it, or name another");
    }
    try {
      unlinkSync(path);
    } catch {
      // It was never made.
    }
    return troubleOf(error);
  }
}
