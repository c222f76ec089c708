// What the admin API takes and gives, version 1: one schema a shape, from which types, checks and
// later the console's client and its OpenAPI text all come. Times are Unix milliseconds. Strings of
// peers and users are raw here: whoever shows them uses printable().
import * as z from "zod";

export const apiVersion = "v1";

const unixMs = z.number().int();
const count = z.number().int().nonnegative();
const byName = z.record(z.string(), z.number());

export const faultSchema = z.object({
  error: z.object({
    /** `bad-request`, `not-found`, `refused`, `trouble`, `too-large`, `busy`, `internal`. */
    code: z.string(),
    /** The room's own word for it, e.g. `address-taken`. */
    reason: z.string(),
    message: z.string(),
    remedy: z.string(),
  }),
});

const capabilityNames = z.array(z.string());

/** One thread as /proc tells; capabilities as `NET_ADMIN` and so on. */
export const threadSchema = z.object({
  tid: z.number().int(),
  /** `main`, `store`, else the kernel's own name for it. */
  name: z.string(),
  uid: z.number().int(),
  gid: z.number().int(),
  groups: z.array(z.number().int()),
  noNewPrivileges: z.boolean(),
  effective: capabilityNames,
  permitted: capabilityNames,
  inheritable: capabilityNames,
  bounding: capabilityNames,
  ambient: capabilityNames,
});

export const processSchema = z.object({
  /** `main`, `data worker`, `hook runner`, `hook`, `nft`, `ip`, `starting nft`, … */
  name: z.string(),
  pid: z.number().int(),
  parent: z.number().int(),
  /** Of its first thread. */
  uid: z.number().int(),
  gid: z.number().int(),
  /** Effective in any thread; empty is what data workers and hooks should show. */
  capabilities: capabilityNames,
  /** `all threads alike` or `THREADS DIFFER`, in user or capabilities. */
  state: z.string(),
  threads: z.array(threadSchema),
});

export const profileStatusSchema = z.object({
  name: z.string(),
  /** Ready-made for old clients: nearly no protection. */
  legacy: z.boolean(),
  from: z.array(z.string()),
  on: z.array(z.string()),
  authentication: z.array(z.string()),
  encryption: z.string(),
});

export const statusSchema = z.object({
  version: z.string(),
  node: z.string(),
  instance: z.string(),
  pid: z.number().int(),
  startedAt: unixMs,
  uptimeMs: count,
  stateDirectory: z.string(),
  configFile: z.string().nullable(),
  listening: z.array(z.object({ address: z.string(), port: z.number().int() })),
  network: z.object({
    tun: z.string(),
    /** Anything but `up` stops every session's packets. */
    tunState: z.enum(["up", "down", "deleted"]),
    gateway: z.string(),
    pool: z.string(),
    ipv6Prefix: z.string().nullable(),
    nat: z.string(),
  }),
  /** What carries data: for example `child process, raw GRE socket, TUN`. */
  dataPath: z.string(),
  processes: z.array(processSchema),
  /** Those that are on, the default last. */
  profiles: z.array(profileStatusSchema),
  connections: count,
  /** Deadlines of connections and sessions that are set. */
  deadlines: count,
  /** In use of the main process's heap, with its buffers; nothing is collected for it. */
  heapOctets: count,
  sessions: z.object({ now: count, logIns: count, refusals: count }),
  addresses: z.object({ leased: count, size: count }),
  ledger: z.object({ held: count, stuck: count, byKind: byName }),
  /** Blocked sources. */
  blocks: count,
  /** The one that is going on. */
  incident: z
    .object({ number: count, begin: unixMs, perSecond: count, refused: count, reason: z.string() })
    .nullable(),
  limits: z.object({
    /** Control connections allowed: configured, and lower where descriptors are fewer. */
    connectionsMax: count,
    descriptorsMax: count,
    sessionsMax: count,
  }),
  store: z.object({
    /** `well`, or what is wrong: `full`, `locked`, `corrupt`, … */
    health: z.string(),
    queueLength: count,
    oldestMs: count,
    recordsRefused: count,
    interimsDropped: count,
  }),
  workers: z.array(
    z.object({
      pid: z.number().int(),
      state: z.string(),
      restarts: count,
      /** `TypeScript` or `WebAssembly`; empty before the worker said so. */
      engine: z.string(),
      /** What its TUN's reads and writes may be: `plain`, `csum`, `tso+gro`, `tso+gro+uso`. */
      offload: z.string(),
    }),
  ),
  /** What of GRE the kernel refuses before a data worker wakes. */
  earlyRefusal: z.object({
    form: z.enum(["eBPF", "classic", "off"]),
    /** Why it is not eBPF, where it should have been. */
    why: z.string(),
    /** Live calls, whose packets pass; 0 where calls are not told apart. */
    calls: count,
    /** Null where nothing could count them. */
    refused: count.nullable(),
    /** Whether these are among the counters by reason. */
    byReason: z.boolean(),
    /** Interfaces where it is refused already (XDP), or was to be. */
    xdp: z.array(
      z.object({
        interface: z.string(),
        mode: z.enum(["native", "generic", "none"]),
        /** Why there is none, or no native one. */
        why: z.string(),
      }),
    ),
  }),
  /** Counted reasons, by name: drops, refusals, oddities. */
  counters: byName,
  logLevel: z.string(),
  /** Loud: a legacy profile that is on, a runtime out of support, a failing store, … */
  warnings: z.array(z.string()),
});

export const countersSchema = z.object({
  receivedPackets: count,
  receivedOctets: count,
  sentPackets: count,
  sentOctets: count,
  dropped: count,
  overRateUp: count,
  overRateDown: count,
  lost: count,
  reordered: count,
  roundTripMs: z.number().nonnegative(),
  idleMs: count,
});

export const sessionSummarySchema = z.object({
  id: z.number().int(),
  /** Null before the log-in. */
  user: z.string().nullable(),
  peerAddress: z.string(),
  localAddress: z.string(),
  framedAddress: z.string().nullable(),
  framedPrefix: z.string().nullable(),
  profile: z.string(),
  authentication: z.string().nullable(),
  /** `MPPE-128 stateless`, `none`, … */
  encryption: z.string(),
  /** `establish`, `authenticate`, `network`, `terminate`. */
  phase: z.string(),
  calledAt: unixMs,
  /** When traffic could first flow. */
  upAt: unixMs.nullable(),
  counters: countersSchema,
  peersHostName: z.string(),
  peersVendorString: z.string(),
  /** Why it is ending, while it is. */
  ending: z.string().nullable(),
});

/** What a session carried, by slots of one length; loss and order are of GRE, from the peer. */
export const sessionHistorySchema = z.object({
  /** Of the first slot, which began with the first traffic. */
  beginAt: unixMs,
  slotMs: count,
  /** Oldest first, up to now. */
  slots: z.array(
    z.object({
      receivedOctets: count,
      sentOctets: count,
      receivedPackets: count,
      lost: count,
      reordered: count,
      /** The longest; null where none was measured. */
      roundTripMs: z.number().nonnegative().nullable(),
    }),
  ),
});

export const sessionDetailSchema = sessionSummarySchema.extend({
  connection: z.number().int(),
  callId: z.number().int(),
  peersCallId: z.number().int(),
  routes: z.array(z.string()),
  sessionSecondsMax: count.nullable(),
  idleSecondsMax: count.nullable(),
  octetsMax: count.nullable(),
  /** In force; null is no limit. */
  upBitsPerSecond: count.nullable(),
  downBitsPerSecond: count.nullable(),
  ppp: z
    .object({
      lcp: z.string(),
      ccp: z.string(),
      ipcp: z.string(),
      ipv6cp: z.string(),
      peersMru: count,
      peersIdentification: z.string().nullable(),
    })
    .nullable(),
  linkInfo: z.object({ sendAccm: count, receiveAccm: count }).nullable(),
  wanErrors: byName.nullable(),
  /** Null before its first traffic. */
  history: sessionHistorySchema.nullable(),
  /** The negotiation as it went, one line a packet, oldest first, bounded. */
  dialogue: z.array(z.string()),
});

const pageQuery = {
  /** Only what comes after this one. */
  after: z.coerce.number().int().nonnegative().optional(),
  most: z.coerce.number().int().min(1).max(1_000).default(200),
};

export const sessionsQuerySchema = z.object({
  ...pageQuery,
  user: z.string().max(512).optional(),
  peer: z.string().max(64).optional(),
  address: z.string().max(64).optional(),
});

export const sessionsSchema = z.object({
  sessions: z.array(sessionSummarySchema),
  /** Of all that match, this page included. */
  total: count,
  /** Give it as `after` to get the next page; null on the last. */
  next: z.number().int().nullable(),
});

export const disconnectSchema = z.union([
  z.strictObject({ id: z.number().int() }),
  z.strictObject({ user: z.string().max(512) }),
  z.strictObject({ all: z.literal(true) }),
]);

export const disconnectedSchema = z.object({ sessions: z.array(z.number().int()) });

export const blockSchema = z.strictObject({
  /** An IPv4 address, or a network such as 203.0.113.0/24. */
  address: z.string().max(18),
  seconds: z.number().int().min(1).max(31_536_000),
  reason: z.string().max(128),
});

export const blockShownSchema = z.object({
  address: z.string(),
  /** An operator's words, or what it was blocked for. */
  reason: z.string(),
  since: unixMs,
  until: unixMs,
  /** Automatic ones so far; 0: an operator's. */
  times: count,
});

export const blocksSchema = z.object({
  blocks: z.array(blockShownSchema),
  /** False: refused at the accept only. */
  kernel: z.boolean(),
  /** Why not in the kernel. */
  problem: z.string().nullable(),
  /** By the kernel, since its table was made: attempts to connect, GRE packets. */
  dropped: z.object({ connections: count, gre: count }),
});

export const unblockedSchema = z.object({ address: z.string() });

export const ledgerQuerySchema = z.object({
  ...pageQuery,
  what: z.string().max(64).optional(),
  state: z.enum(["held", "returning", "stuck"]).optional(),
});

export const ledgerLineSchema = z.object({
  id: z.number().int(),
  what: z.string(),
  owner: z.string(),
  detail: z.string(),
  since: unixMs,
  state: z.enum(["held", "returning", "stuck"]),
  why: z.string(),
});

export const ledgerSchema = z.object({
  lines: z.array(ledgerLineSchema),
  balance: byName,
  total: count,
  next: z.number().int().nullable(),
});

export const logLevelSchema = z.strictObject({
  level: z.enum(["error", "warn", "info", "debug", "trace"]),
});

export const reloadedSchema = z.object({
  /** Keys that count from now on. */
  applied: z.array(z.object({ key: z.string(), why: z.string() })),
  /** Keys that keep their old value until the next start. */
  needsRestart: z.array(z.object({ key: z.string(), why: z.string() })),
  warnings: z.array(z.string()),
});

/** What an account may have; null takes a limit away. */
export const accountTermsSchema = z.strictObject({
  staticAddress: z.string().max(15).nullable().optional(),
  routes: z.array(z.string().max(18)).max(64).optional(),
  sessionsMax: z.number().int().min(1).max(65_535).nullable().optional(),
  atSessionLimit: z.enum(["refuse-new", "end-oldest"]).nullable().optional(),
  sessionSecondsMax: z.number().int().min(1).nullable().optional(),
  idleSecondsMax: z.number().int().min(1).nullable().optional(),
  octetsMax: z.number().int().min(1).nullable().optional(),
  /** From the client and towards it; 0 is no limit, null the server's default. */
  upBitsPerSecond: count.nullable().optional(),
  downBitsPerSecond: count.nullable().optional(),
  dialIn: z.boolean().optional(),
  validFrom: unixMs.nullable().optional(),
  validUntil: unixMs.nullable().optional(),
  hours: z.string().max(512).nullable().optional(),
});

const nameText = z.string().max(1_024);
const passwordText = z.string().max(1_024);

export const newAccountSchema = accountTermsSchema.extend({
  name: nameText,
  password: passwordText,
  enabled: z.boolean().optional(),
});

export const accountSchema = z.object({
  accountId: z.number().int(),
  name: z.string(),
  enabled: z.boolean(),
  staticAddress: z.string().nullable(),
  routes: z.array(z.string()),
  sessionsMax: z.number().int().nullable(),
  atSessionLimit: z.enum(["refuse-new", "end-oldest"]).nullable(),
  sessionSecondsMax: z.number().int().nullable(),
  idleSecondsMax: z.number().int().nullable(),
  octetsMax: z.number().int().nullable(),
  upBitsPerSecond: count.nullable(),
  downBitsPerSecond: count.nullable(),
  dialIn: z.boolean(),
  validFrom: unixMs.nullable(),
  validUntil: unixMs.nullable(),
  hours: z.string().nullable(),
  hasClearText: z.boolean(),
  createdAt: unixMs,
  changedAt: unixMs,
});

export const accountsQuerySchema = z.object({
  after: z.string().max(512).optional(),
  most: z.coerce.number().int().min(1).max(1_000).default(200),
});

export const accountsSchema = z.object({
  accounts: z.array(accountSchema),
  total: count,
  next: z.string().nullable(),
});

export const setPasswordSchema = z.strictObject({ password: passwordText });

export const importSchema = z.strictObject({
  accounts: z.array(newAccountSchema).max(100_000),
  replace: z.boolean(),
  /** False: only says what would happen. */
  apply: z.boolean(),
});

export const importedSchema = z.object({
  /** One for each account given. */
  outcomes: z.array(
    z.object({
      what: z.enum(["added", "replaced", "kept", "refused"]),
      /** Of a refused one, in the store's words. */
      reason: z.string(),
      message: z.string(),
      remedy: z.string(),
    }),
  ),
});

export const keyRotatedSchema = z.object({ from: count, to: count, accounts: count });
export const backupSchema = z.strictObject({ path: z.string().min(1).max(4_096) });
export const backedUpSchema = z.object({ path: z.string(), octets: count });

export const verdictSchema = z.object({
  /** Stable name of the check, e.g. `firewall-gre`. */
  check: z.string(),
  result: z.enum(["well", "warning", "wrong", "unknown"]),
  message: z.string(),
  /** Where it is: `nft: table ip filter, chain FORWARD, handle 12`; empty where that means nothing. */
  place: z.string(),
  remedy: z.string(),
});

export const doctorSchema = z.object({ verdicts: z.array(verdictSchema) });

export const accountingQuerySchema = z.object({
  user: z.string().max(512).optional(),
  before: z.coerce.number().int().nonnegative().optional(),
  most: z.coerce.number().int().min(1).max(1_000).default(200),
});

export const accountingLineSchema = z.object({
  number: z.number().int(),
  sessionId: z.string(),
  user: z.string(),
  peerAddress: z.string(),
  localAddress: z.string(),
  framedAddress: z.string().nullable(),
  framedPrefix: z.string().nullable(),
  method: z.string(),
  encryption: z.string(),
  profile: z.string(),
  startedAt: unixMs,
  countedAt: unixMs,
  endedAt: unixMs.nullable(),
  cause: z.string().nullable(),
  octetsIn: count,
  octetsOut: count,
  packetsIn: count,
  packetsOut: count,
});

export const accountingSchema = z.object({
  lines: z.array(accountingLineSchema),
  /** Give it as `before` to get older ones; null when there are none. */
  next: z.number().int().nullable(),
});

export type Fault = z.output<typeof faultSchema>;
export type ThreadStatus = z.output<typeof threadSchema>;
export type ProcessStatus = z.output<typeof processSchema>;
export type ProfileStatus = z.output<typeof profileStatusSchema>;
export type Status = z.output<typeof statusSchema>;
export type SessionSummary = z.output<typeof sessionSummarySchema>;
export type SessionHistoryShown = z.output<typeof sessionHistorySchema>;
export type SessionDetail = z.output<typeof sessionDetailSchema>;
export type SessionsQuery = z.output<typeof sessionsQuerySchema>;
export type SessionsPage = z.output<typeof sessionsSchema>;
export type DisconnectTarget = z.output<typeof disconnectSchema>;
export type Disconnected = z.output<typeof disconnectedSchema>;
export type BlockGiven = z.output<typeof blockSchema>;
export type BlockShown = z.output<typeof blockShownSchema>;
export type BlocksPage = z.output<typeof blocksSchema>;
export type LedgerQuery = z.output<typeof ledgerQuerySchema>;
export type LedgerEntry = z.output<typeof ledgerLineSchema>;
export type LedgerPage = z.output<typeof ledgerSchema>;
export type LogLevel = z.output<typeof logLevelSchema>["level"];
export type Reloaded = z.output<typeof reloadedSchema>;
export type AccountTermsGiven = z.output<typeof accountTermsSchema>;
export type NewAccountGiven = z.output<typeof newAccountSchema>;
export type AccountShown = z.output<typeof accountSchema>;
export type AccountsQuery = z.output<typeof accountsQuerySchema>;
export type AccountsPage = z.output<typeof accountsSchema>;
export type ImportGiven = z.output<typeof importSchema>;
export type Imported = z.output<typeof importedSchema>;
export type KeyRotated = z.output<typeof keyRotatedSchema>;
export type BackedUp = z.output<typeof backedUpSchema>;
export type Verdict = z.output<typeof verdictSchema>;
export type DoctorReport = z.output<typeof doctorSchema>;
export type AccountingQuery = z.output<typeof accountingQuerySchema>;
export type AccountingLine = z.output<typeof accountingLineSchema>;
export type AccountingPage = z.output<typeof accountingSchema>;
