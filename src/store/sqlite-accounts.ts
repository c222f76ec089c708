// Accounts in SQL. Each function is one request of the port, run by the store's thread: the reads as
// they come, the writes inside the batch's transaction; a refusal undoes what its write did.
import type { Ipv4, Prefix4 } from "../base/ip.js";
import { formatPrefix4, rangeOf } from "../base/range4.js";
import { ntPasswordHash } from "../crypto/ms-chap.js";
import { access, store as limits } from "../limits.js";
import { routeFault, staticAddressFault, type TakenRange } from "./account-routes.js";
import { limitsFault, NO_LIMITS } from "./account-rules.js";
import {
  type Account,
  type AccountChange,
  type AccountSecrets,
  type Answer,
  answer,
  type ImportOutcome,
  type NewAccount,
  type Refusal,
  refused,
} from "./port.js";
import { seal, unseal } from "./secrets.js";
import { integer, octets, optional, type Row, text } from "./sqlite-connection.js";
import type { Opened } from "./sqlite-open.js";
import { troubleWith } from "./store-trouble.js";
import { nameFault, normalisedName, passwordFault } from "./user-name.js";

const COLUMNS = `id, name, enabled, dial_in, static_address, sessions_max, at_session_limit,
  session_seconds_max, idle_seconds_max, octets_max, up_bits_per_second, down_bits_per_second,
  valid_from, valid_until, hours, created_at, changed_at,
  (SELECT clear_text IS NOT NULL FROM account_secrets WHERE account_id = id) AS clear`;

function accountOf(row: Row, routes: readonly Prefix4[]): Account {
  const limit = optional(text, row.at_session_limit);
  return {
    accountId: integer(row.id),
    name: text(row.name),
    enabled: row.enabled === 1,
    dialIn: row.dial_in === 1,
    staticAddress: optional(integer, row.static_address),
    routes,
    sessionsMax: optional(integer, row.sessions_max),
    atSessionLimit: limit === "refuse-new" || limit === "end-oldest" ? limit : undefined,
    sessionSecondsMax: optional(integer, row.session_seconds_max),
    idleSecondsMax: optional(integer, row.idle_seconds_max),
    octetsMax: optional(integer, row.octets_max),
    upBitsPerSecond: optional(integer, row.up_bits_per_second),
    downBitsPerSecond: optional(integer, row.down_bits_per_second),
    validFrom: optional(integer, row.valid_from),
    validUntil: optional(integer, row.valid_until),
    hours: optional(text, row.hours),
    createdAt: integer(row.created_at),
    changedAt: integer(row.changed_at),
    hasClearText: row.clear === 1,
  };
}

function prefixOf(row: Row): Prefix4 {
  return { address: integer(row.first), length: integer(row.length) };
}

function withRoutes(db: Opened, row: Row): Account {
  const routes = db.connection.rows(
    "SELECT first, length FROM account_routes WHERE account_id = ? ORDER BY first",
    integer(row.id),
  );
  return accountOf(row, routes.map(prefixOf));
}

function byName(db: Opened, name: string): Account | undefined {
  const row = db.connection.row(
    `SELECT ${COLUMNS} FROM accounts WHERE name = ?`,
    normalisedName(name),
  );
  return row === undefined ? undefined : withRoutes(db, row);
}

function unknown(name: string): Refusal {
  return refused("unknown-account", `there is no account ${name}`, "look at `holdfast user list`");
}

const NOBODYS_SECRET = new Uint8Array(44);
const NOBODY: Row = { id: -1, name: "", enabled: 0, dial_in: 0, created_at: 0, changed_at: 0 };

/** One question whatever the names are, so that its time tells nothing of whether they exist. */
export function accountSecrets(
  db: Opened,
  { names: [first, second] }: { names: readonly [string, string] },
): Answer<AccountSecrets | undefined> {
  const row = db.connection.row(
    `SELECT ${COLUMNS}, key_id, nt_hash, clear_text FROM accounts
     JOIN account_secrets ON account_id = id WHERE name IN (?, ?) ORDER BY name = ? DESC LIMIT 1`,
    first,
    second,
    first,
  );
  if (row === undefined) {
    // The work a known name costs, for nothing.
    withRoutes(db, NOBODY);
    unseal(db.key, 0, "nt_hash", NOBODYS_SECRET);
    if (db.keepClearText) unseal(db.key, 0, "clear_text", NOBODYS_SECRET);
    return answer(undefined);
  }
  const account = withRoutes(db, row);
  const opened = (column: "nt_hash" | "clear_text") =>
    integer(row.key_id) === db.key.id
      ? unseal(db.key, account.accountId, column, octets(row[column]))
      : undefined;
  const ntHash = opened("nt_hash");
  const clear = account.hasClearText ? opened("clear_text") : undefined;
  if (ntHash === undefined || (account.hasClearText && clear === undefined)) {
    return troubleWith("corrupt", `the secrets of account id ${account.accountId} do not open`);
  }
  const clearText = clear === undefined ? undefined : new TextDecoder().decode(clear);
  clear?.fill(0);
  return answer({ account, ntHash, clearText });
}

export function findAccount(db: Opened, { name }: { name: string }): Answer<Account | undefined> {
  return answer(byName(db, name));
}

export function countAccounts(db: Opened, _ask: undefined): Answer<number> {
  return answer(integer(db.connection.row("SELECT count(*) AS count FROM accounts")?.count));
}

export function listAccounts(
  db: Opened,
  { after, most }: { after?: string | undefined; most?: number | undefined },
): Answer<readonly Account[]> {
  const page = "SELECT id FROM accounts WHERE name > ? ORDER BY name LIMIT ?";
  const bounds = [after ?? "", Math.min(most ?? limits.pageMax, limits.pageMax)] as const;
  const routes = new Map<number, Prefix4[]>();
  for (const row of db.connection.rows(
    `SELECT account_id, first, length FROM account_routes WHERE account_id IN (${page})
     ORDER BY first`,
    ...bounds,
  )) {
    const account = integer(row.account_id);
    const list = routes.get(account) ?? [];
    list.push(prefixOf(row));
    routes.set(account, list);
  }
  const rows = db.connection.rows(
    `SELECT ${COLUMNS} FROM accounts WHERE name > ? ORDER BY name LIMIT ?`,
    ...bounds,
  );
  return answer(rows.map((row) => accountOf(row, routes.get(integer(row.id)) ?? [])));
}

export function staticAddresses(
  db: Opened,
  _ask: undefined,
): Answer<readonly { accountId: number; address: Ipv4 }[]> {
  const rows = db.connection.rows(
    "SELECT id, static_address FROM accounts WHERE static_address IS NOT NULL",
  );
  return answer(
    rows.map((row) => ({ accountId: integer(row.id), address: integer(row.static_address) })),
  );
}

/** Everybody's addresses that meet [first, last], but for those of account `but`. */
export function takenBetween(db: Opened, but: number, first: Ipv4, last: Ipv4): TakenRange[] {
  const routes = db.connection.rows(
    `SELECT first, last, name FROM account_routes JOIN accounts ON id = account_id
     WHERE first <= ? AND last >= ? AND id <> ? LIMIT 1`,
    last,
    first,
    but,
  );
  const addresses = db.connection.rows(
    `SELECT static_address AS first, static_address AS last, name FROM accounts
     WHERE static_address BETWEEN ? AND ? AND id <> ? LIMIT 1`,
    first,
    last,
    but,
  );
  const taken = (what: string) => (row: Row) => ({
    first: integer(row.first),
    last: integer(row.last),
    whose: `${what} of ${text(row.name)}`,
  });
  return [...routes.map(taken("a route")), ...addresses.map(taken("the static address"))];
}

/** Routes and static address of an account as it shall be, against everybody else's. */
export function addressFault(db: Opened, account: Account): Refusal | undefined {
  const { accountId, staticAddress, routes } = account;
  const reserved = db.reserved.map((one) => ({ ...one, whose: `${one.kind}: ${one.whose}` }));
  const taken: TakenRange[] = [...reserved];
  for (const { first, last } of routes.map(rangeOf)) {
    taken.push(...takenBetween(db, accountId, first, last));
  }
  if (staticAddress !== undefined) {
    taken.push({ first: staticAddress, last: staticAddress, whose: "its own static address" });
  }
  const fault = routeFault(routes, taken);
  if (fault !== undefined) {
    return refused(
      "routes-overlap",
      `the route ${formatPrefix4(fault.route)} is not possible: ${fault.why}`,
      "give a prefix that meets no pool, no address of the server and no other account's route",
    );
  }
  if (staticAddress === undefined) return undefined;
  const others = takenBetween(db, accountId, staticAddress, staticAddress);
  const owns = reserved.filter(({ kind }) => kind === "own");
  const why = staticAddressFault(staticAddress, [...owns, ...others]);
  if (why === undefined) return undefined;
  return refused("address-taken", `the static address is not possible: ${why}`, "give another one");
}

function writeSecrets(db: Opened, accountId: number, password: string): void {
  const clear = new TextEncoder().encode(password);
  const ntHash = ntPasswordHash(password);
  db.connection.run(
    `INSERT INTO account_secrets (account_id, key_id, nt_hash, clear_text) VALUES (?, ?, ?, ?)
     ON CONFLICT (account_id) DO UPDATE SET key_id = excluded.key_id, nt_hash = excluded.nt_hash,
     clear_text = excluded.clear_text`,
    accountId,
    db.key.id,
    seal(db.key, accountId, "nt_hash", ntHash),
    db.keepClearText ? seal(db.key, accountId, "clear_text", clear) : null,
  );
  clear.fill(0);
  ntHash.fill(0);
}

/** Writes the limits and routes of an account whose row exists, or says why they can't be. */
function writeLimits(db: Opened, account: Account): Refusal | undefined {
  const fault = addressFault(db, account);
  if (fault !== undefined) return fault;
  db.connection.run(
    `UPDATE accounts SET enabled = ?, dial_in = ?, static_address = ?, sessions_max = ?,
     at_session_limit = ?, session_seconds_max = ?, idle_seconds_max = ?, octets_max = ?,
     up_bits_per_second = ?, down_bits_per_second = ?, valid_from = ?, valid_until = ?, hours = ?, changed_at = ? WHERE id = ?`,
    account.enabled,
    account.dialIn,
    account.staticAddress,
    account.sessionsMax,
    account.atSessionLimit,
    account.sessionSecondsMax,
    account.idleSecondsMax,
    account.octetsMax,
    account.upBitsPerSecond,
    account.downBitsPerSecond,
    account.validFrom,
    account.validUntil,
    account.hours,
    Date.now(),
    account.accountId,
  );
  db.connection.run("DELETE FROM account_routes WHERE account_id = ?", account.accountId);
  for (const route of account.routes) {
    const { first, last } = rangeOf(route);
    db.connection.run(
      "INSERT INTO account_routes (account_id, first, last, length) VALUES (?, ?, ?, ?)",
      account.accountId,
      first,
      last,
      route.length,
    );
  }
  return undefined;
}

/** Only the limits of `change`, whatever else the object carries. */
function limitsOf(change: AccountChange): AccountChange {
  const keys = Object.keys(NO_LIMITS).filter((key) => Object.hasOwn(change, key));
  const limits: AccountChange = Object.fromEntries(
    keys.map((key) => [key, change[key as keyof AccountChange]]),
  );
  return {
    ...limits,
    ...("dialIn" in limits ? { dialIn: limits.dialIn ?? true } : {}),
    ...("routes" in limits ? { routes: limits.routes ?? [] } : {}),
  };
}

function again(db: Opened, name: string): Answer<Account> {
  const account = byName(db, name);
  return account === undefined ? unknown(name) : answer(account);
}

function insert(db: Opened, asked: NewAccount): Refusal | undefined {
  const name = normalisedName(asked.name);
  const now = Date.now();
  const { id } = db.connection.run(
    "INSERT INTO accounts (name, enabled, dial_in, created_at, changed_at) VALUES (?, 1, 1, ?, ?)",
    name,
    now,
    now,
  );
  writeSecrets(db, id, asked.password);
  return writeLimits(db, {
    ...NO_LIMITS,
    ...limitsOf(asked),
    accountId: id,
    name,
    enabled: asked.enabled ?? true,
    createdAt: now,
    changedAt: now,
    hasClearText: db.keepClearText,
  });
}

function newAccountFault(asked: NewAccount): Refusal | undefined {
  return (
    nameFault(normalisedName(asked.name)) ?? passwordFault(asked.password) ?? limitsFault(asked)
  );
}

function fullFault(db: Opened, more: number): Refusal | undefined {
  const count = integer(db.connection.row("SELECT count(*) AS count FROM accounts")?.count);
  if (count + more <= access.accountsMax) return undefined;
  return refused(
    "too-many-accounts",
    `there can be ${access.accountsMax} accounts`,
    "remove accounts that are not used",
  );
}

export function addAccount(db: Opened, asked: NewAccount): Answer<Account> {
  const fault = newAccountFault(asked) ?? fullFault(db, 1);
  if (fault !== undefined) return fault;
  if (byName(db, asked.name) !== undefined) {
    return refused(
      "exists",
      `there is an account ${asked.name} already`,
      "change it with `holdfast user passwd` or `holdfast user set`",
    );
  }
  return insert(db, asked) ?? again(db, asked.name);
}

export function setPassword(
  db: Opened,
  { name, password }: { name: string; password: string },
): Answer<Account> {
  const fault = passwordFault(password);
  if (fault !== undefined) return fault;
  const account = byName(db, name);
  if (account === undefined) return unknown(name);
  writeSecrets(db, account.accountId, password);
  db.connection.run(
    "UPDATE accounts SET changed_at = ? WHERE id = ?",
    Date.now(),
    account.accountId,
  );
  return again(db, name);
}

export function setEnabled(
  db: Opened,
  { name, enabled }: { name: string; enabled: boolean },
): Answer<Account> {
  const { changes } = db.connection.run(
    "UPDATE accounts SET enabled = ?, changed_at = ? WHERE name = ?",
    enabled,
    Date.now(),
    normalisedName(name),
  );
  return changes === 0 ? unknown(name) : again(db, name);
}

export function removeAccount(db: Opened, { name }: { name: string }): Answer<Account> {
  const account = byName(db, name);
  if (account === undefined) return unknown(name);
  db.connection.run("DELETE FROM accounts WHERE id = ?", account.accountId);
  return answer(account);
}

export function updateAccount(
  db: Opened,
  { name, change }: { name: string; change: AccountChange },
): Answer<Account> {
  const account = byName(db, name);
  if (account === undefined) return unknown(name);
  const changed = { ...account, ...limitsOf(change) };
  return limitsFault(changed) ?? writeLimits(db, changed) ?? again(db, name);
}

function importOne(db: Opened, asked: NewAccount, replace: boolean): Refusal | ImportOutcome {
  const there = byName(db, asked.name);
  if (there === undefined) return newAccountFault(asked) ?? insert(db, asked) ?? "added";
  if (!replace) return "kept";
  const fault = newAccountFault(asked);
  if (fault !== undefined) return fault;
  writeSecrets(db, there.accountId, asked.password);
  return writeLimits(db, { ...there, ...limitsOf(asked) }) ?? "replaced";
}

type ImportAsk = {
  readonly accounts: readonly NewAccount[];
  readonly replace: boolean;
  readonly apply: boolean;
};

export function importAccounts(
  db: Opened,
  { accounts, replace, apply }: ImportAsk,
): Answer<readonly (ImportOutcome | Refusal)[]> {
  const { connection } = db;
  const outcomes: (ImportOutcome | Refusal)[] = [];
  connection.exec("SAVEPOINT import");
  for (const asked of accounts) {
    connection.exec("SAVEPOINT account");
    const outcome = importOne(db, asked, replace);
    if (typeof outcome !== "string") connection.exec("ROLLBACK TO account");
    connection.exec("RELEASE account");
    outcomes.push(outcome);
  }
  const fault = fullFault(db, 0);
  if (!apply) connection.exec("ROLLBACK TO import");
  connection.exec("RELEASE import");
  return fault ?? answer(outcomes);
}
