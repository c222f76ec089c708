// RFC 2637 §3.1: one control connection, either side of it, and the calls it carries. Pure: octets and
// time in; octets, events and one deadline out. What happens when is in state-table.ts; what hostile
// octets get is in docs/RESPONSES.md.
import { after, type Instant } from "../../base/instant.js";
import { never } from "../../base/invariant.js";
import type { Ipv4 } from "../../base/ip.js";
import type { Scope } from "../../base/scope.js";
import { type Bounds, control } from "../../limits.js";
import type { PacCallId, PnsCallId } from "../../wire/pptp/call-id.js";
import { OkResult, PROTOCOL_VERSION, StartResult, StopReason } from "../../wire/pptp/codes.js";
import { readNumber } from "../../wire/pptp/field-table.js";
import {
  type ControlMessage,
  controlMessageLayouts,
  decodeControlMessage,
  oddities,
} from "../../wire/pptp/index.js";
import type { EndCause } from "../access/ports.js";
import { type Deadline, earliest } from "../deadline.js";
import { Timers } from "../timers.js";
import { toldEvents } from "./call-events.js";
import { Calls, type LeaseCallId } from "./calls.js";
import { collision } from "./collision.js";
import { Framer } from "./framer.js";
import { type BucketVerdict, MessageBucket } from "./message-bucket.js";
import { Outputs } from "./outputs.js";
import type { CallRefusal, ControlEvent, ControlPolicy } from "./ports.js";
import { startReply, startRequest } from "./start-messages.js";
import { type ControlState, controlTable } from "./state-table.js";

type Message<K extends ControlMessage["kind"]> = Extract<ControlMessage, { kind: K }>;

type ControlTimer =
  | "start"
  | "message"
  | "call"
  | "authenticated"
  | "echoIdle"
  | "echoReply"
  | "stopReply"
  | "reading";

export type ControlConnectionOptions = {
  readonly policy: ControlPolicy;
  readonly leaseCallId: LeaseCallId;
  readonly localAddress: Ipv4;
  readonly peerAddress: Ipv4;
  /** The connection's own: its calls' scopes are inside. Disposed by the composer, never here. */
  readonly scope: Scope;
  /** Of the accept, or of the connect. */
  readonly now: Instant;
  /**
   * The connection we are opening to that same peer, if any (§3.1.3). It is asked for when SCCRQ
   * comes; a server that opens none leaves it out. DEVIATION 10: several clients may share an address.
   */
  readonly opening?: () => ControlConnection | undefined;
  /** Whether there is room for one more; asked when a good SCCRQ has come. */
  readonly admitsStart?: (now: Instant) => boolean;
};

export type ControlSnapshot = {
  readonly state: ControlState;
  readonly side: ControlPolicy["side"];
  /** What the peer said of itself; its strings raw: show them through printable(). */
  readonly peer: {
    readonly hostName: string;
    readonly vendorString: string;
    readonly firmwareRevision: number;
    readonly protocolVersion: number;
  };
  readonly echoOutstanding: boolean;
  readonly calls: readonly {
    readonly callId: number;
    readonly peersCallId: number | undefined;
    readonly machine: string;
    readonly state: string;
  }[];
};

/**
 * The composer drains `pollEvent` before `pollTransmit` after every input (a call's flow goes before
 * its Call-Disconnect-Notify is written), arms one timer for `pollTimeout`, tells what its socket
 * has not taken (`handleUnsent`), and does not read while `readingPausedUntil` is in the future.
 */
export class ControlConnection {
  readonly #options: ControlConnectionOptions;
  readonly #limits: Bounds<typeof control>;
  readonly #framer = new Framer();
  readonly #outputs = new Outputs();
  readonly #timers = new Timers<ControlTimer>();
  readonly #bucket: MessageBucket;
  readonly #calls: Calls;
  #state: ControlState = "idle";
  #closed = false;
  /** Collision won: the peer will close this connection, and gets nothing on it (§3.1.3). */
  #muted = false;
  /** Whole messages that came, good or bad. */
  messagesTaken = 0;
  #leavingFor: EndCause = "shutdown";
  #echoOutstanding: number | undefined;
  #echoIdentifier = 0;
  #peer = { hostName: "", vendorString: "", firmwareRevision: 0, protocolVersion: 0 };

  constructor(options: ControlConnectionOptions) {
    const { policy, leaseCallId, scope, now } = options;
    this.#options = options;
    this.#limits = policy.limits ?? control;
    this.#bucket = new MessageBucket(this.#limits, now);
    this.#calls = new Calls(policy, leaseCallId, scope, this.#outputs);
    if (policy.side === "opened") return;
    // DEVIATION 4: tighter than the RFC's 60 s.
    this.#timers.set("start", after(now, this.#limits.startDeadlineMs));
    this.#timers.set("authenticated", after(now, this.#limits.authenticatedDeadlineMs));
  }

  get state(): ControlState {
    return this.#state;
  }

  /** The message rate is spent: reading before then would only run up its debt (G-04). */
  get readingPausedUntil(): Instant | undefined {
    return this.#timers.at("reading");
  }

  pollTransmit(): Uint8Array | undefined {
    return this.#outputs.pollTransmit();
  }

  pollEvent(): ControlEvent | undefined {
    return this.#outputs.pollEvent();
  }

  pollTimeout(): Deadline | undefined {
    return earliest(this.#timers.next(), this.#calls.deadline);
  }

  snapshot(): ControlSnapshot {
    return {
      state: this.#state,
      side: this.#options.policy.side,
      peer: this.#peer,
      echoOutstanding: this.#echoOutstanding !== undefined,
      calls: this.#calls.all().map((call) => ({
        callId: call.callId,
        peersCallId: call.peersCallId,
        machine: call.machine,
        state: call.state,
      })),
    };
  }

  /** The TCP connection we opened is there: Start-Control-Connection-Request. */
  start(now: Instant): void {
    const { policy } = this.#options;
    if (this.#closed || policy.side !== "opened" || this.#state !== "idle") return;
    this.#state = "wait_ctl_reply";
    this.#timers.set("start", after(now, this.#limits.replyMs));
    this.#outputs.send(startRequest(policy));
  }

  /** All messages of a chunk are handled before the next; octets after the end are dropped. */
  handleOctets(octets: Uint8Array, now: Instant): void {
    if (this.#closed || this.#muted) return;
    this.#framer.feed(octets);
    let messages = 0;
    while (!this.#closed && !this.#muted) {
      const frame = this.#framer.next();
      if (frame.kind === "need-more") break;
      if (frame.kind === "malformed") {
        // DEVIATION 2: no Stop-Control-Connection-Request to a peer that does not speak PPTP.
        this.#outputs.note(`malformed ${frame.malformed.field}`);
        return this.#close("control-malformed", now);
      }
      messages++;
      this.messagesTaken++;
      const verdict = this.#bucket.take(now);
      if (verdict === "abusive") {
        this.#outputs.note("message rate");
        return this.#close("refused", now);
      }
      this.#handleMessage(frame.octets, verdict, now);
      this.#settle(now);
    }
    if (!this.#closed) this.#rearm(messages > 0, now);
  }

  /** The peer's FIN or RST, or our socket is gone: nothing more can be sent. */
  handleClosed(now: Instant): void {
    this.#outputs.drop();
    this.#close("control-closed", now);
  }

  /** Octets written that the peer's TCP has not taken yet (G-05). */
  handleUnsent(octets: number, now: Instant): void {
    this.#outputs.unsent(octets);
    this.#settle(now);
  }

  handleTimeout(now: Instant): void {
    for (let name = this.#timers.due(now); name !== undefined; name = this.#timers.due(now)) {
      this.#expired(name, now);
    }
    if (this.#closed) return;
    if (!this.#calls.handleTimeout(now)) this.#leave("control-timeout", now);
    this.#settle(now);
  }

  /** The data path has the call's flow: now the peer may be told yes. */
  acceptCall(callId: number, now: Instant): void {
    if (this.#closed) return;
    this.#calls.command(callId, "accept", (call) => call.accept(now));
    this.#settle(now);
  }

  refuseCall(callId: number, refusal: CallRefusal, now: Instant): void {
    if (this.#closed) return;
    this.#calls.command(callId, "refuse", (call) => call.refuse(refusal));
    this.#settle(now);
  }

  /**
   * As PAC the call is over at once (Call-Disconnect-Notify); as PNS it is when the PAC's notice
   * comes, or clearReplyMs later: many servers never send it.
   */
  clearCall(callId: number, why: EndCause, now: Instant): void {
    if (this.#closed) return;
    this.#calls.command(callId, "clear", (call) => call.clear(why, now));
    this.#settle(now);
  }

  /** Asks for a call as PNS. Our Call ID, or undefined when none can be had now. */
  placeCall(now: Instant, { number = "" }: { number?: string } = {}): number | undefined {
    if (this.#state !== "established") return undefined;
    const callId = this.#calls.place(number, now);
    this.#settle(now);
    return callId;
  }

  /** Offers a call as PAC. Our Call ID, or undefined when none can be had now. */
  offerCall(now: Instant): number | undefined {
    if (this.#state !== "established") return undefined;
    const callId = this.#calls.offer(now);
    this.#settle(now);
    return callId;
  }

  /** Set-Link-Info with §2.15's defaults, which is all a tunnel has to say; as PNS only. */
  sendSetLinkInfo(callId: number): void {
    const message = this.#calls.get(callId)?.linkInfo();
    if (message !== undefined) this.#outputs.send(message);
  }

  /** A session of this connection has logged in. */
  noteAuthenticated(_now: Instant): void {
    this.#timers.clear("authenticated");
  }

  /** Ends all calls, then the connection once the peer has answered or stopReplyMs have passed. */
  stop(cause: EndCause, now: Instant): void {
    if (this.#closed || this.#state === "wait_stop_reply") return;
    if (this.#state === "idle") return this.#close(cause, now);
    this.#sayStop(
      cause === "shutdown" ? StopReason.stopLocalShutdown : StopReason.none,
      cause,
      now,
    );
    this.#leavingFor = cause;
    this.#state = "wait_stop_reply";
    this.#timers.clearAll();
    // DEVIATION 3: seconds, not the RFC's minute.
    this.#timers.set("stopReply", after(now, this.#limits.stopReplyMs));
  }

  /** Its place is another's: told as at a deadline. */
  giveWay(now: Instant): void {
    if (this.#state === "idle") return this.#close("refused", now);
    this.#leave("refused", now);
  }

  /** Collision lost: closed without another message on it (§3.1.3). */
  abandon(now: Instant): void {
    this.#outputs.drop();
    this.#close("control-closed", now);
  }

  #handleMessage(octets: Uint8Array, verdict: BucketVerdict, now: Instant): void {
    const { kind, abbreviation } = controlMessageLayouts[readNumber(octets, 8, 2) - 1]!;
    for (const field of oddities(octets)) this.#outputs.note(`odd ${abbreviation} ${field}`);
    const action = controlTable[kind][this.#state];
    const outOfState = `${abbreviation} in ${this.#state}`;
    switch (action) {
      case "drop":
      case "out":
        return this.#outputs.note(outOfState);
      case "close":
        this.#outputs.note(outOfState);
        return this.#close("control-malformed", now);
      case "restart":
        this.#outputs.note(outOfState);
        return this.#stopped("control-malformed", now);
      case "stop": {
        const leaving = this.#state === "wait_stop_reply";
        return this.#stopped(leaving ? this.#leavingFor : "control-stopped", now);
      }
      case "stopped":
        return this.#close(this.#leavingFor, now);
      case "start":
      case "started":
      case "echo":
      case "echoed":
      case "ask":
      case "route":
        break;
      default:
        return never(action);
    }
    const read = decodeControlMessage(octets);
    if (read.ok) return this.#act(read.value, verdict, now);
    this.#outputs.note(`malformed ${abbreviation} ${read.field}`);
    const peersCallId = readNumber(octets, 12, 2);
    if (kind === "OutgoingCallRequest") {
      return this.#calls.refuseOutgoing(peersCallId as PnsCallId, "bad-value");
    }
    if (kind === "IncomingCallRequest") {
      return this.#calls.refuseIncoming(peersCallId as PacCallId, "bad-value");
    }
    this.#close("control-malformed", now);
  }

  #act(message: ControlMessage, verdict: BucketVerdict, now: Instant): void {
    switch (message.kind) {
      case "StartControlConnectionRequest":
        return this.#start(message, now);
      case "StartControlConnectionReply":
        return this.#started(message, now);
      case "EchoRequest":
        return this.#echo(message, verdict);
      case "EchoReply":
        return this.#echoed(message);
      case "OutgoingCallRequest":
        return this.#calls.askedOutgoing(message, now);
      case "IncomingCallRequest":
        return this.#calls.askedIncoming(message, now);
      default:
        return this.#calls.route(message, now);
    }
  }

  #start(message: Message<"StartControlConnectionRequest">, now: Instant): void {
    const { policy, localAddress, peerAddress, opening, admitsStart } = this.#options;
    if (policy.side === "opened") return this.#close("control-malformed", now);
    const rival = opening?.();
    if (rival?.state === "wait_ctl_reply") {
      const winner = collision(localAddress, peerAddress);
      if (winner !== "none") this.#outputs.note(`collision ${winner}`);
      if (winner === "ours") {
        this.#muted = true;
        return;
      }
      if (winner === "peers") rival.abandon(now);
    }
    // §3.1.2: an older peer cannot be served; a newer one is told our version and decides.
    if (message.protocolVersion < PROTOCOL_VERSION) {
      this.#outputs.note("version not supported");
      this.#outputs.send(startReply(policy, StartResult.versionNotSupported));
      return this.#close("refused", now);
    }
    if (admitsStart?.(now) === false) {
      this.#outputs.send(startReply(policy, StartResult.generalError));
      return this.#close("refused", now);
    }
    this.#outputs.send(startReply(policy, StartResult.successful));
    this.#established(message, now);
  }

  #started(message: Message<"StartControlConnectionReply">, now: Instant): void {
    if (message.resultCode !== StartResult.successful) {
      this.#outputs.note("SCCRP refused");
      for (const event of toldEvents(message)) this.#outputs.tell(event);
      return this.#close("refused", now);
    }
    if (message.protocolVersion !== PROTOCOL_VERSION) {
      this.#outputs.note("version not supported");
      this.#sayStop(StopReason.stopProtocol, "refused", now);
      return this.#close("refused", now);
    }
    this.#established(message, now);
  }

  #established(
    message: Message<"StartControlConnectionRequest" | "StartControlConnectionReply">,
    now: Instant,
  ): void {
    const { hostName, vendorString, firmwareRevision, protocolVersion } = message;
    this.#peer = { hostName, vendorString, firmwareRevision, protocolVersion };
    this.#state = "established";
    this.#timers.clear("start");
    this.#timers.set("echoIdle", after(now, this.#limits.echoIdleMs));
    this.#outputs.tell({ kind: "Established", ...this.#peer });
  }

  #echo({ identifier }: Message<"EchoRequest">, verdict: BucketVerdict): void {
    // DEVIATION 11.
    if (verdict === "over") return this.#outputs.note("EchoRQ over the rate");
    const resultCode = OkResult.ok;
    this.#outputs.send({ kind: "EchoReply", identifier, resultCode, errorCode: 0 });
  }

  #echoed({ identifier }: Message<"EchoReply">): void {
    if (identifier !== this.#echoOutstanding) return this.#outputs.note("EchoRP unasked");
    this.#echoOutstanding = undefined;
    this.#timers.clear("echoReply");
  }

  #expired(name: ControlTimer, now: Instant): void {
    switch (name) {
      case "reading":
        return;
      case "echoIdle":
        this.#echoIdentifier = (this.#echoIdentifier + 1) >>> 0;
        this.#echoOutstanding = this.#echoIdentifier;
        this.#outputs.send({ kind: "EchoRequest", identifier: this.#echoIdentifier });
        this.#timers.set("echoReply", after(now, this.#limits.echoReplyMs));
        return;
      case "stopReply":
        this.#outputs.note("deadline stopReply");
        return this.#close(this.#leavingFor, now);
      case "call":
      case "authenticated":
        this.#outputs.note(`deadline ${name}`);
        return this.#leave("control-timeout", now);
      case "start":
      case "message":
      case "echoReply":
        this.#outputs.note(`deadline ${name}`);
        return this.#close("control-timeout", now);
      default:
        return never(name);
    }
  }

  /** After a chunk: the deadline of an unfinished message, the silence, the pause of reading. */
  #rearm(progress: boolean, now: Instant): void {
    if (this.#framer.heldOctets === 0) this.#timers.clear("message");
    else if (progress || this.#timers.at("message") === undefined) {
      this.#timers.set("message", after(now, this.#limits.messageDeadlineMs));
    }
    const resume = this.#bucket.emptyUntil;
    if (resume === undefined) this.#timers.clear("reading");
    else this.#timers.set("reading", resume);
    if (progress && this.#state === "established" && this.#echoOutstanding === undefined) {
      this.#timers.set("echoIdle", after(now, this.#limits.echoIdleMs));
    }
  }

  /** After every input: a peer that does not read, and one that holds a connection without a call. */
  #settle(now: Instant): void {
    if (this.#closed) return;
    if (this.#outputs.waitingOctets > this.#limits.outputOctetsMax) {
      this.#outputs.note("output bound");
      this.#outputs.drop();
      return this.#close("control-closed", now);
    }
    if (this.#state !== "established" || this.#options.policy.side !== "accepted") return;
    if (this.#calls.size > 0) this.#timers.clear("call");
    else if (this.#timers.at("call") === undefined) {
      this.#timers.set("call", after(now, this.#limits.callDeadlineMs));
    }
  }

  /** §3.1: calls are cleared by it; each where we are the PAC is told so all the same. */
  #sayStop(reason: number, cause: EndCause, now: Instant): void {
    this.#calls.endAll(cause, true, now);
    this.#outputs.send({ kind: "StopControlConnectionRequest", reason });
  }

  /** DEVIATION 5: no wait for the answer of one that kept us waiting. */
  #leave(cause: EndCause, now: Instant): void {
    if (this.#closed) return;
    this.#sayStop(StopReason.none, cause, now);
    this.#close(cause, now);
  }

  #stopped(cause: EndCause, now: Instant): void {
    const resultCode = OkResult.ok;
    this.#outputs.send({ kind: "StopControlConnectionReply", resultCode, errorCode: 0 });
    this.#close(cause, now);
  }

  #close(cause: EndCause, now: Instant): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#state = "idle";
    this.#calls.endAll(cause, false, now);
    this.#timers.clearAll();
    this.#outputs.tell({ kind: "Close", cause });
  }
}
