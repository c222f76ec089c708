// What the admin API asks of the running server. Everything of accounts, keys and backups goes to
// AccountService, which works without a server too.

import type {
  BulletinQuery,
  BulletinShown,
  BulletinsPage,
  BulletinsQuery,
} from "../../console/bulletin-contract.js";
import type { ConfigChange, ConfigChanged, ConfigFields } from "../../console/config-contract.js";
import type {
  ConsoleUserChange,
  ConsoleUserShown,
  NewConsoleUser,
  NewToken,
  TokenMade,
  TokenShown,
} from "../../console/console-contract.js";
import type {
  BlockGiven,
  BlockShown,
  BlocksPage,
  Disconnected,
  DisconnectTarget,
  DoctorReport,
  LedgerPage,
  LedgerQuery,
  LogLevel,
  Reloaded,
  SessionDetail,
  SessionsPage,
  SessionsQuery,
  Status,
} from "../../console/contract.js";
import type {
  IncidentShown,
  IncidentsPage,
  IncidentsQuery,
} from "../../console/incident-contract.js";
import type { ConfigShown, LogPage, LogQuery } from "../../console/log-contract.js";
import type { NoticesShown, NoticeTested } from "../../console/notice-contract.js";
import type { History, Overview } from "../../console/overview-contract.js";
import type { TrendsPage, TrendsQuery } from "../../console/trends-contract.js";
import type { AccountService } from "./account-service.js";

/** `refused`: not allowed or not possible as asked. `trouble`: the machine's fault. */
export type AdminFault = {
  readonly ok: false;
  readonly code: "bad-request" | "not-found" | "refused" | "trouble";
  readonly reason: string;
  readonly message: string;
  readonly remedy: string;
};

export type AdminAnswer<T> = { readonly ok: true; readonly value: T } | AdminFault;

/** Who may use the console. */
export interface ConsolePort {
  users(): Promise<AdminAnswer<{ users: ConsoleUserShown[] }>>;
  addUser(given: NewConsoleUser): Promise<AdminAnswer<ConsoleUserShown>>;
  setUser(name: string, change: ConsoleUserChange): Promise<AdminAnswer<ConsoleUserShown>>;
  setPassword(name: string, password: string): Promise<AdminAnswer<ConsoleUserShown>>;
  removeUser(name: string): Promise<AdminAnswer<ConsoleUserShown>>;
  tokens(): Promise<AdminAnswer<{ tokens: TokenShown[] }>>;
  addToken(given: NewToken): Promise<AdminAnswer<TokenMade>>;
  removeToken(name: string): Promise<AdminAnswer<TokenShown>>;
}

/** Nothing here throws on what a caller asked for; what throws is our bug and answered with 500. */
export interface AdminPort {
  readonly accounts: AccountService;
  readonly console: ConsolePort;
  status(): Status | Promise<Status>;
  overview(): Overview;
  history(): History;
  trends(query: TrendsQuery): Promise<AdminAnswer<TrendsPage>>;
  sessions(query: SessionsQuery): SessionsPage;
  session(id: number): SessionDetail | undefined;
  /** Returns once their ends are under way, not when they are over. */
  disconnect(target: DisconnectTarget): AdminAnswer<Disconnected>;
  blocks(): BlocksPage | Promise<BlocksPage>;
  block(given: BlockGiven): AdminAnswer<BlockShown>;
  unblock(address: string): AdminAnswer<{ readonly address: string }>;
  incidents(query: IncidentsQuery): Promise<AdminAnswer<IncidentsPage>>;
  incident(number: number): Promise<AdminAnswer<IncidentShown>>;
  bulletins(query: BulletinsQuery): Promise<AdminAnswer<BulletinsPage>>;
  bulletin(number: number, query: BulletinQuery): Promise<AdminAnswer<BulletinShown>>;
  notices(): NoticesShown;
  testNotices(): Promise<NoticeTested>;
  ledger(query: LedgerQuery): LedgerPage;
  logLevel(): LogLevel;
  setLogLevel(level: LogLevel): void;
  log(query: LogQuery): LogPage;
  config(): ConfigShown;
  configFields(): AdminAnswer<ConfigFields>;
  /** What is wrong with it is in the answer, by field; then nothing has changed. */
  changeConfig(change: ConfigChange): Promise<AdminAnswer<ConfigChanged>>;
  /** A configuration that is wrong is `refused` with all its problems, and nothing has changed. */
  reload(): Promise<AdminAnswer<Reloaded>>;
  doctor(): Promise<DoctorReport>;
}

export function adminFault(
  code: AdminFault["code"],
  reason: string,
  message: string,
  remedy: string,
): AdminFault {
  return { ok: false, code, reason, message, remedy };
}
