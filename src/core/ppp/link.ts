// RFC 1661 §5, RFC 1570: LCP as a whole: the automaton, and the codes that only LCP has.
import type { Instant } from "../../base/instant.js";
import { printable } from "../../base/printable.js";
import {
  decodeMagicAndData,
  decodeProtocolReject,
  encodeProtocolReject,
  LcpCode,
} from "../../wire/ppp/lcp.js";
import { encodePacket, PACKET_HEADER_OCTETS, type PppPacket } from "../../wire/ppp/packet.js";
import { Protocol } from "../../wire/ppp/protocols.js";
import type { EndCause } from "../access/ports.js";
import type { State } from "./automaton.js";
import type { PppContext } from "./context.js";
import { ControlProtocol, type Finish, type Layer } from "./control-protocol.js";
import { Echo, type EchoMagic, type EchoUser } from "./echo.js";
import { LcpOptions, type LcpTerms } from "./lcp.js";

/** The session, as its link sees it. */
export interface LinkUser {
  linkUp(now: Instant): void;
  linkDown(now: Instant): void;
  linkFinished(cause: EndCause): void;
  linkFailed(now: Instant): void;
  linkDead(now: Instant): void;
  /** Read at every start: a renegotiation may allow less. */
  lcpTerms(): LcpTerms;
  /** One above the link. */
  isOpened(protocol: number): boolean;
  /** The peer does not know a protocol of ours; LCP is Opened. */
  protocolRejected(protocol: number, now: Instant): void;
}

const causes: Readonly<Record<Finish, EndCause>> = {
  timeout: "lcp-timeout",
  "terminated-by-peer": "peer-terminated",
  "rejected-by-peer": "lcp-failed",
  closed: "internal-error",
};

export class Link implements Layer, EchoUser {
  readonly options: LcpOptions;
  readonly #automaton: ControlProtocol;
  readonly echo: Echo;
  #identification: string | undefined;
  #rejectIdentifier = 0;
  /** Anything of LCP ever came: if not, GRE is probably blocked on the way. */
  #heard = false;

  constructor(
    readonly context: PppContext,
    readonly user: LinkUser,
  ) {
    this.options = new LcpOptions(user);
    this.#automaton = new ControlProtocol(Protocol.lcp, "lcp-restart", context, this.options, this);
    this.echo = new Echo(context, this);
  }

  get state(): State {
    return this.#automaton.state;
  }

  get opened(): boolean {
    return this.#automaton.state === "Opened";
  }

  /** RFC 1570 §2.1; already safe to show. */
  get identification(): string | undefined {
    return this.#identification;
  }

  start(now: Instant): void {
    this.#automaton.start(now);
  }

  close(now: Instant): void {
    this.#automaton.close(now);
  }

  handleTimeout(now: Instant): void {
    this.#automaton.handleTimeout(now);
  }

  handle(packet: PppPacket, now: Instant): void {
    const first = !this.#heard;
    this.#heard = true;
    if (this.#automaton.handle(packet, now, first)) return;
    switch (packet.code) {
      case LcpCode.protocolReject:
        return this.#handleProtocolReject(packet, now);
      case LcpCode.echoRequest:
        return this.echo.handleRequest(packet, now);
      case LcpCode.echoReply:
        return this.echo.handleReply(packet);
      case LcpCode.discardRequest:
        return this.context.note("discard-request");
      case LcpCode.identification:
        return this.#handleIdentification(packet);
      case LcpCode.timeRemaining:
        return this.context.note("time-remaining");
      default:
        return this.#automaton.unknownCode(packet, now);
    }
  }

  /** RFC 1661 §5.7: only while Opened, and no more than so many a second. */
  rejectProtocol(rejectedProtocol: number, rejectedInformation: Uint8Array, now: Instant): void {
    const { context } = this;
    if (!this.opened || !context.rejects.take(now)) return context.note("reject-suppressed");
    this.#rejectIdentifier = (this.#rejectIdentifier + 1) & 255;
    const room = context.peersMru() - PACKET_HEADER_OCTETS;
    const data = encodeProtocolReject({ rejectedProtocol, rejectedInformation }, room);
    const packet = encodePacket(LcpCode.protocolReject, this.#rejectIdentifier, data);
    context.send(Protocol.lcp, packet);
  }

  magic(): EchoMagic {
    return { ours: this.options.magicNumber, peers: this.options.peers.magicNumber };
  }

  echoDead(now: Instant): void {
    this.user.linkDead(now);
  }

  up(now: Instant): void {
    this.echo.open(now);
    this.user.linkUp(now);
  }

  down(now: Instant): void {
    this.echo.close();
    this.user.linkDown(now);
  }

  finished(why: Finish): void {
    if (why === "timeout" && !this.#heard) this.context.note("lcp-never-answered");
    this.user.linkFinished(causes[why]);
  }

  failed(now: Instant): void {
    this.user.linkFailed(now);
  }

  #handleProtocolReject(packet: PppPacket, now: Instant): void {
    const reject = decodeProtocolReject(packet.data);
    if (!reject.ok) return this.context.note("malformed-packet");
    if (!this.opened) return this.context.note("before-lcp-opened");
    const { rejectedProtocol } = reject.value;
    const ends = rejectedProtocol === Protocol.lcp || this.user.isOpened(rejectedProtocol);
    if (ends && this.context.doubts(Protocol.lcp, packet, now)) return;
    this.context.note("protocol-rejected");
    if (rejectedProtocol === Protocol.lcp) return this.#automaton.protocolRejected(now);
    this.user.protocolRejected(rejectedProtocol, now);
  }

  #handleIdentification(packet: PppPacket): void {
    const body = decodeMagicAndData(packet.data);
    if (!body.ok) return this.context.note("malformed-packet");
    this.context.note("identification");
    let text = "";
    for (const octet of body.value.data.subarray(0, 64)) text += String.fromCharCode(octet);
    this.#identification = printable(text);
  }
}
