// Every bound of the product: its unit, its why. Those of data workers, of the bench and of the console
// are in limits/. docs/LIMITS.md lists them with the memory sum; a house test holds the two against
// each other. Names end in their unit.

/** A section of bounds, as configured. */
export type Bounds<Section> = { readonly [Name in keyof Section]: number };

/** The control connection (RFC 2637 §2, §3; THREATS classes in docs/SECURITY-MODEL.md). */
export const control = {
  /** Largest message, Incoming-Call-Request: the receive buffer of a connection. */
  messageOctetsMax: 220,
  /** Accepted TCP connections at once; also kept below the descriptor limit at start. */
  connectionsMax: 1024,
  /** Connections the kernel holds for us between two accepts; net.core.somaxconn may be less. */
  acceptQueueMax: 4_096,
  /** Connections above that number whose places strangers have just given up: closing takes a moment. */
  connectionsLeavingMax: 16,
  /** Kept free for all that is no control connection: 40 of our own, admin's, console's, children's. */
  descriptorsReserved: 128,
  /** Whole SCCRQ, from the accept (the RFC says 60 s should pass at most). */
  startDeadlineMs: 5_000,
  /** Any later message, from its first octet. */
  messageDeadlineMs: 10_000,
  /** From SCCRP to the first call. */
  callDeadlineMs: 30_000,
  /** From the accept to a first authenticated session. */
  authenticatedDeadlineMs: 60_000,
  /** Silence before our Echo-Request (RFC 2637 §3.1.4: 60 s). */
  echoIdleMs: 60_000,
  /** Its answer (RFC 2637 §3.1.4: 60 s). */
  echoReplyMs: 60_000,
  /** An expected reply of a start, stop or call (RFC 2637: 60 s). */
  replyMs: 60_000,
  /** Stop-Control-Connection-Reply, at our own shutdown. */
  stopReplyMs: 2_000,
  /** Call-Disconnect-Notify after our Call-Clear-Request: many servers never send it. */
  clearReplyMs: 3_000,
  /** Octets not yet taken by the peer's TCP before the connection is closed (G-05). */
  outputOctetsMax: 4_096,
  /** Messages a second a connection may send before reading pauses, and its burst (G-04). */
  messagesPerSecond: 20,
  messagesBurst: 40,
  /** Over that rate for so long: closed. */
  overRateMs: 5_000,
  callsPerConnectionMax: 8,
  /** Live and quarantined Call IDs for one peer address (G-08). */
  callIdsPerPeerMax: 4_096,
  /** Call IDs out or resting for all peers: beyond it the longest resting is freed early. */
  callIdsMax: 262_144,
  /** A Call ID rests so long after its call (G-08). */
  callIdQuarantineMs: 60_000,
  /** A call the data path has not taken by then is refused. */
  installMs: 2_000,
} as const;

/** PPP negotiation (RFC 1661 §4.6 and G-15). */
export const ppp = {
  restartMs: 3_000,
  terminateMax: 2,
  configureMax: 10,
  failureMax: 5,
  /** Largest information field we ever build or accept in negotiation. */
  informationOctetsMax: 1_500,
  /** Negotiation packets taken in one phase. */
  packetsPerPhaseMax: 60,
  /** A phase (establish, authenticate, network) not finished by then ends the session. */
  phaseDeadlineMs: 30_000,
  /** LCP or CCP negotiated anew after Opened, within an hour. */
  renegotiationsPerHourMax: 3,
  /** Code-Reject and Protocol-Reject sent, a second (G-21). */
  rejectsPerSecond: 1,
  /** LCP Echo-Requests answered, a second (G-22). */
  echoRepliesPerSecond: 10,
  /** CCP Reset-Acks sent, a second (G-13). */
  resetAcksPerSecond: 1,
  echoIntervalMs: 30_000,
  /** A server's Echo-Requests are sent at multiples of this: those of many sessions together. */
  echoStepMs: 100,
  echoFailuresMax: 4,
  /** After the last Echo-Request that may stay unanswered: then the link is dead (G-24: 150 s). */
  echoLastWaitMs: 10_000,
  /** LCP Echo-Requests that find the lost sequence again, a second (G-10). */
  resyncsPerSecond: 1,
  /** The oldest session of a user at the limit is asked: its answer (LCP Echo). */
  probeMs: 2_000,
  /** What would end or restart a session waits so long for a sign that it is forged; 0: not at all. */
  doubtMs: 1_000,
  /** Such packets asked about, a second; in between two one of LCP may take the place of another's. */
  doubtsPerSecond: 2,
  /** As client: wait for Terminate-Ack before Call-Clear-Request. */
  farewellMs: 500,
  authenticationTriesMax: 3,
  nameOctetsMax: 256,
  /** Options of one packet: as many as informationOctetsMax has room for, 2 octets each. */
  optionsMax: 748,
  defaultMru: 1_400,
  /** CCP negotiated anew because our own data path lost its keys, within an hour. */
  keyLossesPerHourMax: 60,
  /** CCP Reset-Request is sent again after 1, 2, 4, ... s, so often. */
  resetRetryMs: 1_000,
  resetTriesMax: 4,
  /** Requests with our own Magic-Number in a row before the link counts as looped back. */
  loopedRequestsMax: 5,
  /** Frames and notes waiting to be drained; what the composer must know has as much room again. */
  outputsMax: 256,
  mruMin: 128,
  mruMax: 1_500,
} as const;

/** The data path: GRE, MPPE, inner IP. */
export const plane = {
  flowsMax: 65_536,
  /** PPP frames kept of one flow while an earlier one is missing: count, octets, time, on a path that loses only (G-12). */
  reorderPacketsMax: 16,
  reorderOctetsMax: 24 * 1024,
  reorderMs: 100,
  reorderMinMs: 5,
  /** All flows' reorder buffers together. */
  reorderOctetsTotalMax: 16 * 1024 * 1024,
  /** Numbers the first packet of a call may have. */
  firstSequenceMax: 256,
  /**
   * Forward window for an MPPE packet that decrypts plausibly, and for anything else (G-10). Further ahead
   * than the first, up to keyWrapsMax times 4,096, its key has to be walked to.
   */
  forwardWindowMppe: 2_047,
  forwardWindow: 256,
  /** Out-of-window packets within resyncWindowMs, with nothing in window for resyncSilenceMs. */
  resyncPackets: 8,
  resyncWindowMs: 1_000,
  resyncSilenceMs: 200,
  resyncEveryMs: 1_000,
  /**
   * MPPE key changes a flow may cost beyond one a packet (G-13): so many at once, and what a second and
   * each packet read earn anew. The same again, earned by time alone, for packets far ahead.
   */
  keyStepsBurst: 4_096,
  keyStepsPerSecond: 256,
  keyStepsPerPacket: 2,
  /**
   * How often MPPE's coherency count may have gone round unseen. The key changes of such a loss are walked
   * in pieces, and what was walked is kept, of so many flows: so many changes of one flow at once and a
   * second (and keyStepsPerPacket), so many of all flows of a worker together.
   */
  keyWrapsMax: 64,
  keyWalksMax: 1_024,
  keyWalkBurst: 65_536,
  keyWalkPerSecond: 2_048,
  keyWalksBurst: 16_384,
  keyWalksPerSecond: 65_536,
  /**
   * So many MPPE packets in a row that could not be read, over so long, and the peer is asked for its place
   * in the sequence; a second answer so long after the first tells whether the keys are lost.
   */
  keyDoubtPackets: 512,
  keyDoubtMs: 5_000,
  /** A lone acknowledgment is held so long for data to carry it. */
  ackDelayMs: 50,
  /** Packets a second looked at before the network phase (section 6a). */
  loginPacketsPerSecondMax: 64,
  /** Largest GRE payload taken and sent (RFC 2637 §4.1). */
  payloadOctetsMax: 1_532,
  /** Packets of the RFC's send window held back for one flow. */
  sendQueuePacketsMax: 64,
  /** Datagrams read in one go. */
  batchPackets: 64,
  /** Packets taken each way before commands and timers get their turn. */
  turnPacketsMax: 256,
  /** ICMP errors of the gateway a second, all sessions together. */
  icmpPerSecondMax: 100,
  /** DHCPACKs, advertisements and echo replies of the gateway a second to one session. */
  answersPerSecondMax: 10,
  /** Token buckets of user rates: number 0 is nobody's. */
  rateBucketsMax: 65_536,
  /** What a bucket holds: so much time of its rate, and at least two of the largest packets. */
  rateBurstMs: 100,
  rateBurstOctetsMin: 3_064,
  /** Unsolicited router advertisements, and the lifetimes they and solicited ones tell. */
  advertiseEveryMs: 600_000,
  routerLifetimeS: 3_600,
  prefixLifetimeS: 86_400,
  /** Outer packet size the MSS clamp assumes once a path refused a larger one (G-20). */
  narrowPathMtu: 1_280,
  /** Counters are reported so often, for so many flows a message. */
  countersEveryMs: 1_000,
  countersFlowsMax: 256,
} as const;

export { guard, incident } from "./limits/guard.js";
export { worker, xdp } from "./limits/worker.js";

/** Accounts, sessions and their store. */
export const access = {
  sessionsMax: 10_000,
  userNameOctetsMax: 256,
  passwordOctetsMax: 256,
  routesPerAccountMax: 64,
  accountsMax: 1_000_000,
  /** A user's rate; below it a packet would take seconds, and a unit was forgotten. */
  rateBitsPerSecondMin: 8_000,
  rateBitsPerSecondMax: 100_000_000_000,
  /** Addresses of all pools together; a pool costs 8 octets an address. */
  poolAddressesMax: 1_048_576,
  /** Users whose last address is remembered. */
  lastAddressesMax: 65_536,
  /** Authentications, address and accounting requests waiting for the backend. */
  backendPendingMax: 512,
  backendDeadlineMs: 10_000,
} as const;

/** One session on the server. */
export const session = {
  /** Lines kept of a session's negotiation for its page. */
  dialogueLinesMax: 64,
  /** Slots kept of what it carried since its first traffic, and their first length: doubled when all are full. */
  historySlotsMax: 72,
  historySlotMs: 5_000,
  /** Counter names kept by reason. */
  reasonsMax: 512,
  /** In-order end of all sessions at a stop, before they are ended at once. */
  stopMs: 2_000,
} as const;

/** Our own client. */
export const client = {
  /** PPP frames kept that overtook the Outgoing-Call-Reply. */
  earlyFramesMax: 8,
  /** TCP connection to the server. */
  dialMs: 15_000,
  /** Packets of a session without a TUN: read in one turn, and waiting each way for the program. */
  turnPacketsMax: 64,
  packetsWaitingMax: 64,
  /** The data worker's socket was full: tried again after so long. */
  packetRetryMs: 1,
  /** A capture (--capture), unless --capture-size says otherwise. */
  captureOctetsMax: 104_857_600,
  /** From the call to the first answer of the server's LCP: GRE gets through, or does not. */
  firstAnswerMs: 10_000,
  /** The server's name: its address, from whoever this host asks. */
  resolveMs: 10_000,
  /** A lost session is dialled again after so long, doubling up to the second, less up to half. */
  redialMinMs: 1_000,
  redialMaxMs: 60_000,
  /** A session that lasted so long makes the next wait the first again. */
  steadyMs: 60_000,
  /** What a running client writes down of itself, and how many of these are read. */
  stateOctetsMax: 65_536,
  clientsMax: 1_024,
  /** What passes behind proxies is written down so often, for --status. */
  trafficToldMs: 5_000,
} as const;

/** `holdfast probe`. */
export const probe = {
  /** An answer on the control connection. */
  replyMs: 4_000,
  /** After an ill-formed message, until the server shows what it makes of it. */
  caseMs: 2_000,
  /** Stop-Control-Connection-Reply at the end of each connection. */
  stopMs: 1_000,
  /** No LCP packet of the server's for so long: it says nothing more (restart timers are 3 s). */
  lcpMs: 5_000,
  /** A connection that says nothing is watched for so long. */
  silenceMs: 6_000,
  /** Calls that are placed to find the authentication methods, and LCP frames read in each. */
  callsMax: 6,
  framesPerCallMax: 64,
  /** A call whose connection the server closed is placed again after so long, so often in all. */
  placeAgainMs: 500,
  placeTriesMax: 3,
  /** The one log-in, and the repetition of a CCP request in it. */
  logInMs: 20_000,
  requestMs: 2_000,
  /** Messages or frames waiting to be looked at. */
  inboxMax: 64,
} as const;

/** The client's own IP host (src/client/tcp), where no TUN is wanted. */
export const stack = {
  /** Connections at once; those in TIME-WAIT of which all is read do not count. */
  connectionsMax: 256,
  /** What a connection keeps of either direction: 40 Mbit/s at 50 ms while a loss is repaired, which takes two. */
  sendOctetsMax: 524_288,
  receiveOctetsMax: 524_288,
  /** What a buffer begins with; it doubles as octets come. */
  bufferOctetsMin: 8_192,
  /** Pieces of a receive buffer that came out of order, and of a send buffer that SACK told. */
  piecesMax: 64,
  /** From the SYN to its answer (RFC 9293 §3.8.3: at least three minutes). */
  connectMs: 180_000,
  /** Nothing at all heard while something is unacknowledged (RFC 9293 §3.8.3: at least 100 s). */
  giveUpMs: 120_000,
  /** In FIN-WAIT-2 with nothing heard. */
  finWait2Ms: 600_000,
  timeWaitMs: 60_000,
  timeWaitMax: 1_024,
  /** RFC 6298 §2. */
  rtoInitialMs: 1_000,
  rtoMinMs: 300,
  rtoMaxMs: 60_000,
  delayedAckMs: 40,
  /** RFC 5961 §7, a connection. */
  challengeAcksPerSecond: 10,
  /** The smallest MSS that a peer, and MTU that a router, can make us use. */
  mssMin: 256,
  mtuMin: 552,
  /** RST, Echo-Reply and ICMP errors that wait for the tunnel, and of them a second. */
  answersMax: 64,
  repliesPerSecond: 200,
  udpSocketsMax: 256,
  /** Datagrams of one socket that wait, each way; and octets of those that came. */
  udpQueueMax: 32,
  udpQueueOctetsMax: 131_072,
  /** Packets that are put together from fragments at once, gaps in one of them, and for how long. */
  reassembliesMax: 16,
  fragmentGapsMax: 16,
  reassemblyMs: 15_000,
} as const;

/** Proxies whose connections go through a session (RFC 1928, HTTP), and names asked for inside it. */
export const proxy = {
  /** Programs connected to the proxies at once, both together. */
  clientsMax: 256,
  /** From the accept to the whole request. */
  requestMs: 10_000,
  /** Octets of a SOCKS greeting and request (RFC 1928 §3, §4: at most 257 and 262). */
  requestOctetsMax: 519,
  /** From our SYN to the connection. */
  connectMs: 30_000,
  /** Octets taken from one side of a connection that the other side has no room for. */
  waitingOctetsMax: 64 * 1024,
  /** UDP ASSOCIATE at once. */
  associationsMax: 32,
  /** Datagrams of one whose name is being asked for. */
  associationWaitingMax: 32,
  /** Names asked for at once; the same name for several is asked once. */
  namesPendingMax: 128,
  /** Each name server's answer, and how often all of them are asked. */
  nameAnswerMs: 2_000,
  nameRoundsMax: 2,
  /** Records looked at in an answer. */
  nameRecordsMax: 64,
  /** Names of a session whose addresses are kept, and for how long at most. */
  namesKeptMax: 256,
  nameKeptMs: 300_000,
  /** Of a name's addresses so many are tried, the next one after so long (RFC 8305 §5, §8). */
  addressesTriedMax: 8,
  nextAddressMs: 250,
} as const;

export const store = {
  /** Requests waiting for the store's thread: of reads, of changes and of accounting, each. */
  queueMax: 4_096,
  /** Requests of a kind handed to the thread at once; the writes among them are one transaction. */
  batchMax: 256,
  /** A write lock held elsewhere is waited out so long, in slices so that reads get between. */
  busyMs: 2_000,
  busySliceMs: 100,
  /** Accounting is let gather so long: records that come close together are one transaction. */
  gatherMs: 250,
  /** Accounting that could not be written is tried again after so long, doubling up to the second. */
  retryMinMs: 250,
  retryMaxMs: 5_000,
  /** At close, for what still waits. */
  closeMs: 5_000,
  /** A store thread that died is started again so often. */
  restartsPerMinuteMax: 10,
  /** A database up to this size is checked whole when it is opened. */
  checkOctetsMax: 64 * 1024 * 1024,
  /** Rows one answer may have, and sessions one pruning deletes. */
  pageMax: 1_000,
  pruneMax: 5_000,
  /** A chap-secrets file, and a file its `@` names. */
  importOctetsMax: 64 * 1024 * 1024,
  secretFileOctetsMax: 4_096,
} as const;

/** Children of a moment and changes to the kernel (src/os). */
export const kernel = {
  /** ip, nft, getent: their whole run. */
  programDeadlineMs: 5_000,
  /** What one of them may print (a full routing table in JSON). */
  programOutputOctetsMax: 16 * 1024 * 1024,
  /** Changes by ip waiting for their turn. */
  ipPendingMax: 1_024,
} as const;

export const hooks = {
  atOnceMax: 4,
  runMs: 10_000,
  outputOctetsMax: 4_096,
  queueMax: 256,
  /** One request or answer on the link to the process that runs them. */
  lineOctetsMax: 65_536,
} as const;

export const admin = {
  connectionsMax: 32,
  bodyOctetsMax: 65_536,
  /** Body of an import, which is one transaction and so one request. */
  importOctetsMax: 16 * 1024 * 1024,
  /** Log lines a minute of one class; the rest is counted and summed up (G-18). */
  logLinesPerMinute: 100,
  /** Lines a minute that a stranger of one source address brings about, of all classes together. */
  logSourceLinesPerMinute: 30,
  /** The same about one /24, and about all whom no log-in proves. */
  logPrefixLinesPerMinute: 60,
  logStrangersLinesPerMinute: 200,
  /** Classes whose lines are counted apart; further ones are one class. */
  logClassesMax: 256,
  /** Octets of it for a reader that does not read. */
  logWaitingOctetsMax: 1024 * 1024,
} as const;
