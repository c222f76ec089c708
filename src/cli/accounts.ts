// Accounts for commands: through the server while one runs, else in the file itself under the
// server's lock. Both ends behave alike, since the server's is the same service.
import { lstatSync } from "node:fs";
import * as contract from "../console/contract.js";
import { AccountService } from "../daemon/admin/account-service.js";
import type { AdminAnswer } from "../daemon/admin/port.js";
import { configFileSetting, storeTerms } from "../daemon/config/store-terms.js";
import type { StatePaths } from "../daemon/state-directory.js";
import { lockFile } from "../os/lock-file.js";
import type { Answer, Store } from "../store/port.js";
import { openStore } from "../store/sqlite-store.js";
import { type AdminClient, NoServer } from "./admin-client.js";
import type { CliContext, StateOptions } from "./context.js";
import { CliFailure, exitCodes } from "./exit.js";

export interface AccountCommands {
  list(after: string | undefined): Promise<contract.AccountsPage>;
  find(name: string): Promise<contract.AccountShown>;
  add(account: contract.NewAccountGiven): Promise<contract.AccountShown>;
  update(name: string, terms: contract.AccountTermsGiven): Promise<contract.AccountShown>;
  setPassword(name: string, password: string): Promise<contract.AccountShown>;
  setEnabled(name: string, enabled: boolean): Promise<contract.AccountShown>;
  remove(name: string): Promise<contract.AccountShown>;
  import(given: contract.ImportGiven): Promise<contract.Imported>;
  keyRotate(): Promise<contract.KeyRotated>;
  backup(path: string): Promise<contract.BackedUp>;
  accounting(query: contract.AccountingQuery): Promise<contract.AccountingPage>;
}

const pageSize = 200;

class OverSocket implements AccountCommands {
  constructor(readonly client: AdminClient) {}

  list(after: string | undefined) {
    return this.client.get("/users", contract.accountsSchema, { after, most: pageSize });
  }

  find(name: string) {
    return this.client.get(user(name), contract.accountSchema);
  }

  add(account: contract.NewAccountGiven) {
    return this.client.send("POST", "/users", contract.accountSchema, account);
  }

  update(name: string, terms: contract.AccountTermsGiven) {
    return this.client.send("PATCH", user(name), contract.accountSchema, terms);
  }

  setPassword(name: string, password: string) {
    const path = `${user(name)}/password`;
    return this.client.send("PUT", path, contract.accountSchema, { password });
  }

  setEnabled(name: string, enabled: boolean) {
    const path = `${user(name)}/${enabled ? "enable" : "disable"}`;
    return this.client.send("POST", path, contract.accountSchema);
  }

  remove(name: string) {
    return this.client.send("DELETE", user(name), contract.accountSchema);
  }

  import(given: contract.ImportGiven) {
    return this.client.send("POST", "/users/import", contract.importedSchema, given);
  }

  keyRotate() {
    return this.client.send("POST", "/keys/rotate", contract.keyRotatedSchema);
  }

  backup(path: string) {
    return this.client.send("POST", "/backup", contract.backedUpSchema, { path });
  }

  accounting(query: contract.AccountingQuery) {
    return this.client.get("/accounting", contract.accountingSchema, query);
  }
}

class InTheFile implements AccountCommands {
  constructor(readonly service: AccountService) {}

  list = async (after: string | undefined) =>
    taken(await this.service.list({ ...(after === undefined ? {} : { after }), most: pageSize }));
  find = async (name: string) => taken(await this.service.find(name));
  add = async (account: contract.NewAccountGiven) => taken(await this.service.add(account));
  update = async (name: string, terms: contract.AccountTermsGiven) =>
    taken(await this.service.update(name, terms));
  setPassword = async (name: string, password: string) =>
    taken(await this.service.setPassword(name, password));
  setEnabled = async (name: string, enabled: boolean) =>
    taken(await this.service.setEnabled(name, enabled));
  remove = async (name: string) => taken(await this.service.remove(name));
  import = async (given: contract.ImportGiven) => taken(await this.service.import(given));
  keyRotate = async () => taken(await this.service.keyRotate());
  backup = async (path: string) => taken(await this.service.backup(path));
  accounting = async (query: contract.AccountingQuery) =>
    taken(await this.service.accounting(query));
}

function user(name: string): string {
  return `/users/${encodeURIComponent(name)}`;
}

function taken<T>(answer: AdminAnswer<T>): T {
  if (answer.ok) return answer.value;
  const { code, reason, message, remedy } = answer;
  const exit = code === "trouble" ? exitCodes.failed : exitCodes.refused;
  throw new CliFailure(exit, message, remedy, reason);
}

/** Runs `work` through the server, or in the file when nobody answers at the socket. */
export async function withAccounts<T>(
  context: CliContext,
  options: StateOptions,
  work: (accounts: AccountCommands) => Promise<T>,
): Promise<T> {
  const paths = context.paths(options);
  const client = context.client(options);
  try {
    await client.get("/log-level", contract.logLevelSchema);
  } catch (failure) {
    if (!(failure instanceof NoServer)) throw failure;
    return inTheFile(context, options, paths, work);
  }
  return work(new OverSocket(client));
}

async function inTheFile<T>(
  context: CliContext,
  options: StateOptions,
  paths: StatePaths,
  work: (accounts: AccountCommands) => Promise<T>,
): Promise<T> {
  const owner = ownerOf(paths);
  using _owner = actAs(owner, context.around.uid);
  const lock = lockFile(paths.lock);
  if ("errno" in lock) {
    if (lock.errno === "EAGAIN") {
      const message = `${paths.directory} is in use, yet no server answers: ${lock.detail ?? ""}`;
      throw new CliFailure(exitCodes.failed, message, "wait until the server is up, or has ended");
    }
    throw new CliFailure(
      exitCodes.privileges,
      `${lock.call}: ${lock.errno}`,
      "use the server's user, or root",
    );
  }
  using _lock = lock;
  const opened = await openStore({ databasePath: paths.database, keyPath: paths.keyFile, owner });
  if (!opened.ok)
    throw new CliFailure(exitCodes.failed, opened.message, opened.remedy, opened.reason);
  try {
    await configure(context, options, opened.store);
    return await work(new InTheFile(new AccountService(opened.store)));
  } finally {
    await opened.store.close();
  }
}

/** As the server that last ran here was configured: clear text must not be erased by an oversight. */
async function configure(context: CliContext, options: StateOptions, store: Store): Promise<void> {
  const remembered = must(await store.settings.get(configFileSetting));
  const { config } = context.configInEffect(options, remembered);
  must(await store.configure(storeTerms(config)));
}

function must<T>(answer: Answer<T>): T {
  if (answer.ok) return answer.value;
  throw new CliFailure(exitCodes.failed, answer.message, answer.remedy, answer.reason);
}

function ownerOf({ directory }: StatePaths): number {
  try {
    return lstatSync(directory).uid;
  } catch {
    throw new CliFailure(
      exitCodes.noServer,
      `there is no state directory ${directory}`,
      "start the server once, or name its directory with --state",
    );
  }
}

/** Files root would make in another user's directory are files that user's server cannot open. */
function actAs(owner: number, uid: number): Disposable {
  if (uid !== 0 || owner === 0) return { [Symbol.dispose]: () => {} };
  process.seteuid?.(owner);
  return { [Symbol.dispose]: () => void process.seteuid?.(0) };
}
