// Who is let in, and who makes room: what the guard says of addresses, done to connections and calls.
import { after, type Instant } from "../base/instant.js";
import type { Ipv4 } from "../base/ip.js";
import type { CallSession } from "./call-session.js";
import type { Connection } from "./connection.js";
import type { Guard } from "./guard/guard.js";

/** What the server does on our word. */
export interface DoorActs {
  noted(reason: string): void;
  /** Ends it: its place is another's. */
  giveWay(who: Connection | CallSession, now: Instant): void;
}

export class Door {
  constructor(
    readonly guard: Guard,
    readonly acts: DoorActs,
  ) {}

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
    if (!connection.isStranger || messages === 0) return;
    const ms = this.guard.messages(connection.peerAddress, messages, now);
    connection.pausedUntil = ms > 0 ? after(now, ms) : undefined;
    if (ms > 0) this.acts.noted("strangers' message rate");
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

  admitsFrame(session: CallSession, peer: Ipv4, now: Instant): boolean {
    return !session.isStranger || !this.#refused(this.guard.refusesFrame(peer, now));
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
