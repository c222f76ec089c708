// The server core: control connections (RFC 2637), calls and their PPP sessions (RFC 1661) composed.
// Inputs in, outputs out; no I/O, no clock. The daemon drains pollPlane, pollTransmit and pollEvent
// in that order after each input and arms one timer for pollTimeout.
import { Counters } from "../base/counters.js";
import { Deadlines } from "../base/deadlines.js";
import { after, type Instant } from "../base/instant.js";
import { InvariantBroken } from "../base/invariant.js";
import type { Ipv4 } from "../base/ip.js";
import type { Ledger } from "../base/ledger.js";
import { Queue } from "../base/queue.js";
import type { Rng } from "../base/rng.js";
import { Scope } from "../base/scope.js";
import { session as bounds } from "../limits.js";
import type { FlowRef, PlaneCommand, PlaneEvent } from "../wire/worker-link.js";
import type { CallIdPool } from "./access/call-id-pool.js";
import type { FlowSlots } from "./access/flow-slots.js";
import type { AccountTerms, EndCause, Verdict } from "./access/ports.js";
import { CallSession, type SessionSurroundings } from "./call-session.js";
import { Connection, type ConnectionSurroundings } from "./connection.js";
import { type Deadline, earliest } from "./deadline.js";
import { Door } from "./door.js";
import { handleFlowEvent } from "./flow-events.js";
import { Guard } from "./guard/guard.js";
import type { CallIdLease, CallTerms, ControlPolicy } from "./pptp/ports.js";
import { type OwnRate, Rates } from "./rates.js";
import { Seating } from "./seating.js";
import type {
  AddressAnswer,
  ConnectionId,
  ServerEvent,
  ServerPolicy,
  SessionId,
  SessionInfo,
  Transmission,
} from "./server-ports.js";
import { SessionTable } from "./session-table.js";

export type ServerOptions = {
  readonly policy: ServerPolicy;
  readonly rng: Rng;
  readonly ledger: Ledger;
  readonly callIds: CallIdPool;
  readonly flowSlots: FlowSlots;
  /** The listener asks it too; by the bounds of src/limits.ts where left out. */
  readonly guard?: Guard;
};

export class Server implements SessionSurroundings, ConnectionSurroundings {
  readonly reasons = new Counters(bounds.reasonsMax);
  #policy: ServerPolicy;
  /** Of every connection: one object for all. */
  #controlPolicy: ControlPolicy;
  readonly #rng: Rng;
  readonly #ledger: Ledger;
  readonly #callIds: CallIdPool;
  readonly #flowSlots: FlowSlots;
  readonly #seating = new Seating({
    seated: (session, granted) =>
      this.#drive(session, this.#now, () => session.seated(granted, this.#now)),
    probe: (session) => this.#drive(session, this.#now, () => session.probe(this.#now)),
    giveWay: (session, silent) =>
      this.#drive(session, this.#now, () =>
        silent
          ? session.end("echo-timeout", this.#now, "tell")
          : session.terminate("session-limit", this.#now),
      ),
  });
  readonly #door: Door;
  readonly #flowActs = {
    noted: (reason: string) => this.noted(reason),
    settle: (connection: Connection, now: Instant) => this.#settle(connection, now),
    admitsFrame: (...terms: Parameters<Door["admitsFrame"]>) => this.#door.admitsFrame(...terms),
  };
  readonly #rates: Rates;
  readonly #connections = new Map<ConnectionId, Connection>();
  readonly #sessions = new SessionTable();
  readonly deadlines = new Deadlines<Connection | CallSession | "stop">();
  #nextSession = 1;
  #stopping = false;
  readonly #plane = new Queue<PlaneCommand>();
  readonly #transmissions = new Queue<Transmission>();
  readonly #events = new Queue<ServerEvent>();
  #now: Instant = 0 as Instant;

  constructor({ policy, rng, ledger, callIds, flowSlots, guard = new Guard() }: ServerOptions) {
    this.#policy = policy;
    this.#rates = new Rates(policy.rate);
    this.#controlPolicy = { ...policy.control, side: "accepted" };
    this.#rng = rng;
    this.#ledger = ledger;
    this.#callIds = callIds;
    this.#flowSlots = flowSlots;
    this.#door = new Door(guard, {
      noted: (reason) => this.noted(reason),
      giveWay: (who, now) => this.#giveWay(who, now),
      handleFrame: (session, { protocol, information }, now) =>
        this.#drive(session, now, () => session.handleFrame(protocol, information, now)),
    });
  }

  get connections(): number {
    return this.#connections.size;
  }

  get sessionCount(): number {
    return this.#sessions.size;
  }

  /** All is over after `stop`: no connection and no session is left. */
  get stopped(): boolean {
    return this.#stopping && this.#connections.size === 0 && this.#sessions.size === 0;
  }

  /** Applies to connections and calls from now on; its rate to running sessions too. */
  setPolicy(policy: ServerPolicy, now: Instant): void {
    this.#policy = policy;
    this.#controlPolicy = { ...policy.control, side: "accepted" };
    this.#rates.byDefault = policy.rate;
    for (const session of this.#sessions.all()) this.#rate(session, now);
  }

  /** An account's own rate was changed. */
  setRate(accountId: number, rate: OwnRate, now: Instant): void {
    for (const session of this.#sessions.all()) {
      if (session.account?.accountId !== accountId) continue;
      session.amend(rate);
      this.#rate(session, now);
    }
  }

  handleConnected(id: ConnectionId, localAddress: Ipv4, peerAddress: Ipv4, now: Instant): void {
    if (this.#stopping) return this.transmit({ kind: "Close", connection: id });
    const scope = new Scope("connection", this.#ledger, id);
    const policy = this.#controlPolicy;
    const connection = new Connection({ id, localAddress, peerAddress, scope, policy, now }, this);
    this.#connections.set(id, connection);
    this.#within(connection, now, () => this.#door.connected(connection, now));
  }

  handleOctets(id: ConnectionId, octets: Uint8Array, now: Instant): void {
    const connection = this.#connections.get(id);
    if (connection === undefined || connection.closing) return;
    this.#within(connection, now, () => {
      const before = connection.control.messagesTaken;
      connection.control.handleOctets(octets, now);
      this.#door.handled(connection, connection.control.messagesTaken - before, now);
    });
  }

  /** The TCP connection is gone: FIN, RST or our own socket closed. */
  handleDisconnected(id: ConnectionId, now: Instant): void {
    const connection = this.#connections.get(id);
    if (connection === undefined) return;
    this.#within(connection, now, () => connection.control.handleClosed(now));
    this.#forget(connection, "control-closed", now);
  }

  /** Octets written for this connection that its TCP has not taken yet. */
  handleUnsent(id: ConnectionId, octets: number, now: Instant): void {
    const connection = this.#connections.get(id);
    if (connection === undefined || connection.closing) return;
    this.#within(connection, now, () => connection.control.handleUnsent(octets, now));
  }

  /** Until when the daemon must not read from this connection (its message rate is spent). */
  readingPausedUntil(id: ConnectionId): Instant | undefined {
    const connection = this.#connections.get(id);
    const own = connection?.control.readingPausedUntil;
    const strangers = connection?.pausedUntil;
    return own === undefined || (strangers !== undefined && strangers > own) ? strangers : own;
  }

  handlePlane(event: PlaneEvent, now: Instant): void {
    this.#now = now;
    if (event.kind === "Counters") {
      for (const { flow, counters } of event.flows) {
        const session = this.#sessions.byFlow(flow);
        if (session !== undefined)
          this.#drive(session, now, () => session.handleCounters(counters, now));
      }
      return;
    }
    if (!("flow" in event)) return;
    const session = this.#sessions.byFlow(event.flow);
    if (session === undefined) return this.noted("plane-event-stale");
    const connection = this.#connections.get(session.origin.connection);
    this.#drive(session, now, () =>
      handleFlowEvent(session, connection, event, now, this.#flowActs),
    );
  }

  /** A data worker is gone, and with it every flow (or those that were its). */
  handleWorkerLost(now: Instant, wasIts: (flow: FlowRef) => boolean = () => true): void {
    this.#now = now;
    for (const session of this.#sessions.all()) {
      if (!wasIts(session.flow)) continue;
      this.#drive(session, now, () => {
        session.end("worker-lost", now, "tell");
        session.removed(undefined, now);
      });
    }
    this.#plane.keep((command) => "flow" in command && !wasIts(command.flow));
  }

  handleVerdict(id: SessionId, generation: number, verdict: Verdict, now: Instant): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return this.noted("verdict-late");
    this.#drive(session, now, () => session.handleVerdict(generation, verdict, now));
  }

  handleAddress(id: SessionId, generation: number, answer: AddressAnswer, now: Instant): void {
    const session = this.#sessions.get(id);
    if (session !== undefined) {
      return this.#drive(session, now, () => session.handleAddress(generation, answer, now));
    }
    this.noted("address-answer-late");
    if (!answer.ok) return;
    answer.ipv4?.lease[Symbol.dispose]();
    answer.ipv6?.lease[Symbol.dispose]();
  }

  /** Ends a session in order. False when there is none of that number. */
  disconnect(id: SessionId, cause: EndCause, now: Instant): boolean {
    const session = this.#sessions.get(id);
    if (session === undefined || session.ending !== undefined) return false;
    this.#drive(session, now, () => session.terminate(cause, now));
    return true;
  }

  /** A source was blocked: what of it is not logged in ends. */
  endStrangers(isIts: (peer: Ipv4) => boolean, now: Instant): void {
    for (const connection of [...this.#connections.values()]) {
      if (connection.isStranger && isIts(connection.peerAddress)) this.#giveWay(connection, now);
    }
  }

  /** There is no room for this newcomer but that of a stranger, who gives way; false: nobody does. */
  makeRoom(peer: Ipv4, now: Instant): boolean {
    return this.#door.makeRoom(peer, now);
  }

  /** Begins the orderly end of everything; `stopped` tells when it is over. */
  stop(now: Instant): void {
    this.#stopping = true;
    this.#now = now;
    this.deadlines.set("stop", { at: after(now, bounds.stopMs), why: "stop" });
    for (const session of this.#sessions.all()) {
      this.#drive(session, now, () => session.terminate("shutdown", now));
    }
    for (const connection of [...this.#connections.values()]) {
      this.#within(connection, now, () => this.#stopWhenIdle(connection, now));
    }
    this.#disarmStop();
  }

  handleTimeout(now: Instant): void {
    this.#now = now;
    this.#callIds.advance(now);
    this.#door.handleTimeout(now);
    for (let due = this.deadlines.due(now); due !== undefined; due = this.deadlines.due(now)) {
      const key = due;
      if (key === "stop") this.stopAtOnce(now);
      else if (key instanceof CallSession) this.#drive(key, now, () => key.handleTimeout(now));
      else this.#within(key, now, () => key.control.handleTimeout(now));
    }
  }

  pollTimeout(): Deadline | undefined {
    return earliest(this.deadlines.next(), this.#door.pollTimeout());
  }

  pollPlane(): PlaneCommand | undefined {
    return this.#plane.shift();
  }

  pollTransmit(): Transmission | undefined {
    return this.#transmissions.shift();
  }

  pollEvent(): ServerEvent | undefined {
    return this.#events.shift();
  }

  *sessions(after = 0): IterableIterator<SessionInfo> {
    for (const session of this.#sessions.all()) if (session.id > after) yield session.info();
  }

  session(id: SessionId): SessionInfo | undefined {
    return this.#sessions.get(id)?.info();
  }

  // SessionSurroundings: what sessions ask of us.

  plane(command: PlaneCommand): void {
    this.#plane.push(command);
  }

  event(event: ServerEvent): void {
    this.#events.push(event);
  }

  noted(reason: string): void {
    this.reasons.add(reason);
  }

  clearCall(session: CallSession, cause: EndCause): void {
    const connection = this.#connections.get(session.origin.connection);
    if (connection === undefined) return;
    connection.control.clearCall(session.terms.callId, cause, this.#now);
    this.#settle(connection, this.#now);
  }

  authenticated(session: CallSession): void {
    const connection = this.#connections.get(session.origin.connection);
    connection?.control.noteAuthenticated(this.#now);
    this.plane({ kind: "Authenticated", flow: session.flow });
    this.#door.proven(connection, session);
    this.#rates.apply(session, this.#now);
  }

  seatAsked(session: CallSession, account: AccountTerms): void {
    this.#seating.asked(session, account);
  }

  probed(session: CallSession, alive: boolean): void {
    this.#seating.probed(session, alive);
  }

  // ConnectionSurroundings: what connections ask of us.

  leaseCallId(localAddress: Ipv4, peerAddress: Ipv4): CallIdLease | undefined {
    return this.#callIds.lease(localAddress, peerAddress, this.#now, this.#rng);
  }

  transmit(transmission: Transmission): void {
    this.#transmissions.push(transmission);
  }

  callAsked(connection: Connection, terms: CallTerms, now: Instant): void {
    const { control } = connection;
    if (this.#stopping) return control.refuseCall(terms.callId, "busy", now);
    if (!this.#door.admitsCall(connection, now)) {
      return control.refuseCall(terms.callId, "no-resource", now);
    }
    const slot =
      this.#sessions.size < this.#policy.sessionsMax ? this.#flowSlots.lease() : undefined;
    if (slot === undefined) {
      this.noted("sessions-max");
      this.event({
        kind: "ConnectionRefused",
        peerAddress: connection.peerAddress,
        why: "sessions-max",
      });
      return control.refuseCall(terms.callId, "no-resource", now);
    }
    const id = this.#nextSession++ as SessionId;
    using acquiring = new Scope("session", this.#ledger, id);
    acquiring.hold("flowSlot", slot.lease, `${slot.flow.slot}`);
    const { localAddress, peerAddress } = connection;
    const session = new CallSession(
      id,
      terms,
      connection.originOf(this.#policy.profileFor(localAddress, peerAddress)),
      slot.flow,
      acquiring.move(),
      this,
      this.#rng,
      this.#policy.interimMs,
      now,
    );
    connection.calls.set(terms.callId, session);
    this.#sessions.add(session);
    this.#door.called(connection, session, now);
    this.#schedule(session);
  }

  admitsStart(connection: Connection, now: Instant): boolean {
    return this.#door.admitsStart(connection, now);
  }

  callEnded(connection: Connection, session: CallSession, cause: EndCause, now: Instant): void {
    session.end(cause, now, "told");
    this.#schedule(session);
    if (this.#stopping) this.#stopWhenIdle(connection, now);
  }

  malformed(connection: Connection, now: Instant): void {
    this.#door.malformed(connection, now);
  }

  // Inside.

  #giveWay(who: Connection | CallSession, now: Instant): void {
    if (who instanceof Connection) this.#within(who, now, () => who.control.giveWay(now));
    else this.#drive(who, now, () => who.end("refused", now, "tell"));
  }

  #rate(session: CallSession, now: Instant): void {
    this.#drive(session, now, () => this.#rates.apply(session, now));
  }

  /** Runs one session's input and settles what it changed; a broken invariant ends its connection. */
  #drive(session: CallSession, now: Instant, input: () => void): void {
    this.#now = now;
    try {
      input();
    } catch (failure) {
      this.#broken(this.#connections.get(session.origin.connection), failure, now, session);
    }
    this.#schedule(session);
  }

  #within(connection: Connection, now: Instant, input: () => void): void {
    this.#now = now;
    try {
      input();
      this.#settle(connection, now);
    } catch (failure) {
      this.#broken(connection, failure, now);
    }
  }

  #broken(
    connection: Connection | undefined,
    failure: unknown,
    now: Instant,
    session?: CallSession,
  ): void {
    if (!(failure instanceof InvariantBroken)) throw failure;
    this.noted("invariant-broken");
    this.#events.push({ kind: "InvariantBroken", failure });
    if (session !== undefined) session.end("internal-error", now, "told");
    if (connection === undefined) return;
    connection.close();
    this.#forget(connection, "internal-error", now);
  }

  /** Moves a connection's outputs on and re-arms its deadline. */
  #settle(connection: Connection, now: Instant): void {
    connection.settle(now);
    if (connection.closing) this.#forget(connection, "control-closed", now);
    else this.deadlines.set(connection, connection.control.pollTimeout());
  }

  /** Re-arms a session's deadline, or forgets it once it is over. */
  #schedule(session: CallSession): void {
    if (!session.over) return this.deadlines.set(session, session.pollTimeout());
    this.deadlines.set(session, undefined);
    this.#sessions.delete(session);
    this.probed(session, false);
    const connection = this.#connections.get(session.origin.connection);
    if (this.#stopping && connection !== undefined) this.#stopWhenIdle(connection, this.#now);
    this.#disarmStop();
  }

  #forget(connection: Connection, cause: EndCause, now: Instant): void {
    if (!this.#connections.delete(connection.id)) return;
    this.deadlines.set(connection, undefined);
    for (const session of connection.calls.values()) {
      session.end(cause, now, "told");
      this.#schedule(session);
    }
    connection.calls.clear();
    try {
      connection.scope[Symbol.dispose]();
    } catch {
      this.noted("lease-stuck");
    }
    this.#disarmStop();
  }

  #disarmStop(): void {
    if (this.stopped) this.deadlines.set("stop", undefined);
  }

  #stopWhenIdle(connection: Connection, now: Instant): void {
    if (connection.calls.size > 0 || connection.closing) return;
    connection.control.stop("shutdown", now);
    this.#settle(connection, now);
  }

  /** Nobody is told or waited for. */
  stopAtOnce(now: Instant): void {
    this.#stopping = true;
    for (const session of this.#sessions.all()) {
      this.#drive(session, now, () => {
        session.end("shutdown", now, "tell");
        session.removed(undefined, now);
      });
    }
    for (const connection of [...this.#connections.values()]) {
      connection.close();
      this.#forget(connection, "shutdown", now);
    }
  }
}
