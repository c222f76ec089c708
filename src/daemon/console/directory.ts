// Who may use the console: its users and the tokens of machines, over the store's port. They are no
// VPN accounts, and those are none of these.
import { randomBytes } from "node:crypto";
import {
  type ConsoleUserChange,
  type ConsoleUserShown,
  type NewConsoleUser,
  type NewToken,
  type Role,
  roles,
  type TokenMade,
  type TokenRole,
  type TokenShown,
} from "../../console/console-contract.js";
import { web as limits } from "../../limits/web.js";
import type { Answer, ConsoleStore, KeptConsoleUser, KeptToken } from "../../store/port.js";
import { faultOf } from "../admin/account-service.js";
import { type AdminAnswer, type AdminFault, adminFault, type ConsolePort } from "../admin/port.js";
import { digestOf, type LogIns } from "./log-ins.js";
import { PasswordChecks, verifierOf } from "./passwords.js";

const dayMs = 86_400_000;
const tokenPrefix = "hf_";

type Checked = { readonly name: string; readonly role: Role } | "wrong" | "busy";

export class Directory implements ConsolePort {
  readonly #checks = new PasswordChecks();
  /** By digest: asked for with every request that carries one. Undefined: to be read again. */
  #tokens: Map<string, KeptToken> | undefined;

  constructor(
    readonly store: ConsoleStore,
    readonly logIns: LogIns,
    readonly wallClockMs: () => number,
  ) {}

  async users(): Promise<AdminAnswer<{ users: ConsoleUserShown[] }>> {
    const users = await this.store.users();
    if (!users.ok) return faultOf(users);
    return { ok: true, value: { users: users.value.map((user) => this.#shown(user)) } };
  }

  async addUser({ name, role, password }: NewConsoleUser): Promise<AdminAnswer<ConsoleUserShown>> {
    const users = await this.store.users();
    if (!users.ok) return faultOf(users);
    if (users.value.some((user) => user.name === name)) {
      const remedy = "holdfast console-user password gives it another password";
      return adminFault("refused", "exists", `there is a console user ${name} already`, remedy);
    }
    if (users.value.length >= limits.usersMax) return tooMany("console users", limits.usersMax);
    const now = this.wallClockMs();
    const verifier = await verifierOf(password);
    return this.#put({ name, role, verifier, enabled: true, createdAt: now, changedAt: now });
  }

  /** Its log-ins end: what they may is what it was. */
  async setUser(name: string, change: ConsoleUserChange): Promise<AdminAnswer<ConsoleUserShown>> {
    const users = await this.store.users();
    if (!users.ok) return faultOf(users);
    const user = users.value.find((one) => one.name === name);
    if (user === undefined) return noUser(name);
    const next = {
      ...user,
      role: change.role ?? user.role,
      enabled: change.enabled ?? user.enabled,
    };
    const others = users.value.filter((one) => one.name !== name);
    if (administers(user) && ![...others, next].some(administers)) return lastAdministrator(name);
    const put = await this.#put(next);
    this.logIns.endOf(name);
    return put.ok ? this.#again(put.value) : put;
  }

  async setPassword(name: string, password: string): Promise<AdminAnswer<ConsoleUserShown>> {
    const user = await this.#user(name);
    if (!user.ok) return user;
    const verifier = await verifierOf(password);
    const put = await this.#put({ ...user.value, verifier, changedAt: this.wallClockMs() });
    this.logIns.endOf(name);
    return put.ok ? this.#again(put.value) : put;
  }

  async removeUser(name: string): Promise<AdminAnswer<ConsoleUserShown>> {
    const user = await this.#user(name);
    if (!user.ok) return user;
    const shown = this.#shown(user.value);
    const removed = await this.store.removeUser(name);
    this.logIns.endOf(name);
    return removed.ok ? { ok: true, value: shown } : faultOf(removed);
  }

  async tokens(): Promise<AdminAnswer<{ tokens: TokenShown[] }>> {
    const tokens = await this.store.tokens();
    return tokens.ok
      ? { ok: true, value: { tokens: tokens.value.map(shownToken) } }
      : faultOf(tokens);
  }

  async addToken({ name, role, days }: NewToken): Promise<AdminAnswer<TokenMade>> {
    const tokens = await this.store.tokens();
    if (!tokens.ok) return faultOf(tokens);
    if (tokens.value.some((token) => token.name === name)) {
      const remedy = `holdfast token remove ${name} ends it`;
      return adminFault("refused", "exists", `there is a token ${name} already`, remedy);
    }
    if (tokens.value.length >= limits.tokensMax) return tooMany("tokens", limits.tokensMax);
    const token = tokenPrefix + randomBytes(32).toString("base64url");
    const now = this.wallClockMs();
    const kept = {
      name,
      role,
      digest: digestOf(token),
      createdAt: now,
      expiresAt: now + days * dayMs,
    };
    this.#tokens = undefined;
    const put = await this.store.putToken(kept);
    this.#tokens = undefined;
    return put.ok ? { ok: true, value: { ...shownToken(kept), token } } : faultOf(put);
  }

  async removeToken(name: string): Promise<AdminAnswer<TokenShown>> {
    const tokens = await this.store.tokens();
    if (!tokens.ok) return faultOf(tokens);
    const token = tokens.value.find((one) => one.name === name);
    if (token === undefined) return unknown(`no token ${name}`, "see holdfast token list");
    this.#tokens = undefined;
    const removed = await this.store.removeToken(name);
    this.#tokens = undefined;
    return removed.ok ? { ok: true, value: shownToken(token) } : faultOf(removed);
  }

  /** The same time whether there is such a user or not. */
  async check(name: string, password: string): Promise<Checked | AdminFault> {
    const users = await this.store.users();
    if (!users.ok) return faultOf(users);
    const user = users.value.find((one) => one.name === name);
    const right = await this.#checks.check(password, user?.verifier);
    if (user?.enabled === false) return "wrong";
    if (right === "busy") return "busy";
    const role = roles.find((one) => one === user?.role);
    return right && role !== undefined ? { name, role } : "wrong";
  }

  /** Whose token that is, while it is valid. */
  async tokenOf(text: string): Promise<{ name: string; role: TokenRole } | undefined> {
    if (!text.startsWith(tokenPrefix) || text.length > 64) return undefined;
    const tokens = await this.#known();
    const found = tokens?.get(digestOf(text));
    if (found === undefined || this.wallClockMs() >= found.expiresAt) return undefined;
    return { name: found.name, role: found.role as TokenRole };
  }

  async #known(): Promise<ReadonlyMap<string, KeptToken> | undefined> {
    if (this.#tokens !== undefined) return this.#tokens;
    const tokens = await this.store.tokens();
    if (!tokens.ok) return undefined;
    this.#tokens = new Map(tokens.value.map((token) => [token.digest, token]));
    return this.#tokens;
  }

  async #user(name: string): Promise<AdminAnswer<KeptConsoleUser>> {
    const users = await this.store.users();
    if (!users.ok) return faultOf(users);
    const user = users.value.find((one) => one.name === name);
    if (user !== undefined) return { ok: true, value: user };
    return noUser(name);
  }

  async #put(user: KeptConsoleUser): Promise<AdminAnswer<ConsoleUserShown>> {
    const put: Answer<void> = await this.store.putUser(user);
    return put.ok ? { ok: true, value: this.#shown(user) } : faultOf(put);
  }

  #again(shown: ConsoleUserShown): AdminAnswer<ConsoleUserShown> {
    return { ok: true, value: { ...shown, logIns: this.logIns.countOf(shown.name) } };
  }

  #shown({ name, role, enabled, createdAt, changedAt }: KeptConsoleUser): ConsoleUserShown {
    const logIns = this.logIns.countOf(name);
    return { name, role: role as Role, enabled, createdAt, changedAt, logIns };
  }
}

function shownToken({ name, role, createdAt, expiresAt }: KeptToken): TokenShown {
  return { name, role: role as TokenRole, createdAt, expiresAt };
}

function administers({ role, enabled }: KeptConsoleUser): boolean {
  return enabled && role === "administrator";
}

function lastAdministrator(name: string): AdminFault {
  const message = `${name} is the only administrator that may log in`;
  return adminFault("refused", "last-administrator", message, "make another administrator first");
}

function noUser(name: string): AdminFault {
  return unknown(`no console user ${JSON.stringify(name)}`, "see holdfast console-user list");
}

function unknown(what: string, remedy: string): AdminFault {
  return adminFault("not-found", "unknown", `there is ${what}`, remedy);
}

function tooMany(what: string, most: number): AdminFault {
  return adminFault("refused", "too-many", `there are ${most} ${what}`, "remove one first");
}
