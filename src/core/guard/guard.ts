// Admission of strangers (THREATS G-01, G-02, G-04, G-06, G-16): whoever has no session that is logged
// in is held to rates and places by source, /24 and in all; whoever has one is not. When the server is
// busy, nobody new is taken. Pure; the reasons it gives are what is counted.
import type { Ipv4 } from "../../base/ip.js";
import { type Bounds, guard as bounds } from "../../limits.js";
import type { CallSession } from "../call-session.js";
import type { Connection } from "../connection.js";
import { type Block, Blocks } from "./blocks.js";
import { LogInHolds } from "./log-in-holds.js";
import { type Offence, Offences, offenceWords } from "./offences.js";
import { ScaledRate, type Scales } from "./scales.js";
import { Strangers } from "./strangers.js";

export type GuardTerms = {
  readonly limits: Bounds<typeof bounds>;
  /** Never held to what is counted by source or /24, and never blocked. */
  readonly allows: (peer: Ipv4) => boolean;
  /** Whether sources are blocked by themselves. */
  readonly blocks?: () => boolean;
};

export type Waiting = { readonly ms: number; readonly waits: string | undefined };

/** Read on at once. */
export const inTime: Waiting = { ms: 0, waits: undefined };

export class Guard {
  /** Told by who watches the event loop: new strangers are turned away while it is set. */
  busy = false;
  readonly blocks: Blocks;
  /** Told of every automatic block; must only queue. */
  blocked: (block: Block) => void = () => {};
  /** Told what is to be counted beside what is refused. */
  noted: (reason: string) => void = () => {};
  /** Told whose connection, call, message or log-in was refused: a TCP handshake proves the source. */
  turnedAway: (peer: Ipv4) => void = () => {};
  /** Accepted, and no Start-Control-Connection-Request yet. */
  readonly halfOpen: Strangers<Connection>;
  /** Started, and no session that is logged in. */
  readonly unproven: Strangers<Connection>;
  /** Calls whose session is not logged in. */
  readonly calling: Strangers<CallSession>;
  readonly limits: Bounds<typeof bounds>;
  readonly #terms: GuardTerms;
  readonly #offences: Offences;
  readonly #holds: LogInHolds;
  readonly #connections: ScaledRate;
  readonly #messages: ScaledRate;
  readonly #calls: ScaledRate;
  readonly #negotiation: ScaledRate;
  readonly #logIns: ScaledRate;

  constructor(terms: GuardTerms = { limits: bounds, allows: () => false }) {
    const { limits: by } = terms;
    this.#terms = terms;
    this.limits = by;
    this.blocks = new Blocks(by);
    const forgot = () => this.noted("forgotten source");
    this.#offences = new Offences(by, forgot);
    this.#holds = new LogInHolds(by, () => this.noted("forgotten pair of user and source"));
    const rate = (scales: Scales, debtMaxMs?: number) =>
      new ScaledRate(scales, by.burstMs, by.sourcesMax, forgot, debtMaxMs);
    const places = <T extends object>(scales: Scales, leastMs = by.placeLeastMs) =>
      new Strangers<T>(scales, leastMs);
    this.#connections = rate({
      source: by.sourceConnectionsPerSecond,
      prefix: by.prefixConnectionsPerSecond,
      server: by.connectionsPerSecond,
    });
    const messages = {
      source: by.sourceMessagesPerSecond,
      prefix: by.prefixMessagesPerSecond,
      server: by.messagesPerSecond,
    };
    // Each connection has a rate of its own, too, beyond which it is closed.
    this.#messages = rate(messages, by.pauseMaxMs);
    this.#calls = rate({
      source: by.sourceCallsPerSecond,
      prefix: by.prefixCallsPerSecond,
      server: by.callsPerSecond,
    });
    this.#negotiation = rate({
      source: by.sourceFramesPerSecond,
      prefix: by.prefixFramesPerSecond,
      server: by.framesPerSecond,
    });
    this.#logIns = rate({
      source: by.sourceLogInsPerSecond,
      prefix: by.prefixLogInsPerSecond,
      server: by.logInsPerSecond,
    });
    const halfOpen = {
      source: by.sourceHalfOpenMax,
      prefix: by.prefixHalfOpenMax,
      server: by.halfOpenMax,
    };
    this.halfOpen = places(halfOpen, by.halfOpenLeastMs);
    this.unproven = places({
      source: by.sourceUnprovenMax,
      prefix: by.prefixUnprovenMax,
      server: by.unprovenMax,
    });
    this.calling = places({
      source: by.sourceCallingMax,
      prefix: by.prefixCallingMax,
      server: by.callingMax,
    });
  }

  /** Why a connection that was just accepted is reset; undefined: it is taken. */
  refusesConnection(peer: Ipv4, now: number): string | undefined {
    return this.#told(peer, this.#refusesConnection(peer, now));
  }

  #refusesConnection(peer: Ipv4, now: number): string | undefined {
    if (this.blocks.find(peer, now) !== undefined) return "blocked connection";
    const exempt = this.allows(peer);
    const rate = this.#connections.take(peer, now, exempt);
    if (rate === "source") this.offended("connections", peer, now);
    if (rate !== undefined) return `shed connection, ${rate} rate`;
    const places = this.halfOpen.refuses(peer, now, exempt);
    return places && `shed connection, ${places} half-open`;
  }

  /** Whose connection could be this newcomer's: one that has said nothing before one that has. */
  givesWay(peer: Ipv4, now: number): Connection | undefined {
    return this.halfOpen.givesWay(peer, now) ?? this.unproven.givesWay(peer, now);
  }

  /** Why a Start-Control-Connection-Request gets No-Resource. */
  refusesStart(peer: Ipv4, now: number): string | undefined {
    if (this.busy) return this.#told(peer, "shed SCCRQ, server busy");
    const places = this.unproven.refuses(peer, now, this.allows(peer));
    return this.#told(peer, places && `shed SCCRQ, ${places} unproven`);
  }

  /** Why an Outgoing- or Incoming-Call-Request of one without a session gets No-Resource. */
  refusesCall(peer: Ipv4, now: number): string | undefined {
    return this.#told(peer, this.#refusesCall(peer, now));
  }

  #refusesCall(peer: Ipv4, now: number): string | undefined {
    if (this.blocks.find(peer, now) !== undefined) return "blocked call";
    if (this.busy) return "shed call, server busy";
    const exempt = this.allows(peer);
    const rate = this.#calls.take(peer, now, exempt);
    if (rate !== undefined) return `shed call, ${rate} rate`;
    const places = this.calling.refuses(peer, now, exempt);
    return places && `shed call, ${places} calling`;
  }

  /** Control messages that a stranger has sent: the ms that its connection is not read, and why. */
  messages(peer: Ipv4, count: number, now: number): Waiting {
    const { ms, scale } = this.#messages.charge(peer, count, now, this.allows(peer));
    if (scale === undefined) return inTime;
    this.turnedAway(peer);
    return { ms, waits: `stranger waits, ${scale} message rate` };
  }

  /** Why a frame of a session that is not logged in goes no further. */
  refusesFrame(peer: Ipv4, now: number): string | undefined {
    const rate = this.#negotiation.take(peer, now, this.allows(peer));
    return rate && `shed frame, ${rate} rate`;
  }

  /** Why a log-in is refused without a look at the account. */
  refusesLogIn(user: string, peer: Ipv4, now: number): string | undefined {
    if (this.#holds.isHeld(user, peer, now)) return this.#told(peer, "held log-in");
    const rate = this.#logIns.take(peer, now, this.allows(peer));
    return this.#told(peer, rate && `shed log-in, ${rate} rate`);
  }

  /** What an account said to a log-in. */
  loggedIn(user: string, peer: Ipv4, right: boolean, now: number): void {
    if (right) return this.#holds.succeeded(user, peer);
    this.turnedAway(peer);
    if (this.#holds.failed(user, peer, now)) this.offended("logIn", peer, now);
  }

  /** Something that a completed handshake proves: one too many, and its source is blocked. */
  offended(offence: Offence, peer: Ipv4, now: number): void {
    if (this.#terms.blocks?.() === false || this.allows(peer)) return;
    if (!this.#offences.isTooMany(offence, peer, now)) return;
    this.blocked(this.blocks.automatic(peer, offenceWords[offence], now));
  }

  /** It sent a control message that no client sends. */
  malformed(peer: Ipv4, now: number): void {
    this.turnedAway(peer);
    this.offended("malformed", peer, now);
  }

  #told(peer: Ipv4, refused: string | undefined): string | undefined {
    if (refused !== undefined) this.turnedAway(peer);
    return refused;
  }

  allows(peer: Ipv4): boolean {
    return this.#terms.allows(peer);
  }
}
