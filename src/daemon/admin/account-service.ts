// Accounts as the admin API and the command line see them: text in, text out, over the store's port.
// The server uses it behind the socket; the command line uses it alone when no server runs.

import { formatIpv4 } from "../../base/ip.js";
import { formatPrefix4 } from "../../base/range4.js";
import type {
  AccountingPage,
  AccountingQuery,
  AccountShown,
  AccountsPage,
  AccountsQuery,
  AccountTermsGiven,
  BackedUp,
  Imported,
  ImportGiven,
  KeyRotated,
  NewAccountGiven,
} from "../../console/contract.js";
import type {
  Account,
  AccountChange,
  AccountLimits,
  Answer,
  NewAccount,
  SessionLine,
  Store,
} from "../../store/port.js";
import { type Read, readAddress4, readPrefix4 } from "../config/addresses.js";
import { type AdminAnswer, type AdminFault, adminFault } from "./port.js";

export type AccountEvent = "disabled" | "removed" | "password" | "terms";

/** The store without its life: whoever opened it closes it. */
export type AccountStore = Pick<Store, "accounts" | "accounting" | "backup" | "keyRotate">;

export class AccountService {
  /**
   * `changed` is told after the commit, with the account as it is now where only one was changed:
   * live sessions of an account that may no longer log in end, and another rate is theirs at once.
   */
  constructor(
    readonly store: AccountStore,
    readonly changed: (name: string, event: AccountEvent, account?: Account) => void = () => {},
  ) {}

  async list({ after, most }: AccountsQuery): Promise<AdminAnswer<AccountsPage>> {
    const page = await this.store.accounts.list({
      ...(after === undefined ? {} : { after }),
      most,
    });
    if (!page.ok) return faultOf(page);
    const total = await this.store.accounts.count();
    if (!total.ok) return faultOf(total);
    const last = page.value[page.value.length - 1];
    const next = page.value.length === most && last !== undefined ? last.name : null;
    return { ok: true, value: { accounts: page.value.map(show), total: total.value, next } };
  }

  async find(name: string): Promise<AdminAnswer<AccountShown>> {
    const found = await this.store.accounts.find(name);
    if (!found.ok) return faultOf(found);
    return found.value === undefined ? unknown(name) : { ok: true, value: show(found.value) };
  }

  async add(given: NewAccountGiven): Promise<AdminAnswer<AccountShown>> {
    const account = readNew(given);
    if (!account.ok) return account;
    return shown(await this.store.accounts.add(account.value));
  }

  async update(name: string, given: AccountTermsGiven): Promise<AdminAnswer<AccountShown>> {
    const change = readTerms(given);
    if (!change.ok) return change;
    return this.#told(await this.store.accounts.update(name, change.value), "terms");
  }

  async setPassword(name: string, password: string): Promise<AdminAnswer<AccountShown>> {
    return this.#told(await this.store.accounts.setPassword(name, password), "password");
  }

  async setEnabled(name: string, enabled: boolean): Promise<AdminAnswer<AccountShown>> {
    const { accounts } = this.store;
    if (enabled) return shown(await accounts.enable(name));
    return this.#told(await accounts.disable(name), "disabled");
  }

  async remove(name: string): Promise<AdminAnswer<AccountShown>> {
    return this.#told(await this.store.accounts.remove(name), "removed");
  }

  async import({ accounts, replace, apply }: ImportGiven): Promise<AdminAnswer<Imported>> {
    const read: NewAccount[] = [];
    for (const given of accounts) {
      const account = readNew(given);
      if (!account.ok) return { ...account, message: `${given.name}: ${account.message}` };
      read.push(account.value);
    }
    const tried = await this.store.accounts.import(read, { replace, apply });
    if (!tried.ok) return faultOf(tried);
    const outcomes = tried.value.map((outcome, index) => {
      if (typeof outcome !== "string") {
        const { reason, message, remedy } = outcome;
        return { what: "refused" as const, reason, message, remedy };
      }
      const name = read[index]?.name;
      if (apply && outcome === "replaced" && name !== undefined) this.changed(name, "password");
      return { what: outcome, reason: "", message: "", remedy: "" };
    });
    return { ok: true, value: { outcomes } };
  }

  async keyRotate(): Promise<AdminAnswer<KeyRotated>> {
    const rotated = await this.store.keyRotate();
    return rotated.ok ? { ok: true, value: { ...rotated.value } } : faultOf(rotated);
  }

  async backup(path: string): Promise<AdminAnswer<BackedUp>> {
    const done = await this.store.backup(path);
    return done.ok ? { ok: true, value: { path, octets: done.value.octets } } : faultOf(done);
  }

  async accounting({ user, before, most }: AccountingQuery): Promise<AdminAnswer<AccountingPage>> {
    const page = await this.store.accounting.recent({
      ...(user === undefined ? {} : { name: user }),
      ...(before === undefined ? {} : { before }),
      most,
    });
    if (!page.ok) return faultOf(page);
    const last = page.value[page.value.length - 1];
    const next = page.value.length === most && last !== undefined ? last.number : null;
    return { ok: true, value: { lines: page.value.map(showLine), next } };
  }

  #told(answer: Answer<Account>, event: AccountEvent): AdminAnswer<AccountShown> {
    if (answer.ok) this.changed(answer.value.name, event, answer.value);
    return shown(answer);
  }
}

function shown(answer: Answer<Account>): AdminAnswer<AccountShown> {
  return answer.ok ? { ok: true, value: show(answer.value) } : faultOf(answer);
}

function unknown(name: string): AdminFault {
  return adminFault(
    "not-found",
    "unknown-account",
    `there is no account ${JSON.stringify(name)}`,
    "see holdfast user list",
  );
}

export function faultOf(answer: Exclude<Answer<unknown>, { ok: true }>): AdminFault {
  const { reason, message, remedy } = answer;
  if (reason === "trouble") return adminFault("trouble", answer.what, message, remedy);
  const code = reason === "unknown-account" ? "not-found" : "refused";
  return adminFault(code, reason, message, remedy);
}

function show(account: Account): AccountShown {
  const { accountId, name, enabled, dialIn, hasClearText, createdAt, changedAt } = account;
  return {
    ...{ accountId, name, enabled, dialIn, hasClearText, createdAt, changedAt },
    staticAddress: account.staticAddress === undefined ? null : formatIpv4(account.staticAddress),
    routes: account.routes.map(formatPrefix4),
    sessionsMax: account.sessionsMax ?? null,
    atSessionLimit: account.atSessionLimit ?? null,
    sessionSecondsMax: account.sessionSecondsMax ?? null,
    idleSecondsMax: account.idleSecondsMax ?? null,
    octetsMax: account.octetsMax ?? null,
    upBitsPerSecond: account.upBitsPerSecond ?? null,
    downBitsPerSecond: account.downBitsPerSecond ?? null,
    validFrom: account.validFrom ?? null,
    validUntil: account.validUntil ?? null,
    hours: account.hours ?? null,
  };
}

function showLine(line: SessionLine): AccountingPage["lines"][number] {
  const { name, framedAddress, framedPrefix, endedAt, cause, accountId: _id, ...rest } = line;
  return {
    ...rest,
    user: name,
    framedAddress: framedAddress ?? null,
    framedPrefix: framedPrefix ?? null,
    endedAt: endedAt ?? null,
    cause: cause ?? null,
  };
}

function readNew(given: NewAccountGiven): AdminAnswer<NewAccount> {
  const { name, password, enabled, ...terms } = given;
  const read = readTerms(terms);
  if (!read.ok) return read;
  const value = { ...read.value, name, password };
  return { ok: true, value: enabled === undefined ? value : { ...value, enabled } };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Null is the wire's word for "no limit", undefined the store's. */
function readTerms(given: AccountTermsGiven): AdminAnswer<AccountChange> {
  const change: Mutable<Partial<AccountLimits>> = {};
  if (given.staticAddress !== undefined) {
    change.staticAddress = undefined;
    if (given.staticAddress !== null) {
      const address = readAddress4(given.staticAddress);
      if (!address.ok) return badTerm("staticAddress", given.staticAddress, address);
      change.staticAddress = address.value;
    }
  }
  if (given.routes !== undefined) {
    const routes = [];
    for (const text of given.routes) {
      const route = readPrefix4(text);
      if (!route.ok) return badTerm("routes", text, route);
      routes.push(route.value);
    }
    change.routes = routes;
  }
  if (given.dialIn !== undefined) change.dialIn = given.dialIn;
  if (given.sessionsMax !== undefined) change.sessionsMax = given.sessionsMax ?? undefined;
  if (given.atSessionLimit !== undefined) {
    change.atSessionLimit = given.atSessionLimit ?? undefined;
  }
  if (given.sessionSecondsMax !== undefined) {
    change.sessionSecondsMax = given.sessionSecondsMax ?? undefined;
  }
  if (given.idleSecondsMax !== undefined) change.idleSecondsMax = given.idleSecondsMax ?? undefined;
  if (given.octetsMax !== undefined) change.octetsMax = given.octetsMax ?? undefined;
  if (given.upBitsPerSecond !== undefined) {
    change.upBitsPerSecond = given.upBitsPerSecond ?? undefined;
  }
  if (given.downBitsPerSecond !== undefined) {
    change.downBitsPerSecond = given.downBitsPerSecond ?? undefined;
  }
  if (given.validFrom !== undefined) change.validFrom = given.validFrom ?? undefined;
  if (given.validUntil !== undefined) change.validUntil = given.validUntil ?? undefined;
  if (given.hours !== undefined) change.hours = given.hours ?? undefined;
  return { ok: true, value: change };
}

function badTerm(
  key: string,
  text: string,
  read: Extract<Read<unknown>, { ok: false }>,
): AdminFault {
  const message = `${key}: expected ${read.expected}; found ${JSON.stringify(text)}`;
  return adminFault("bad-request", "bad-terms", message, read.remedy);
}
