// Bounds of the console: their unit and why, as in src/limits.ts.

/** The console: HTTP for people and machines (src/daemon/console). */
export const web = {
  /** Of all, and of one source address: the others find room. */
  connectionsMax: 32,
  sourceConnectionsMax: 24,
  /** Headers of a request, the whole of it, and a connection that says nothing. */
  headersMs: 5_000,
  requestMs: 15_000,
  idleMs: 30_000,
  /** Users, and tokens of machines. */
  usersMax: 64,
  tokensMax: 64,
  /** Log-ins in force: of all, of one user, unused for so long, and after so long at the latest. */
  logInsMax: 256,
  logInsPerUserMax: 16,
  logInIdleMs: 1_800_000,
  logInMs: 43_200_000,
  /** Log-ins tried a minute: of one source address, and of all. */
  triesPerMinute: 10,
  triesInAllPerMinute: 60,
  /** Passwords looked at at once, waiting for that, and the memory one takes (scrypt). */
  checksMax: 2,
  checksWaitingMax: 16,
  scryptOctets: 33_554_432,
  /** Requests of one source address a second, and its burst; addresses this is kept of. */
  requestsPerSecond: 50,
  requestsBurst: 200,
  sourcesMax: 1_024,
  /** Event streams at once, each told so often. */
  streamsMax: 16,
  everyMs: 1_000,
  /** A moment of the server while nobody looks on. */
  unwatchedEveryMs: 10_000,
  /** Moments that the overview's charts begin with: how old, and how many. */
  historyMs: 900_000,
  historyMax: 900,
  /** Lines of the log that are kept for its page, and characters of the fields of one. */
  logLinesMax: 500,
  logLineCharactersMax: 2_048,
} as const;

/** What is kept of the past for the console's charts (src/daemon/trends.ts, src/store/sqlite-trends.ts). */
export const trends = {
  /** Slots kept in the database: of ten seconds (3 h), five minutes (8 d), an hour (70 d), a day (5 y). */
  tenSecondsMax: 1_080,
  fiveMinutesMax: 2_304,
  hoursMax: 1_680,
  daysMax: 1_830,
  /** Gathered for so long, then written together: an idle server leaves its disk alone. */
  writeEveryMs: 60_000,
  /** Slots that wait, while the disk is in trouble. */
  waitingMax: 360,
  /** Slots that the time between two moments is spread over. */
  spreadMax: 30,
  /** Slots in one answer. */
  answerMax: 1_000,
} as const;
