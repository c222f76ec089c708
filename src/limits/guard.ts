// Bounds of strangers and of incidents, as limits.ts has them of the rest.

/** Strangers (src/core/guard): of one source address, of its /24, of all together. */
export const guard = {
  /** Addresses, and as many /24, of which each of the rates below is kept. */
  sourcesMax: 16_384,
  /** What may come at once: so much time of a rate. */
  burstMs: 4_000,
  /** A place is one's own so long; a silent one's so that all whom `connectionsPerSecond` lets in find one. */
  placeLeastMs: 1_000,
  halfOpenLeastMs: 350,
  /** TCP connections a second (G-01). */
  sourceConnectionsPerSecond: 10,
  prefixConnectionsPerSecond: 50,
  connectionsPerSecond: 1_000,
  /** Connections without a whole SCCRQ (G-02). */
  sourceHalfOpenMax: 8,
  prefixHalfOpenMax: 64,
  halfOpenMax: 384,
  /** Connections after it without a session that is logged in (G-06). */
  sourceUnprovenMax: 16,
  prefixUnprovenMax: 128,
  unprovenMax: 512,
  /** Control messages of these a second (G-04). */
  sourceMessagesPerSecond: 40,
  prefixMessagesPerSecond: 400,
  messagesPerSecond: 4_000,
  /** Beyond these a connection is not read, but no longer: who closed it meanwhile is seen only then, and who comes after
   * a flood of others' is not to wait for what they owed. */
  pauseMaxMs: 1_000,
  /** Calls a second, and calls that are not logged in. */
  sourceCallsPerSecond: 10,
  prefixCallsPerSecond: 50,
  callsPerSecond: 1_000,
  sourceCallingMax: 16,
  prefixCallingMax: 128,
  callingMax: 512,
  /** Their PPP frames a second: negotiation, authentication, echoes. */
  sourceFramesPerSecond: 400,
  prefixFramesPerSecond: 2_000,
  framesPerSecond: 20_000,
  /** Log-ins a second for which an account is looked up (G-16). */
  sourceLogInsPerSecond: 5,
  prefixLogInsPerSecond: 25,
  logInsPerSecond: 1_000,
  /** Failed log-ins of a user from a source before that pair is held back, and for how long. */
  logInFailuresMax: 5,
  logInHoldMinMs: 30_000,
  logInHoldMaxMs: 3_600_000,
  /** Pairs of user and source that are remembered. */
  logInPairsMax: 16_384,
  /** What a source may do within the window before it is blocked; a TCP handshake proves each. */
  offenceWindowMs: 600_000,
  blockFailedLogIns: 20,
  blockMalformed: 10,
  blockConnections: 300,
  /** The first block, doubled each time up to the second, until none for the third. */
  blockMinMs: 60_000,
  blockMaxMs: 86_400_000,
  blockForgetMs: 86_400_000,
  /** In force or remembered; also what the kernel's sets hold. */
  blocksMax: 8_192,
  /** Networks that an operator blocked, likewise, and how wide one may be. */
  blockedNetworksMax: 256,
  blockLengthMin: 8,
  /** Live calls of blocked sources. */
  blockedLiveMax: 8_192,
  /** Timers of the main process are late by so much, with so much of a processor used, for so long: busy. */
  busyLagMs: 250,
  busyPercent: 80,
  busyMs: 1_000,
  /** Meanwhile strangers' frames wait for their turn: so many, taken so many at once. */
  strangersFramesMax: 512,
  strangersTurnFrames: 16,
  /** And what they say on their connections is read no more often than this. */
  strangersPauseMs: 250,
} as const;

/** A stream of what nobody asked for, as one incident (src/core/guard/incidents.ts). */
export const incident = {
  /** What was refused is looked at so often. */
  everyMs: 1_000,
  /** The mean of so long is what is judged: a short burst is none. */
  windowMs: 10_000,
  /** So much a second is never one, and so much always. */
  floorPerSecond: 100,
  ceilingPerSecond: 1_000,
  /** In between: so many times the usual, which is the median of buckets of so long, of 24 h. */
  usualTimes: 4,
  bucketMs: 300_000,
  bucketsMax: 288,
  /** Over once nothing was above that rate for so long. */
  quietMs: 60_000,
  /** While it lasts, it is told in the log and written down so often. */
  summaryMs: 60_000,
  /** Reasons counted by name. */
  reasonsMax: 64,
  /** Counters of a sketch of sources, and how many of it are shown. */
  sourcesMax: 64,
  sourcesShownMax: 10,
  /** Sources of refused GRE that the kernel's filter notes between two looks; a power of two. */
  samplesMax: 64,
  /** Blocks that are listed. */
  blocksMax: 32,
  /** In the store. */
  keptMax: 1_000,
} as const;
