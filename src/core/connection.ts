// One accepted control connection (RFC 2637 §3.1) as the server composes it: its scope, its machine and
// its calls, and the way its outputs take.
import type { Instant } from "../base/instant.js";
import type { Ipv4 } from "../base/ip.js";
import type { Scope } from "../base/scope.js";
import type { EndCause } from "./access/ports.js";
import type { CallSession, SessionOrigin } from "./call-session.js";
import { ControlConnection } from "./pptp/control-connection.js";
import type { CallIdLease, CallTerms, ControlEvent, ControlPolicy } from "./pptp/ports.js";
import type { ConnectionId, Profile, Transmission } from "./server-ports.js";

/** What a connection asks of the server that composes it. */
export interface ConnectionSurroundings {
  leaseCallId(localAddress: Ipv4, peerAddress: Ipv4): CallIdLease | undefined;
  transmit(transmission: Transmission): void;
  noted(reason: string): void;
  /** To be answered by the control connection's acceptCall or refuseCall. */
  callAsked(connection: Connection, terms: CallTerms, now: Instant): void;
  /** The control connection knows that the call is over; its session does not yet. */
  callEnded(connection: Connection, session: CallSession, cause: EndCause, now: Instant): void;
  /** A good Start-Control-Connection-Request: whether there is room for this connection. */
  admitsStart(connection: Connection, now: Instant): boolean;
  /** It is being closed for what the peer sent. */
  malformed(connection: Connection, now: Instant): void;
}

export type ConnectionTerms = {
  readonly id: ConnectionId;
  readonly localAddress: Ipv4;
  readonly peerAddress: Ipv4;
  readonly scope: Scope;
  readonly policy: ControlPolicy;
  readonly now: Instant;
};

export class Connection {
  readonly id: ConnectionId;
  readonly localAddress: Ipv4;
  readonly peerAddress: Ipv4;
  readonly scope: Scope;
  readonly control: ControlConnection;
  /** By our Call ID. */
  readonly calls = new Map<number, CallSession>();
  hostName = "";
  vendorString = "";
  /** While it is a stranger's. */
  #place: Disposable | undefined;
  /** Its source sends more messages than strangers may: not read until then. */
  pausedUntil: Instant | undefined;
  #closing = false;
  #closeTold = false;

  constructor(
    terms: ConnectionTerms,
    readonly around: ConnectionSurroundings,
  ) {
    const { id, localAddress, peerAddress, scope, policy, now } = terms;
    this.id = id;
    this.localAddress = localAddress;
    this.peerAddress = peerAddress;
    this.scope = scope;
    this.control = new ControlConnection({
      policy,
      leaseCallId: () => around.leaseCallId(localAddress, peerAddress),
      localAddress,
      peerAddress,
      scope,
      now,
      admitsStart: (at) => around.admitsStart(this, at),
    });
  }

  /** No session of it has logged in yet. */
  get isStranger(): boolean {
    return this.#place !== undefined;
  }

  /** Gives back the place it has among strangers, and takes another one. */
  stand(place: Disposable | undefined): void {
    if (this.#place !== undefined) this.scope.release(this.#place);
    this.#place = place && this.scope.hold("strangersPlace", place);
  }

  /** Where a call of it comes from. */
  originOf(profile: Profile): SessionOrigin {
    const { id, localAddress, peerAddress, hostName, vendorString } = this;
    const peers = { peersHostName: hostName, peersVendorString: vendorString };
    return { connection: id, localAddress, peerAddress, ...peers, profile };
  }

  /** Nothing that comes in counts any more. */
  get closing(): boolean {
    return this.#closing;
  }

  /** Moves the outputs on: events first, so that a flow's removal goes before its notice. */
  settle(now: Instant): void {
    const { control, id, around } = this;
    for (let event = control.pollEvent(); event !== undefined; event = control.pollEvent()) {
      this.#handle(event, now);
    }
    for (
      let octets = control.pollTransmit();
      octets !== undefined;
      octets = control.pollTransmit()
    ) {
      around.transmit({ kind: "Octets", connection: id, octets });
    }
    if (this.#closing) this.close();
  }

  /** Close, once, behind all octets that went before. */
  close(): void {
    this.#closing = true;
    if (this.#closeTold) return;
    this.#closeTold = true;
    this.around.transmit({ kind: "Close", connection: this.id });
  }

  #handle(event: ControlEvent, now: Instant): void {
    const { around } = this;
    switch (event.kind) {
      case "Established":
        this.hostName = event.hostName;
        this.vendorString = event.vendorString;
        return;
      case "CallAsked":
        return around.callAsked(this, event.terms, now);
      case "CallUp":
        return around.noted("call-up-unasked");
      case "CallEnded": {
        const session = this.calls.get(event.callId);
        this.calls.delete(event.callId);
        if (session !== undefined) around.callEnded(this, session, event.cause, now);
        return;
      }
      case "LinkInfo":
        return this.calls.get(event.callId)?.handleLinkInfo(event.sendAccm, event.receiveAccm);
      case "WanErrors":
        return this.calls.get(event.callId)?.handleWanErrors(event.errors);
      case "Noted":
        return around.noted(event.reason);
      case "Close":
        this.#closing = true;
        if (event.cause === "control-malformed") around.malformed(this, now);
        return around.noted(`connection-${event.cause}`);
    }
  }
}
