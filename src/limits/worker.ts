// Bounds of data workers and of what is before their sockets, as limits.ts has them of the rest.

/** Between the main process and a data worker. */
export const worker = {
  messageOctetsMax: 65_536,
  /** Octets queued to a worker that does not read before it counts as stuck. */
  queueOctetsMax: 8 * 1024 * 1024,
  /** PPP frames a worker queues to a main process that does not read; then the newest is dropped. */
  frameOctetsMax: 1024 * 1024,
  /** Those of calls without a log-in only while so much at most waits: the rest is kept for sessions. */
  strangersFrameOctetsMax: 512 * 1024,
  /** From the spawn to Ready. */
  startMs: 10_000,
  /** At its end a worker waits so long for the main process to take its last events. */
  finishMs: 5,
  /** From Stop to the exit; then it is killed. */
  stopMs: 2_000,
  /** Each wakes both processes up, an idle server too. */
  pingEveryMs: 400,
  /** No Pong for so long: it is asked whether the worker is stuck, which is killed and replaced. */
  pongMs: 600,
  /** Then it is asked again so soon. */
  suspectEveryMs: 150,
  /** Run by it since without a Pong: it is stuck. */
  stuckRunMs: 100,
  /** A worker that has no processor to run on is waited for so long. */
  starvedMs: 10_000,
  /** From Remove to Removed; then the session is given back without. */
  removedMs: 750,
  restartsPerMinuteMax: 10,
  /** Data workers at once, and what `workers: auto` takes at most. */
  workersMax: 8,
  /** Descriptors of the main process that a worker needs: sockets, filter, TUN, link, its error output. */
  descriptorsEach: 8,
  /** Packets of the TUN taken over from another worker in one turn. */
  handedOverMax: 64,
} as const;

/** The filter of GRE at interfaces, before the workers' sockets. */
export const xdp = {
  interfacesMax: 16,
  /** Our own, to which it judges GRE. */
  addressesMax: 256,
} as const;
