// Every operation of the admin API, version 1: who may ask for it, what it takes, what it gives.
// Routes, role checks and the OpenAPI text all come from this table.
import * as z from "zod";
import * as bulletin from "./bulletin-contract.js";
import {
  configChangedSchema,
  configChangeSchema,
  configFieldsSchema,
  languageQuerySchema,
} from "./config-contract.js";
import * as own from "./console-contract.js";
import * as contract from "./contract.js";
import * as incident from "./incident-contract.js";
import * as log from "./log-contract.js";
import * as notice from "./notice-contract.js";
import { historySchema, overviewSchema } from "./overview-contract.js";
import { trendsQuerySchema, trendsSchema } from "./trends-contract.js";

/** `local`: over the admin socket alone. */
export type Needs = own.Role | "local";

export type Operation = {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** `{name}` is a parameter. */
  readonly path: string;
  readonly role: Needs;
  readonly what: string;
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  readonly answer: z.ZodType;
};

const number = z
  .string()
  .regex(/^[0-9]{1,15}$/)
  .transform(Number);
const byName = z.object({ name: z.string().min(1).max(1_024) });
const byAddress = z.object({ address: z.string().max(64) });

const serverOperations = {
  status: {
    method: "GET",
    path: "/status",
    role: "viewer",
    what: "Everything an operator looks at first",
    answer: contract.statusSchema,
  },
  overview: {
    method: "GET",
    path: "/overview",
    role: "viewer",
    what: "How the server is at this moment",
    answer: overviewSchema,
  },
  history: {
    method: "GET",
    path: "/history",
    role: "viewer",
    what: "The last quarter of an hour: a moment a second while somebody looked on, else every ten",
    answer: historySchema,
  },
  trends: {
    method: "GET",
    path: "/trends",
    role: "viewer",
    what: "The past, by slots of ten seconds, five minutes, an hour or a day, kept over a restart",
    query: trendsQuerySchema,
    answer: trendsSchema,
  },
  sessions: {
    method: "GET",
    path: "/sessions",
    role: "viewer",
    what: "Sessions, by page",
    query: contract.sessionsQuerySchema,
    answer: contract.sessionsSchema,
  },
  session: {
    method: "GET",
    path: "/sessions/{id}",
    role: "viewer",
    what: "One session with its negotiation",
    params: z.object({ id: number }),
    answer: contract.sessionDetailSchema,
  },
  disconnect: {
    method: "POST",
    path: "/disconnect",
    role: "operator",
    what: "Ends one session, those of a user, or all",
    body: contract.disconnectSchema,
    answer: contract.disconnectedSchema,
  },
  blocks: {
    method: "GET",
    path: "/blocks",
    role: "viewer",
    what: "Blocked sources",
    answer: contract.blocksSchema,
  },
  block: {
    method: "POST",
    path: "/blocks",
    role: "operator",
    what: "Blocks a source",
    body: contract.blockSchema,
    answer: contract.blockShownSchema,
  },
  unblock: {
    method: "DELETE",
    path: "/blocks/{address}",
    role: "operator",
    what: "Ends a block",
    params: byAddress,
    answer: contract.unblockedSchema,
  },
  incidents: {
    method: "GET",
    path: "/incidents",
    role: "viewer",
    what: "Incidents, newest first",
    query: incident.incidentsQuerySchema,
    answer: incident.incidentsSchema,
  },
  incident: {
    method: "GET",
    path: "/incidents/{number}",
    role: "viewer",
    what: "One incident",
    params: z.object({ number }),
    answer: incident.incidentSchema,
  },
  bulletins: {
    method: "GET",
    path: "/bulletins",
    role: "viewer",
    what: "Bulletins of incidents, newest first, in a language",
    query: bulletin.bulletinsQuerySchema,
    answer: bulletin.bulletinsSchema,
  },
  bulletin: {
    method: "GET",
    path: "/bulletins/{number}",
    role: "viewer",
    what: "One bulletin, in a language",
    params: z.object({ number }),
    query: bulletin.bulletinQuerySchema,
    answer: bulletin.bulletinSchema,
  },
  notices: {
    method: "GET",
    path: "/notices",
    role: "viewer",
    what: "Who is told of incidents and troubles, and how that goes",
    answer: notice.noticesSchema,
  },
  testNotices: {
    method: "POST",
    path: "/notices/test",
    role: "administrator",
    what: "Sends a test by every way that is on",
    answer: notice.noticeTestedSchema,
  },
  ledger: {
    method: "GET",
    path: "/ledger",
    role: "viewer",
    what: "What is held, by whom and since when",
    query: contract.ledgerQuerySchema,
    answer: contract.ledgerSchema,
  },
  logLevel: {
    method: "GET",
    path: "/log-level",
    role: "viewer",
    what: "The log's level",
    answer: contract.logLevelSchema,
  },
  log: {
    method: "GET",
    path: "/log",
    role: "viewer",
    what: "The log's newest lines",
    query: log.logQuerySchema,
    answer: log.logPageSchema,
  },
  config: {
    method: "GET",
    path: "/config",
    role: "viewer",
    what: "The configuration in effect",
    answer: log.configShownSchema,
  },
  configFields: {
    method: "GET",
    path: "/config/fields",
    role: "administrator",
    what: "What of the configuration may be changed here, field by field, in a language",
    query: languageQuerySchema,
    answer: configFieldsSchema,
  },
  changeConfig: {
    method: "POST",
    path: "/config/changes",
    role: "administrator",
    what: "Changes fields in the configuration file and applies it, or only tries to",
    query: languageQuerySchema,
    body: configChangeSchema,
    answer: configChangedSchema,
  },
  setLogLevel: {
    method: "PUT",
    path: "/log-level",
    role: "administrator",
    what: "Changes the log's level until the next start",
    body: contract.logLevelSchema,
    answer: contract.logLevelSchema,
  },
  reload: {
    method: "POST",
    path: "/reload",
    role: "administrator",
    what: "Applies the configuration file",
    query: languageQuerySchema,
    answer: contract.reloadedSchema,
  },
  doctor: {
    method: "GET",
    path: "/doctor",
    role: "operator",
    what: "Looks for what is in the way on this host",
    answer: contract.doctorSchema,
  },
  accounting: {
    method: "GET",
    path: "/accounting",
    role: "viewer",
    what: "Sessions that were, newest first",
    query: contract.accountingQuerySchema,
    answer: contract.accountingSchema,
  },
} as const satisfies Record<string, Operation>;

const accountOperations = {
  users: {
    method: "GET",
    path: "/users",
    role: "viewer",
    what: "Accounts, in order of name",
    query: contract.accountsQuerySchema,
    answer: contract.accountsSchema,
  },
  addUser: {
    method: "POST",
    path: "/users",
    role: "administrator",
    what: "Makes an account",
    body: contract.newAccountSchema,
    answer: contract.accountSchema,
  },
  importUsers: {
    method: "POST",
    path: "/users/import",
    role: "administrator",
    what: "Makes many accounts in one transaction",
    body: contract.importSchema,
    answer: contract.importedSchema,
  },
  user: {
    method: "GET",
    path: "/users/{name}",
    role: "viewer",
    what: "One account",
    params: byName,
    answer: contract.accountSchema,
  },
  setUser: {
    method: "PATCH",
    path: "/users/{name}",
    role: "administrator",
    what: "Changes what an account may",
    params: byName,
    body: contract.accountTermsSchema,
    answer: contract.accountSchema,
  },
  removeUser: {
    method: "DELETE",
    path: "/users/{name}",
    role: "administrator",
    what: "Removes an account and ends its sessions",
    params: byName,
    answer: contract.accountSchema,
  },
  setPassword: {
    method: "PUT",
    path: "/users/{name}/password",
    role: "administrator",
    what: "Gives an account another password",
    params: byName,
    body: contract.setPasswordSchema,
    answer: contract.accountSchema,
  },
  enableUser: {
    method: "POST",
    path: "/users/{name}/enable",
    role: "operator",
    what: "Lets an account log in again",
    params: byName,
    answer: contract.accountSchema,
  },
  disableUser: {
    method: "POST",
    path: "/users/{name}/disable",
    role: "operator",
    what: "Lets an account log in no more, and ends its sessions",
    params: byName,
    answer: contract.accountSchema,
  },
  rotateKey: {
    method: "POST",
    path: "/keys/rotate",
    role: "local",
    what: "Seals every secret with a new key",
    answer: contract.keyRotatedSchema,
  },
  backup: {
    method: "POST",
    path: "/backup",
    role: "local",
    what: "Writes a copy of the database on the server's disk",
    body: contract.backupSchema,
    answer: contract.backedUpSchema,
  },
} as const satisfies Record<string, Operation>;

const consoleOperations = {
  consoleUsers: {
    method: "GET",
    path: "/console-users",
    role: "administrator",
    what: "Who may use the console",
    answer: own.consoleUsersSchema,
  },
  addConsoleUser: {
    method: "POST",
    path: "/console-users",
    role: "administrator",
    what: "Makes a console user",
    body: own.newConsoleUserSchema,
    answer: own.consoleUserSchema,
  },
  setConsoleUser: {
    method: "PATCH",
    path: "/console-users/{name}",
    role: "administrator",
    what: "Gives a console user another role, disables or enables it; its log-ins end",
    params: byName,
    body: own.consoleUserChangeSchema,
    answer: own.consoleUserSchema,
  },
  setConsolePassword: {
    method: "PUT",
    path: "/console-users/{name}/password",
    role: "administrator",
    what: "Gives a console user another password, and ends its log-ins",
    params: byName,
    body: own.consolePasswordSchema,
    answer: own.consoleUserSchema,
  },
  removeConsoleUser: {
    method: "DELETE",
    path: "/console-users/{name}",
    role: "administrator",
    what: "Removes a console user, and ends its log-ins",
    params: byName,
    answer: own.consoleUserSchema,
  },
  tokens: {
    method: "GET",
    path: "/tokens",
    role: "administrator",
    what: "Tokens of machines",
    answer: own.tokensSchema,
  },
  addToken: {
    method: "POST",
    path: "/tokens",
    role: "administrator",
    what: "Makes a token, and shows it this once",
    body: own.newTokenSchema,
    answer: own.tokenMadeSchema,
  },
  removeToken: {
    method: "DELETE",
    path: "/tokens/{name}",
    role: "administrator",
    what: "Ends a token",
    params: byName,
    answer: own.tokenSchema,
  },
} as const satisfies Record<string, Operation>;

export const operations = { ...serverOperations, ...accountOperations, ...consoleOperations };

export type OperationName = keyof typeof operations;

type Read<Name extends OperationName, Part extends string> =
  (typeof operations)[Name] extends Readonly<Record<Part, infer Schema extends z.ZodType>>
    ? z.output<Schema>
    : undefined;

/** What an operation was given, read by its schemas. */
export type Given<Name extends OperationName> = {
  readonly params: Read<Name, "params">;
  readonly query: Read<Name, "query">;
  readonly body: Read<Name, "body">;
};

export type AnswerOf<Name extends OperationName> = z.output<(typeof operations)[Name]["answer"]>;

/** Whether someone in that role may ask for it; nobody may, over the network, for what is local. */
export function mayAsk(role: string, needs: Needs): boolean {
  const has = (own.roles as readonly string[]).indexOf(role);
  const needed = (own.roles as readonly string[]).indexOf(needs);
  return needed >= 0 && has >= needed;
}
