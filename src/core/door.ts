// Who is let in, and who makes room: what the guard says of addresses, done to connections and calls.
import { after, type Instant } from "../base/instant.js";
import type { Ipv4 } from "../base/ip.js";
import { Queue } from "../base/queue.js";
import type { PlaneEvent } from "../wire/worker-link.js";
import type { CallSession } from "./call-session.js";
import type { Connection } from "./connection.js";
import type { Deadline } from "./deadline.js";
import { type Guard, inTime } from "./guard/guard.js";

type Frame = Extract<PlaneEvent, { readonly kind: "Frame" }>;

/** What the server does on our word. */
export interface DoorActs {
  noted(reason: string): void;
  /** Ends it: its place is another's. */
  giveWay(who: Connection | CallSession, now: Instant): void;
  /** A frame that waited has its turn. */
  handleFrame(session: CallSession, frame: Frame, now: Instant): void;
}

export class Door {
  /** Frames of strangers while there is too much to do: what sessions say is handled before them. */
  readonly #waiting = new Queue<{ readonly session: CallSession; readonly frame: Frame }>();
  #turnAt: Instant | undefined;

  constructor(
    readonly guard: Guard,
    readonly acts: DoorActs,
  ) {
    guard.noted = (reason) => acts.noted(reason);
  }

  connected(connection: Connection, now: Instant): void {
    const { place, gaveWay } = this.guard.halfOpen.enter(connection, connection.peerAddress, now);
    connection.stand(place);
    if (gaveWay !== undefined) this.#giveWay(gaveWay, now);
  }

  admitsStart(connection: Connection, now: Instant): boolean {
    const { peerAddress } = connection;
    if (this.#refused(this.guard.refusesStart(peerAddress, now))) return false;
    const { place, gaveWay } = this.guard.unproven.enter(connection, peerAddress, now);
    connection.stand(place);
    if (gaveWay !== undefined) this.#giveWay(gaveWay, now);
    return true;
  }

  /** Octets of a stranger have been handled, with so many messages in them. */
  handled(connection: Connection, messages: number, now: Instant): void {
    const { guard } = this;
    if (!connection.isStranger || (messages === 0 && !guard.busy)) return;
    const { peerAddress } = connection;
    const { ms, waits } = messages === 0 ? inTime : guard.messages(peerAddress, messages, now);
    if (waits !== undefined) this.acts.noted(waits);
    if (guard.busy) this.acts.noted("stranger waits, server busy");
    const pauseMs = guard.busy ? Math.max(ms, guard.limits.strangersPauseMs) : ms;
    connection.pausedUntil = pauseMs > 0 ? after(now, pauseMs) : undefined;
  }

  admitsCall(connection: Connection, now: Instant): boolean {
    const { blocks } = this.guard;
    const blocked = blocks.find(connection.peerAddress, now) !== undefined;
    if (!connection.isStranger && !blocked) return true;
    return !this.#refused(this.guard.refusesCall(connection.peerAddress, now));
  }

  /** A call of a connection that may be a stranger's still. */
  called(connection: Connection, session: CallSession, now: Instant): void {
    if (!connection.isStranger) return;
    const { place, gaveWay } = this.guard.calling.enter(session, connection.peerAddress, now);
    session.stand(place);
    if (gaveWay !== undefined) this.#giveWay(gaveWay, now);
  }

  /** Now; false: it is refused, or waits for its turn. */
  admitsFrame(session: CallSession, frame: Frame, now: Instant): boolean {
    if (!session.isStranger) return true;
    if (this.#refused(this.guard.refusesFrame(session.origin.peerAddress, now))) return false;
    // Once some wait, the others go behind them.
    if (!this.guard.busy && this.#waiting.size === 0) return true;
    if (this.#waiting.size < this.guard.limits.strangersFramesMax) {
      // A copy: the frame is a view of all that was read with it.
      const information = frame.information.slice();
      this.#waiting.push({ session, frame: { ...frame, information } });
    } else this.#refused("shed frame, server busy");
    this.#turnAt ??= after(now, turnEveryMs);
    return false;
  }

  pollTimeout(): Deadline | undefined {
    return this.#turnAt && { at: this.#turnAt, why: "strangers' turn" };
  }

  /** A few at a time: whatever sessions have said by then is handled in between. */
  handleTimeout(now: Instant): void {
    if (this.#turnAt === undefined || this.#turnAt > now) return;
    for (let taken = 0; taken < this.guard.limits.strangersTurnFrames; taken++) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      const { session, frame } = next;
      if (session.ending === undefined) this.acts.handleFrame(session, frame, now);
    }
    this.#turnAt = this.#waiting.size > 0 ? after(now, turnEveryMs) : undefined;
  }

  /** One that has not logged in gives way to a newcomer, as if places were full; false: none does. */
  makeRoom(peer: Ipv4, now: Instant): boolean {
    const gaveWay = this.guard.givesWay(peer, now);
    if (gaveWay !== undefined) this.#giveWay(gaveWay, now);
    return gaveWay !== undefined;
  }

  /** The session has logged in: neither it nor its connection is a stranger any more. */
  proven(connection: Connection | undefined, session: CallSession): void {
    session.stand(undefined);
    connection?.stand(undefined);
    if (connection !== undefined) connection.pausedUntil = undefined;
  }

  /** It sent what no client sends. */
  malformed({ peerAddress }: Connection, now: Instant): void {
    this.guard.malformed(peerAddress, now);
  }

  #refused(reason: string | undefined): boolean {
    if (reason !== undefined) this.acts.noted(reason);
    return reason !== undefined;
  }

  #giveWay(who: Connection | CallSession, now: Instant): void {
    this.acts.noted("stranger gave way");
    // At once: what is left of it may take its time to end.
    who.stand(undefined);
    this.acts.giveWay(who, now);
  }
}

/** The least a timer sleeps: the event loop looks at its sockets in between. */
const turnEveryMs = 1;
