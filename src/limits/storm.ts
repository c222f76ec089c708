// Bounds of the bench: their unit and why, as in src/limits.ts.

/** `holdfast storm`. */
export const storm = {
  /** Each scenario, unless --seconds says otherwise, and at most. */
  seconds: 10,
  secondsMax: 3_600,
  /** GRE packets a second, unless --rate says otherwise, and at most. */
  packetsPerSecond: 20_000,
  packetsPerSecondMax: 2_000_000,
  /** Hostile connections: opened in a second, and open at once. */
  connectionsPerSecondMax: 500,
  connectionsMax: 1_000,
  /** Log-ins under way at once that are to be cut: more would wait for each other, not for the server. */
  cutsMax: 16,
  /** Of those that log in and are hostile inside, fewer: each takes one of the user's sessions. So long they stay. */
  insidersMax: 4,
  insideMs: 200,
  /** Of those that take every place there is: up at once, and for how long. */
  exhaustMax: 512,
  exhaustMs: 3_000,
  /** Source addresses of this host that a stream comes from. */
  sourcesMax: 256,
  /** What is read of a server by one hostile peer, and how long that peer stays. */
  talkOctetsMax: 65_536,
  talkMs: 8_000,
  /** One step's wait for an answer. */
  hearMs: 1_000,
  /** Datagrams handed to the kernel in one call, and in one turn of the event loop. */
  batchPackets: 64,
  turnPacketsMax: 1_024,
  /** Honest sessions, and how many log in at first in a second. */
  sessionsMax: 5_000,
  logInsPerSecond: 4,
  logInsPerSecondMax: 200,
  /** While the stream runs a new one logs in so often; each has three tries, of `logInWithinMs`. */
  logInEveryMs: 500,
  /** A session that is to stay, and a hostile one, has so long for its log-in. */
  logInMs: 15_000,
  logInTriesMax: 3,
  /** A request of PPP that is not answered is sent again (RFC 1661 §4.6): sooner, one that is only slow to answer may have
   * opened its protocol by then, and pppd ends a session that asks for MPPE anew. */
  restartMs: 3_000,
  /** A pause before the next try; a hung-up call is closed. */
  resendMs: 1_000,
  /** Echo-Requests of each session, given up after so long; a session without any answer is lost. */
  echoEveryMs: 200,
  /** Of all sessions together: many ask less often each. */
  echoesPerSecond: 2_500,
  echoLostMs: 2_000,
  sessionLostMs: 10_000,
  /** Our acknowledgment, where no data carried it. */
  ackMs: 100,
  /** One look at the server's process, and how many are kept. */
  sampleMs: 250,
  samplesMax: 50_000,
  /** Before the first stream, and after each, for the levels to compare with. */
  beforeMs: 2_000,
  recoverMs: 15_000,
  settleMs: 5_000,
  /** What the verdicts want: the time of each try of a log-in, the processor's return, the slowest of 100 echoes. */
  logInWithinMs: 5_000,
  recoveredWithinMs: 1_000,
  latencyMs: 500,
  /** Processor share above the level before that still counts as it: of one core, in percent. */
  processorSlackPercent: 15,
  /** So many looks in a row at its level: one alone may be chance. */
  processorLooks: 3,
  /** Echoes answered, in percent of the share before. */
  trafficKeptPercent: 95,
  /** Log-ins that succeed under floods of connections, within three tries. */
  floodLogInsPercent: 99,
  /** Memory kept after a stream: less cannot be told from garbage not yet collected. */
  memoryNoiseOctets: 33_554_432,
} as const;
