// Which bounds of src/limits.ts a configuration may change, and how far. What is not here is fixed
// by a protocol or by the size of a buffer.
import * as z from "zod";
import * as limits from "../../limits.js";
import { wholeNumber } from "./fields.js";

type Numbers<S> = { -readonly [K in keyof S]: number };

/** Every limit with the configured overrides applied; same names as src/limits.ts. */
export type Limits = {
  readonly [S in keyof typeof limits]: Readonly<Numbers<(typeof limits)[S]>>;
};

type Bounds = readonly [min: number, max: number, meaning: string];
type BoundsTable = {
  readonly [S in keyof typeof limits]?: { readonly [K in keyof (typeof limits)[S]]?: Bounds };
};

const minuteMs = 60_000;

export const limitBounds = {
  control: {
    connectionsMax: [1, 60_000, "TCP connections at once"],
    connectionsLeavingMax: [0, 1_024, "above that, while strangers who gave way are being closed"],
    acceptQueueMax: [16, 65_535, "connections that the kernel holds between two accepts"],
    startDeadlineMs: [1_000, minuteMs, "whole Start-Control-Connection-Request, from the accept"],
    messageDeadlineMs: [1_000, minuteMs, "a later message, from its first octet"],
    callDeadlineMs: [1_000, 10 * minuteMs, "from the start reply to the first call"],
    authenticatedDeadlineMs: [5_000, 10 * minuteMs, "from the accept to a logged-in session"],
    echoIdleMs: [5_000, 10 * minuteMs, "silence before our Echo-Request"],
    echoReplyMs: [1_000, 10 * minuteMs, "wait for its answer"],
    replyMs: [1_000, 10 * minuteMs, "wait for the reply to a start, stop or call"],
    stopReplyMs: [100, minuteMs, "wait for Stop-Control-Connection-Reply when stopping"],
    clearReplyMs: [100, minuteMs, "wait for Call-Disconnect-Notify after our Call-Clear-Request"],
    outputOctetsMax: [512, 1_048_576, "octets for a peer whose TCP does not take them: closed"],
    messagesPerSecond: [1, 1_000, "control messages a second of one connection"],
    messagesBurst: [1, 2_000, "its burst"],
    overRateMs: [0, minuteMs, "over that rate for so long: closed"],
    callsPerConnectionMax: [1, 1_024, "calls of one control connection"],
    callIdsPerPeerMax: [8, 32_768, "Call IDs out or resting of one address"],
    callIdsMax: [1_024, 1_048_576, "of all"],
    callIdQuarantineMs: [1_000, 10 * minuteMs, "a Call ID rests so long after its call"],
    installMs: [100, minuteMs, "wait for the data path to take a call"],
  },
  ppp: {
    restartMs: [500, 30_000, "RFC 1661 restart timer"],
    configureMax: [2, 100, "RFC 1661 Max-Configure"],
    terminateMax: [1, 10, "RFC 1661 Max-Terminate"],
    failureMax: [1, 20, "RFC 1661 Max-Failure"],
    packetsPerPhaseMax: [20, 1_000, "negotiation packets taken in one phase"],
    phaseDeadlineMs: [5_000, 10 * minuteMs, "one phase of the log-in"],
    renegotiationsPerHourMax: [0, 100, "renegotiations within an hour"],
    rejectsPerSecond: [1, 1_000, "Code- and Protocol-Rejects sent a second"],
    echoRepliesPerSecond: [1, 1_000, "LCP Echo-Requests answered a second"],
    resetAcksPerSecond: [1, 1_000, "CCP Reset-Requests answered a second"],
    resyncsPerSecond: [1, 1_000, "Echo-Requests a second that look for a lost sequence"],
    echoIntervalMs: [1_000, 60 * minuteMs, "LCP Echo-Request interval"],
    echoFailuresMax: [1, 100, "unanswered ones before the link is dead"],
    probeMs: [100, 30_000, "answer of the oldest session when its user is at the limit"],
    doubtMs: [0, 10_000, "what would end or restart PPP waits for a sign that it is forged"],
    doubtsPerSecond: [1, 1_000, "such packets asked about a second"],
    authenticationTriesMax: [1, 10, "log-ins tried within one session"],
  },
  plane: {
    reorderPacketsMax: [0, 1_024, "packets of one flow kept while an earlier one is missing"],
    reorderOctetsMax: [0, 1_048_576, "their octets"],
    reorderMs: [0, 2_000, "their age"],
    loginPacketsPerSecondMax: [10, 10_000, "GRE packets a second of a call that is logging in"],
    icmpPerSecondMax: [1, 10_000, "ICMP errors of the gateway a second"],
    answersPerSecondMax: [1, 1_000, "DHCP, echo and other answers of the gateway to a session"],
  },
  guard: {
    sourcesMax: [256, 262_144, "addresses, and as many /24, whose rates are kept"],
    burstMs: [100, minuteMs, "so much time of each of these rates may come at once"],
    placeLeastMs: [0, minuteMs, "a stranger's place is not given to another before"],
    halfOpenLeastMs: [0, minuteMs, "likewise of a connection that has said nothing"],
    sourceConnectionsPerSecond: [1, 10_000, "new connections a second of one address"],
    prefixConnectionsPerSecond: [1, 100_000, "of a /24"],
    connectionsPerSecond: [1, 100_000, "of all"],
    sourceHalfOpenMax: [1, 60_000, "connections that have not started, of one address"],
    prefixHalfOpenMax: [1, 60_000, "of a /24"],
    halfOpenMax: [1, 60_000, "of all"],
    sourceUnprovenMax: [1, 60_000, "connections without a log-in, of one address"],
    prefixUnprovenMax: [1, 60_000, "of a /24"],
    unprovenMax: [1, 60_000, "of all"],
    sourceMessagesPerSecond: [1, 100_000, "their control messages a second, of one address"],
    prefixMessagesPerSecond: [1, 100_000, "of a /24"],
    messagesPerSecond: [1, 100_000, "of all"],
    pauseMaxMs: [10, minuteMs, "not read for these rates any longer than this"],
    sourceCallsPerSecond: [1, 10_000, "their calls a second, of one address"],
    prefixCallsPerSecond: [1, 100_000, "of a /24"],
    callsPerSecond: [1, 100_000, "of all"],
    sourceCallingMax: [1, 60_000, "calls without a log-in, of one address"],
    prefixCallingMax: [1, 60_000, "of a /24"],
    callingMax: [1, 60_000, "of all"],
    sourceFramesPerSecond: [10, 100_000, "their PPP frames a second, of one address"],
    prefixFramesPerSecond: [10, 1_000_000, "of a /24"],
    framesPerSecond: [10, 1_000_000, "of all"],
    sourceLogInsPerSecond: [1, 10_000, "log-ins a second looked up, of one address"],
    prefixLogInsPerSecond: [1, 100_000, "of a /24"],
    logInsPerSecond: [1, 100_000, "of all"],
    logInFailuresMax: [
      1,
      1_000,
      "failed log-ins of a user from an address before they are held back",
    ],
    logInHoldMinMs: [1_000, 1_440 * minuteMs, "for so long the first time"],
    logInHoldMaxMs: [1_000, 10_080 * minuteMs, "the longest, after doubling"],
    logInPairsMax: [256, 262_144, "pairs of user and address that are remembered for it"],
    offenceWindowMs: [minuteMs, 1_440 * minuteMs, "the time in which the next three count"],
    blockFailedLogIns: [1, 100_000, "failed log-ins of an address before a block"],
    blockMalformed: [1, 100_000, "malformed control messages likewise"],
    blockConnections: [1, 1_000_000, "connections over the rate likewise"],
    blockMinMs: [1_000, 1_440 * minuteMs, "the first block"],
    blockMaxMs: [1_000, 10_080 * minuteMs, "the longest, after doubling"],
    blockForgetMs: [
      1_000,
      43_200 * minuteMs,
      "so long without a block: the next one is a first one",
    ],
    blocksMax: [16, 65_536, "blocked addresses, remembered ones included"],
    blockedNetworksMax: [1, 4_096, "likewise networks, which only an operator blocks"],
    blockLengthMin: [1, 32, "a network to be blocked must be as long as this"],
    blockedLiveMax: [2, 65_536, "calls of blocked addresses that go on, twice those of one block"],
    busyLagMs: [1, minuteMs, "busy: timers are so late"],
    busyPercent: [1, 100, "with so much of a processor used"],
    busyMs: [0, minuteMs, "for so long"],
    strangersFramesMax: [1, 65_536, "their PPP frames that wait while the server is busy"],
    strangersTurnFrames: [1, 1_024, "so many of them are taken at once"],
    strangersPauseMs: [10, minuteMs, "their connections are not read again before"],
  },
  incident: {
    windowMs: [2_000, 10 * minuteMs, "the mean of so long decides whether there is an incident"],
    floorPerSecond: [1, 1_000_000, "refused a second that never are one"],
    ceilingPerSecond: [1, 10_000_000, "refused a second beyond which there always is one"],
    quietMs: [1_000, 60 * minuteMs, "quiet for so long: it is over"],
    summaryMs: [10_000, 60 * minuteMs, "told in the log so often while it lasts"],
  },
  access: {
    sessionsMax: [1, 60_000, "sessions at once"],
    backendPendingMax: [1, 65_536, "requests waiting for the account store"],
    backendDeadlineMs: [1_000, 2 * minuteMs, "its answer"],
  },
  hooks: {
    atOnceMax: [1, 64, "hooks running at once"],
    runMs: [100, 10 * minuteMs, "one hook"],
    queueMax: [1, 10_000, "hooks waiting"],
  },
  admin: {
    connectionsMax: [2, 1_024, "connections of the admin socket"],
    logLinesPerMinute: [10, 100_000, "log lines a minute of one class"],
    logSourceLinesPerMinute: [1, 100_000, "log lines a minute by strangers, of one address"],
    logPrefixLinesPerMinute: [1, 100_000, "of a /24"],
    logStrangersLinesPerMinute: [1, 100_000, "of all"],
  },
} as const satisfies BoundsTable;

type Table = typeof limitBounds;

const { ...byDefault } = limits;

function section<S extends keyof Table>(name: S) {
  const defaults: Readonly<Record<string, number>> = byDefault[name];
  const shape = Object.fromEntries(
    Object.entries<Bounds>(limitBounds[name]).map(([key, [min, max, meaning]]) => {
      const value = defaults[key] ?? min;
      return [key, wholeNumber(meaning, min, max, value).default(value)];
    }),
  ) as { [K in keyof Table[S]]: z.ZodDefault<z.ZodNumber> };
  return z.strictObject(shape).prefault({} as never);
}

export const limitsSchema = z.strictObject({
  control: section("control"),
  ppp: section("ppp"),
  plane: section("plane"),
  guard: section("guard"),
  incident: section("incident"),
  access: section("access"),
  hooks: section("hooks"),
  admin: section("admin"),
});

export function effectiveLimits(overrides: z.output<typeof limitsSchema>): Limits {
  return {
    ...byDefault,
    control: { ...limits.control, ...overrides.control },
    ppp: { ...limits.ppp, ...overrides.ppp },
    plane: { ...limits.plane, ...overrides.plane },
    guard: { ...limits.guard, ...overrides.guard },
    incident: { ...limits.incident, ...overrides.incident },
    access: { ...limits.access, ...overrides.access },
    hooks: { ...limits.hooks, ...overrides.hooks },
    admin: { ...limits.admin, ...overrides.admin },
  };
}
