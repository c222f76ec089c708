// The store as the rest of the product sees it: one asynchronous port for accounts, accounting and
// settings. What the caller did wrong and what the disk did wrong are both values, never exceptions.
import type { Ipv4, Prefix4 } from "../base/ip.js";
import type { Range4 } from "../base/range4.js";
import type { Language, Severity } from "../base/severity.js";
import type { TrendResolution, TrendSlot } from "../base/trend-slot.js";
import type { AccountTerms, AuthenticationMethod, EndCause } from "../core/access/ports.js";
import type { Bulletin } from "../core/bulletin/bulletin.js";
import type { IncidentReport } from "../core/guard/incident-report.js";

export type RefusalReason =
  | "bad-name"
  | "bad-password"
  | "bad-terms"
  | "exists"
  | "unknown-account"
  | "address-taken"
  | "routes-overlap"
  | "too-many-accounts"
  | "file-exists"
  | "bad-path";

/** What was asked for is not allowed or not possible; nothing was changed. */
export type Refusal = {
  readonly ok: false;
  readonly reason: RefusalReason;
  readonly message: string;
  readonly remedy: string;
};

export type TroubleKind = "full" | "locked" | "corrupt" | "closed" | "queue-full" | "failed";

/** The machine's fault: the answer is not known or the change was not made. */
export type StoreTrouble = {
  readonly ok: false;
  readonly reason: "trouble";
  readonly what: TroubleKind;
  readonly message: string;
  readonly remedy: string;
};

export type Answer<T> = { readonly ok: true; readonly value: T } | Refusal | StoreTrouble;

/** Unix milliseconds. The wall clock is read in the daemon and in the store's thread only. */
export type UnixMs = number;

/** What an account may have; `undefined` is "no limit", or where it is said "the server's default". */
export type AccountLimits = {
  readonly staticAddress: Ipv4 | undefined;
  readonly routes: readonly Prefix4[];
  /** `undefined`: the server's default. */
  readonly sessionsMax: number | undefined;
  readonly atSessionLimit: AccountTerms["atSessionLimit"] | undefined;
  readonly sessionSecondsMax: number | undefined;
  readonly idleSecondsMax: number | undefined;
  /** Inner octets in both directions together, of one session. */
  readonly octetsMax: number | undefined;
  /** From the client and towards it; `undefined` is the server's default, 0 no limit. */
  readonly upBitsPerSecond: number | undefined;
  readonly downBitsPerSecond: number | undefined;
  /** False: refused with 649. */
  readonly dialIn: boolean;
  /** Outside these: refused with 648. */
  readonly validFrom: UnixMs | undefined;
  readonly validUntil: UnixMs | undefined;
  /** Allowed hours in the server's own time, `mon-fri 08:00-18:00, sat 09:00-12:00`; else 646. */
  readonly hours: string | undefined;
};

export type Account = AccountLimits & {
  readonly accountId: number;
  readonly name: string;
  /** False: refused with 647. */
  readonly enabled: boolean;
  readonly createdAt: UnixMs;
  readonly changedAt: UnixMs;
  /** Whether the clear text is kept beside the NT hash (CHAP-MD5 and LAN Manager need it). */
  readonly hasClearText: boolean;
};

export type AccountSecrets = {
  readonly account: Account;
  /** 16 octets. The receiver wipes them after use. */
  readonly ntHash: Uint8Array;
  readonly clearText: string | undefined;
};

export type NewAccount = Partial<AccountLimits> & {
  readonly name: string;
  readonly password: string;
  readonly enabled?: boolean;
};

/** Only what is present is changed; `undefined` takes a limit away. */
export type AccountChange = Partial<AccountLimits>;

export type ImportOutcome = "added" | "replaced" | "kept";

export interface Accounts {
  find(name: string): Promise<Answer<Account | undefined>>;
  /** For authentication: of two names the first that exists, in one look-up. */
  secrets(names: readonly [string, string]): Promise<Answer<AccountSecrets | undefined>>;
  /** In order of name, after `after`. At most 1000 at once. */
  list(page?: { after?: string; most?: number }): Promise<Answer<readonly Account[]>>;
  count(): Promise<Answer<number>>;
  add(account: NewAccount): Promise<Answer<Account>>;
  setPassword(name: string, password: string): Promise<Answer<Account>>;
  disable(name: string): Promise<Answer<Account>>;
  enable(name: string): Promise<Answer<Account>>;
  /** The account as it was. */
  remove(name: string): Promise<Answer<Account>>;
  update(name: string, change: AccountChange): Promise<Answer<Account>>;
  /**
   * In one transaction, an outcome each. What is refused is left out, the rest is written; without
   * `apply` nothing is, though all was tried. Without `replace` an account that exists is kept.
   */
  import(
    accounts: readonly NewAccount[],
    how: { replace: boolean; apply: boolean },
  ): Promise<Answer<readonly (ImportOutcome | Refusal)[]>>;
  /** Every static address, to be kept out of the pool. */
  staticAddresses(): Promise<Answer<readonly { accountId: number; address: Ipv4 }[]>>;
}

/** Who a session is, complete in every record: one that is lost costs the others nothing. */
export type SessionRecord = {
  /** Unique for ever: the instance id and a number. */
  readonly sessionId: string;
  readonly accountId: number | undefined;
  readonly name: string;
  readonly peerAddress: string;
  readonly localAddress: string;
  readonly framedAddress: string | undefined;
  readonly framedPrefix: string | undefined;
  readonly method: AuthenticationMethod;
  readonly encryption: string;
  readonly profile: string;
  readonly startedAt: UnixMs;
};

/** Inner packets and octets; `In` is from the peer. */
export type SessionCounters = {
  readonly octetsIn: number;
  readonly octetsOut: number;
  readonly packetsIn: number;
  readonly packetsOut: number;
};

export type SessionLine = SessionRecord &
  SessionCounters & {
    readonly number: number;
    /** Of the newest counters. */
    readonly countedAt: UnixMs;
    readonly endedAt: UnixMs | undefined;
    /** Undefined while the session lives, or when the server died with it. */
    readonly cause: EndCause | "server-lost" | undefined;
  };

/**
 * A record is acknowledged after its commit. While the disk is in trouble starts and stops wait in
 * memory (bounded) and their promise with them: nobody must wait for it to end a session. Over the
 * bound the oldest interim goes first; what can't be kept is answered "queue-full" and counted.
 */
export interface Accounting {
  start(session: SessionRecord): Promise<Answer<void>>;
  interim(session: SessionRecord, counters: SessionCounters, at: UnixMs): Promise<Answer<void>>;
  stop(
    session: SessionRecord,
    counters: SessionCounters,
    at: UnixMs,
    cause: EndCause,
  ): Promise<Answer<void>>;
  /** Newest first. At most 1000 at once. */
  recent(page?: {
    name?: string;
    before?: number;
    most?: number;
  }): Promise<Answer<readonly SessionLine[]>>;
  /** At start: sessions of an earlier run that never got their stop; returns how many. */
  endOrphans(): Promise<Answer<number>>;
  /** Deletes ended sessions older than `before`, a bounded number at once; returns how many. */
  prune(before: UnixMs): Promise<Answer<number>>;
}

/** A source that is blocked, or was. */
export type KeptBlock = {
  readonly source: Prefix4;
  readonly reason: string;
  readonly since: UnixMs;
  readonly until: UnixMs;
  /** Automatic ones so far; 0: an operator's. */
  readonly times: number;
};

/** Kept over a restart; what is in force the server itself knows. */
export interface BlockStore {
  /** So many of the newest, the newest last. */
  list(most: number): Promise<Answer<readonly KeptBlock[]>>;
  put(block: KeptBlock): Promise<Answer<void>>;
  remove(source: Prefix4): Promise<Answer<void>>;
  /** Deletes those that ended before, and beyond so many of the newest. */
  prune(before: UnixMs, most: number): Promise<Answer<void>>;
}

/** What was an incident, by its number; a bounded number of them. */
export interface IncidentStore {
  /** Newest first, and older than `before`. At most 1000 at once. */
  list(page?: { before?: number; most?: number }): Promise<Answer<readonly IncidentReport[]>>;
  find(number: number): Promise<Answer<IncidentReport | undefined>>;
  /** In place of what was kept of it. */
  put(report: IncidentReport): Promise<Answer<void>>;
  /** At start: those of an earlier run that was killed; returns how many. */
  endOrphans(): Promise<Answer<number>>;
  /** What was refused a second while there was none, by bucket, the oldest first; over in that time. */
  usualRates(time: { after: UnixMs; until: UnixMs }): Promise<Answer<readonly UsualRate[]>>;
  /** The oldest beyond a day of them goes. */
  putUsualRate(rate: UsualRate): Promise<Answer<void>>;
}

export type UsualRate = {
  /** When its bucket was over. */
  readonly at: UnixMs;
  /** Kept to the thousandth. */
  readonly perSecond: number;
};

/** What was said of each incident, by its number; a bounded number of them. */
export interface BulletinStore {
  /** Newest first, and older than `before`. At most 1000 at once. */
  list(page?: { before?: number; most?: number }): Promise<Answer<readonly Bulletin[]>>;
  find(number: number): Promise<Answer<Bulletin | undefined>>;
  /** In place of what was kept of it. */
  put(bulletin: Bulletin): Promise<Answer<void>>;
}

export type NoticeWay = "mail" | "webhook";
export type NoticeEvent = "begin" | "update" | "end" | "test";

/** What is sent: printable text, and of an incident its bulletin. */
export type NoticeBody = {
  readonly event: NoticeEvent;
  readonly key: string;
  readonly language: Language;
  readonly severity: Severity;
  readonly instance: string;
  readonly host: string;
  readonly version: string;
  readonly subject: string;
  readonly text: string;
  readonly bulletin?: object;
};

export type KeptNotice = {
  readonly id: number;
  readonly way: NoticeWay;
  readonly key: string;
  readonly event: NoticeEvent;
  readonly body: NoticeBody;
  readonly queuedAt: UnixMs;
  /** Not before then. */
  readonly nextAt: UnixMs;
  readonly tries: number;
};

/** Notices that wait; who puts them bounds their number. */
export interface NoticeStore {
  /** In order of id. */
  list(): Promise<Answer<readonly KeptNotice[]>>;
  /** In place of the one with its id. */
  put(notice: KeptNotice): Promise<Answer<void>>;
  remove(id: number): Promise<Answer<void>>;
}

/** Who may use the console: what its password is compared with, never the password. */
export type KeptConsoleUser = {
  readonly name: string;
  readonly role: string;
  readonly verifier: string;
  /** False: may not log in. */
  readonly enabled: boolean;
  readonly createdAt: UnixMs;
  readonly changedAt: UnixMs;
};

/** A machine's token, by its digest. */
export type KeptToken = {
  readonly name: string;
  readonly role: string;
  readonly digest: string;
  readonly createdAt: UnixMs;
  readonly expiresAt: UnixMs;
};

/** A bounded number of each; `put` in place of what is there under that name. */
export interface ConsoleStore {
  users(): Promise<Answer<readonly KeptConsoleUser[]>>;
  putUser(user: KeptConsoleUser): Promise<Answer<void>>;
  removeUser(name: string): Promise<Answer<void>>;
  tokens(): Promise<Answer<readonly KeptToken[]>>;
  putToken(token: KeptToken): Promise<Answer<void>>;
  removeToken(name: string): Promise<Answer<void>>;
}

/** Figures of the past at ever coarser resolutions, of each a bounded number of slots. */
export interface TrendStore {
  /** Slots of the finest resolution, added to what is there at every one. */
  put(slots: readonly TrendSlot[]): Promise<Answer<void>>;
  /** From `from` on and before `to` (Unix ms), the oldest first; a bounded number, the newest. */
  list(span: {
    resolution: TrendResolution;
    from: UnixMs;
    to: UnixMs;
  }): Promise<Answer<readonly TrendSlot[]>>;
}

export interface Settings {
  get(key: string): Promise<Answer<string | undefined>>;
  set(key: string, value: string): Promise<Answer<void>>;
}

/**
 * Addresses that are someone's already: routes of accounts must not meet them. A static address may
 * lie in a `pool`, not in what is the server's `own`.
 */
export type Reserved = Range4 & { readonly kind: "pool" | "own"; readonly whose: string };

export type StoreTerms = {
  /**
   * A profile that is on needs clear text (CHAP-MD5; MS-CHAPv1 with LM responses or below 128 bits).
   * When not, clear text that was kept is erased.
   */
  readonly keepClearText: boolean;
  readonly reserved: readonly Reserved[];
};

export type StoreStats = {
  /** Requests waiting, and how long the oldest has: ms. */
  readonly queueLength: number;
  readonly oldestMs: number;
  /** Accounting records of those, and whether they wait out a trouble. */
  readonly accountingLength: number;
  readonly inTrouble: TroubleKind | undefined;
  readonly commits: number;
  readonly failures: number;
  readonly interimsDropped: number;
  /** Starts and stops that could not be kept. */
  readonly recordsRefused: number;
  readonly threadRestarts: number;
  readonly lateAnswers: number;
  /** The kernel's number of the store's thread; 0 while there is none. */
  readonly tid: number;
};

export type KeyRotation = { readonly from: number; readonly to: number; readonly accounts: number };

export interface Store {
  readonly instanceId: string;
  readonly accounts: Accounts;
  readonly accounting: Accounting;
  readonly settings: Settings;
  readonly blocks: BlockStore;
  readonly incidents: IncidentStore;
  readonly bulletins: BulletinStore;
  readonly notices: NoticeStore;
  readonly console: ConsoleStore;
  readonly trends: TrendStore;
  /** At start and after a reload; says how many clear texts were erased and which routes now clash. */
  configure(
    terms: StoreTerms,
  ): Promise<Answer<{ clearTextsErased: number; clashes: readonly string[] }>>;
  /** A whole, consistent copy, 0600; never over a file that exists. The key file is not in it. */
  backup(path: string): Promise<Answer<{ octets: number }>>;
  keyRotate(): Promise<Answer<KeyRotation>>;
  stats(): StoreStats;
  /** Writes what waits, for a bounded time; then every answer is "closed". */
  close(): Promise<{ readonly recordsLost: number }>;
}

/** Why a store can't be opened; nothing was changed on disk. */
export type OpenFailure = {
  readonly ok: false;
  readonly reason:
    | "key-missing"
    | "key-exposed"
    | "key-owner"
    | "key-damaged"
    | "key-wrong"
    | "key-place"
    | "schema-newer"
    | "trouble";
  readonly what?: TroubleKind;
  readonly message: string;
  readonly remedy: string;
};

export function trouble(what: TroubleKind, message: string, remedy: string): StoreTrouble {
  return { ok: false, reason: "trouble", what, message, remedy };
}

export function refused(reason: RefusalReason, message: string, remedy: string): Refusal {
  return { ok: false, reason, message, remedy };
}

export function answer<T>(value: T): Answer<T> {
  return { ok: true, value };
}
