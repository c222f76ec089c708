// RFC 1661 §4, §5: codes 1 to 7 and the automaton's actions, the same for LCP, CCP, IPCP and IPV6CP.
import { after, type Instant } from "../../base/instant.js";
import { never } from "../../base/invariant.js";
import { pack } from "../../base/packed.js";
import { ppp } from "../../limits.js";
import { LcpCode } from "../../wire/ppp/lcp.js";
import {
  type ConfigurationOption,
  decodeOptions,
  encodeOptions,
  sameOctets,
} from "../../wire/ppp/options.js";
import { encodePacket, PACKET_HEADER_OCTETS, type PppPacket } from "../../wire/ppp/packet.js";
import {
  type Action,
  type AutomatonEvent,
  restartTimerRuns,
  type State,
  transition,
} from "./automaton.js";
import { limitsOf, type PppContext } from "./context.js";
import type { TimerName } from "./timers.js";

/** What is said to the options of a Configure-Request. */
export type Judgement =
  | { readonly kind: "ack" }
  | { readonly kind: "nak" | "reject"; readonly options: readonly ConfigurationOption[] }
  /** No agreement is possible. */
  | { readonly kind: "fail" };

/** The options of one protocol: what we ask for, and what we say to what the peer asks for. */
export interface OptionPolicy {
  /** Negotiation starts, at first or again: forget what was agreed on. */
  restart(): void;
  request(): readonly ConfigurationOption[];
  judge(options: readonly ConfigurationOption[]): Judgement;
  /** The peer's options are in force from our Configure-Ack on. */
  accept(options: readonly ConfigurationOption[]): void;
  /** False: something else was agreed on meanwhile, so ask again. */
  acked(): boolean;
  /** The peer's hints. False: no agreement is possible. */
  naked(options: readonly ConfigurationOption[]): boolean;
  rejected(options: readonly ConfigurationOption[]): boolean;
}

export type Finish = "timeout" | "terminated-by-peer" | "rejected-by-peer" | "closed";

/** Who sits on top of the automaton. */
export interface Layer {
  /** About to be Opened; comes before the frame that tells the peer so. */
  opening?(now: Instant): void;
  /** This-Layer-Up. */
  up(now: Instant): void;
  /** This-Layer-Down. */
  down(now: Instant): void;
  /** This-Layer-Finished. */
  finished(why: Finish, now: Instant): void;
  /** The options will never agree; the automaton stays as it is until it is closed. */
  failed(now: Instant): void;
}

type Request = { readonly identifier: number; readonly octets: Uint8Array };

export class ControlProtocol {
  #state: State = "Initial";
  #identifier = 0;
  #restartsLeft = 0;
  #naks = 0;
  #finish: Finish = "closed";
  #terminateIdentifier: number | undefined;
  /** Our Configure-Request without an answer yet. */
  #request: Request | undefined;
  /** The peer's Configure-Request that was acknowledged last: its Identifier, its options packed. */
  #acknowledgedAs = -1;
  #acknowledged = "";

  constructor(
    readonly protocol: number,
    readonly timer: TimerName,
    readonly context: PppContext,
    readonly options: OptionPolicy,
    readonly layer: Layer,
  ) {}

  get state(): State {
    return this.#state;
  }

  /** Open and lower layer Up in one. */
  start(now: Instant): void {
    this.#restart();
    this.#apply("Open", now);
    this.#apply("Up", now);
  }

  /** Negotiates anew on our own account. */
  renegotiate(now: Instant): void {
    this.#restart();
    this.#apply("Down", now);
    this.#apply("Up", now);
  }

  close(now: Instant): void {
    this.#finish = "closed";
    this.#apply("Close", now);
  }

  /** The Restart timer went off. */
  handleTimeout(now: Instant): void {
    const giveUp = this.#restartsLeft <= 0;
    if (giveUp && this.#state !== "Closing" && this.#state !== "Stopping") this.#finish = "timeout";
    this.#apply(giveUp ? "TO-" : "TO+", now);
  }

  /** The peer does not know this protocol. */
  protocolRejected(now: Instant): void {
    this.#finish = "rejected-by-peer";
    this.#apply("RXJ-", now);
  }

  /** A code nobody here knows (RUC). */
  unknownCode(packet: PppPacket, now: Instant): void {
    this.context.note("unknown-code");
    this.#apply("RUC", now, packet);
  }

  /** Codes 1 to 7; false for any other. `first`: nothing of the peer was ever heard before. */
  handle(packet: PppPacket, now: Instant, first = false): boolean {
    if (this.#unsettles(packet) && this.context.doubts(this.protocol, packet, now)) return true;
    switch (packet.code) {
      case LcpCode.configureRequest:
        this.#handleRequest(packet, first, now);
        return true;
      case LcpCode.configureAck:
      case LcpCode.configureNak:
      case LcpCode.configureReject:
        this.#handleAnswer(packet, now);
        return true;
      case LcpCode.terminateRequest:
        if (this.#state === "Opened") this.#finish = "terminated-by-peer";
        this.#apply("RTR", now, packet);
        return true;
      case LcpCode.terminateAck:
        this.#handleTerminateAck(packet, now);
        return true;
      case LcpCode.codeReject:
        this.#handleCodeReject(packet, now);
        return true;
      default:
        return false;
    }
  }

  /** It would end or restart what is Opened. */
  #unsettles(packet: PppPacket): boolean {
    if (this.#state !== "Opened") return false;
    switch (packet.code) {
      case LcpCode.configureRequest:
        return !this.#isRepeated(packet);
      case LcpCode.terminateRequest:
      case LcpCode.terminateAck:
        return true;
      case LcpCode.codeReject:
        return isNeeded(packet.data[0]);
      default:
        return false;
    }
  }

  #mayRestart(now: Instant): boolean {
    return this.context.mayRenegotiate(this.protocol, now);
  }

  #isRepeated({ identifier, data }: PppPacket): boolean {
    return this.#acknowledgedAs === identifier && this.#acknowledged === pack(data);
  }

  #handleRequest(packet: PppPacket, first: boolean, now: Instant): void {
    const decoded = decodeOptions(packet.data, ppp.optionsMax);
    if (!decoded.ok) return this.context.note("malformed-options");
    const state = this.#state;
    if (state === "Closing" || state === "Stopping" || state === "Closed") {
      return this.#apply("RCR+", now, packet);
    }
    if (state === "Opened") {
      // DEVIATION 41: the same Identifier and options again are a retransmission, since RFC 1661
      // §5.1 has the Identifier change after a valid reply. Our Ack was lost: send it again.
      if (this.#isRepeated(packet)) {
        this.context.note("request-repeated");
        return this.#send(LcpCode.configureAck, packet.identifier, packet.data);
      }
      if (!this.#mayRestart(now)) return this.context.note("renegotiation-refused");
      this.#restart();
    }
    // DEVIATION 52: it may not have listened yet when ours came. Before the answer, without which it
    // cannot be Opened: there a request would begin all anew.
    if (first && state === "Req-Sent") this.#sendRequest(now);
    const options = decoded.value;
    const judgement = this.#temper(this.options.judge(options), options);
    if (judgement.kind === "fail") return this.layer.failed(now);
    if (judgement.kind === "ack") {
      this.#naks = 0;
      this.#acknowledgedAs = packet.identifier;
      this.#acknowledged = pack(packet.data);
      this.options.accept(options);
      return this.#apply("RCR+", now, packet);
    }
    if (judgement.kind === "nak") this.#naks++;
    this.#acknowledgedAs = -1;
    const code = judgement.kind === "nak" ? LcpCode.configureNak : LcpCode.configureReject;
    const reply = { code, identifier: packet.identifier, data: encodeOptions(judgement.options) };
    this.#apply("RCR-", now, reply);
  }

  /**
   * RFC 1661 §4.6 Max-Failure: after so many Naks the options at fault are rejected instead; one that
   * the peer does not even ask for can't be.
   */
  #temper(judgement: Judgement, options: readonly ConfigurationOption[]): Judgement {
    if (judgement.kind !== "nak" || this.#naks < limitsOf(this.context).failureMax)
      return judgement;
    const naked = new Set(judgement.options.map(({ type }) => type));
    const rejected = options.filter(({ type }) => naked.has(type));
    return rejected.length === 0 ? { kind: "fail" } : { kind: "reject", options: rejected };
  }

  #handleAnswer(packet: PppPacket, now: Instant): void {
    const request = this.#request;
    // DEVIATION 40: an answer is taken once, so a repeated one never restarts an Opened protocol.
    if (request === undefined || packet.identifier !== request.identifier) {
      return this.context.note("wrong-identifier");
    }
    if (packet.code === LcpCode.configureAck) {
      // RFC 1661 §5.2: an Ack that does not exactly match is invalid and silently discarded.
      if (!sameOctets(packet.data, request.octets)) return this.context.note("options-not-ours");
      this.#request = undefined;
      return this.#apply(this.options.acked() ? "RCA" : "RCN", now);
    }
    const decoded = decodeOptions(packet.data, ppp.optionsMax);
    if (!decoded.ok) return this.context.note("malformed-options");
    const options = decoded.value;
    if (packet.code === LcpCode.configureReject && !isPartOf(options, request)) {
      return this.context.note("options-not-ours");
    }
    this.#request = undefined;
    const goesOn =
      packet.code === LcpCode.configureNak
        ? this.options.naked(options)
        : this.options.rejected(options);
    if (!goesOn) return this.layer.failed(now);
    this.#apply("RCN", now);
  }

  #handleTerminateAck(packet: PppPacket, now: Instant): void {
    const closing = this.#state === "Closing" || this.#state === "Stopping";
    if (closing && packet.identifier !== this.#terminateIdentifier) {
      return this.context.note("wrong-identifier");
    }
    if (this.#state === "Opened") {
      if (!this.#mayRestart(now)) return this.context.note("renegotiation-refused");
      this.#restart();
    }
    this.#apply("RTA", now);
  }

  #handleCodeReject(packet: PppPacket, now: Instant): void {
    if (packet.data.length < PACKET_HEADER_OCTETS) return this.context.note("malformed-packet");
    this.context.note("code-rejected");
    const needed = isNeeded(packet.data[0]);
    if (needed) this.#finish = "rejected-by-peer";
    this.#apply(needed ? "RXJ-" : "RXJ+", now);
  }

  #restart(): void {
    this.#naks = 0;
    this.#request = undefined;
    this.#acknowledgedAs = -1;
    this.options.restart();
  }

  /** `packet`: what elicited the event, or the Nak or Reject that answers it. */
  #apply(event: AutomatonEvent, now: Instant, packet?: PppPacket): void {
    const found = transition(this.#state, event);
    if (found === undefined) return this.context.note("cannot-happen");
    this.#state = found.next;
    if (!restartTimerRuns(found.next)) this.context.timers.clear(this.timer);
    if (found.actions.includes("tlu")) this.layer.opening?.(now);
    for (const action of found.actions) this.#act(action, now, packet);
  }

  #act(action: Action, now: Instant, packet: PppPacket | undefined): void {
    switch (action) {
      case "tlu":
        return this.layer.up(now);
      case "tld":
        return this.layer.down(now);
      case "tls":
        return;
      case "tlf":
        return this.layer.finished(this.#finish, now);
      case "irc": {
        const closing = this.#state === "Closing" || this.#state === "Stopping";
        this.#restartsLeft = closing
          ? limitsOf(this.context).terminateMax
          : limitsOf(this.context).configureMax;
        return;
      }
      case "zrc":
        this.#restartsLeft = 0;
        return this.context.timers.set(this.timer, after(now, limitsOf(this.context).restartMs));
      case "scr":
        return this.#sendRequest(now);
      case "sca":
        return this.#send(LcpCode.configureAck, packet!.identifier, packet!.data);
      case "scn":
        return this.#send(packet!.code, packet!.identifier, packet!.data);
      case "str":
        this.#restartsLeft--;
        this.#terminateIdentifier ??= this.#nextIdentifier();
        this.context.timers.set(this.timer, after(now, limitsOf(this.context).restartMs));
        return this.#send(LcpCode.terminateRequest, this.#terminateIdentifier, new Uint8Array());
      case "sta": {
        const identifier = packet?.identifier ?? this.#nextIdentifier();
        return this.#send(LcpCode.terminateAck, identifier, new Uint8Array());
      }
      case "scj":
        return this.#sendCodeReject(packet!, now);
      case "ser":
        return; // Echo is answered by the layer: only LCP has it.
      default:
        never(action);
    }
  }

  #sendRequest(now: Instant): void {
    const octets = encodeOptions(this.options.request());
    // RFC 1661 §5.1: a retransmission may keep its Identifier, so that a late answer still counts.
    if (this.#request === undefined || !sameOctets(this.#request.octets, octets)) {
      this.#request = { identifier: this.#nextIdentifier(), octets };
    }
    this.#restartsLeft--;
    this.context.timers.set(this.timer, after(now, limitsOf(this.context).restartMs));
    this.#send(LcpCode.configureRequest, this.#request.identifier, octets);
  }

  #sendCodeReject(packet: PppPacket, now: Instant): void {
    if (!this.context.rejects.take(now)) return this.context.note("reject-suppressed");
    const rejected = encodePacket(packet.code, packet.identifier, packet.data);
    const room = this.context.peersMru() - PACKET_HEADER_OCTETS;
    this.#send(LcpCode.codeReject, this.#nextIdentifier(), rejected.subarray(0, room));
  }

  #nextIdentifier(): number {
    this.#identifier = (this.#identifier + 1) & 255;
    return this.#identifier;
  }

  #send(code: number, identifier: number, data: Uint8Array): void {
    this.context.send(this.protocol, encodePacket(code, identifier, data));
  }
}

/** RFC 1661 §5: no peer can do without codes 1 to 7. */
function isNeeded(code = 0): boolean {
  return code >= LcpCode.configureRequest && code <= LcpCode.codeReject;
}

/** RFC 1661 §5.4: rejected options are ours, unmodified. Order is not insisted on. */
function isPartOf(options: readonly ConfigurationOption[], request: Request): boolean {
  const ours = decodeOptions(request.octets, ppp.optionsMax);
  return (
    ours.ok &&
    options.length > 0 &&
    options.every(({ type, data }) =>
      ours.value.some((own) => own.type === type && sameOctets(own.data, data)),
    )
  );
}
