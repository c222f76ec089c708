// RFC 2637 §3.2.3: incoming calls, where the PAC asks. A VPN server refuses them unless told to take
// them; both ends are here.
import type { Instant } from "../../base/instant.js";
import type { PacCallId, PnsCallId } from "../../wire/pptp/call-id.js";
import {
  CallBearerType,
  ConnectedFramingType,
  GeneralError,
  IncomingCallResult,
} from "../../wire/pptp/codes.js";
import type { IncomingCallRequest } from "../../wire/pptp/incoming-call-request.js";
import type { ControlMessage } from "../../wire/pptp/index.js";
import type { EndCause } from "../access/ports.js";
import { Call, type CallStep, NOTHING, OUT_OF_STATE, SPEED_BPS } from "./call.js";
import { linkInfoEvent, setLinkInfo, wanErrorsEvent } from "./call-events.js";
import type { CallRefusal, ControlPolicy } from "./ports.js";

const { connect, generalError, doNotAccept } = IncomingCallResult;

type Codes = { readonly resultCode: number; readonly errorCode: number };

/** Why an Incoming-Call-Request is refused: what can be told with §2.10's codes. */
export const incomingRefusals = {
  "no-resource": { resultCode: generalError, errorCode: GeneralError.noResource },
  "not-authorised": { resultCode: doNotAccept, errorCode: GeneralError.none },
  busy: { resultCode: doNotAccept, errorCode: GeneralError.none },
  "general-error": { resultCode: generalError, errorCode: GeneralError.noResource },
  "bad-value": { resultCode: generalError, errorCode: GeneralError.badValue },
  "bad-call-id": { resultCode: generalError, errorCode: GeneralError.badCallId },
} as const satisfies Record<CallRefusal | "bad-value" | "bad-call-id", Codes>;

/** A refused call has no Call ID of ours: 0. */
export function incomingCallRefused(
  peersCallId: PacCallId,
  why: keyof typeof incomingRefusals,
): ControlMessage {
  return {
    kind: "IncomingCallReply",
    callId: 0 as PnsCallId,
    peersCallId,
    ...incomingRefusals[why],
    packetRecvWindowSize: 0,
    packetTransmitDelay: 0,
  };
}

/** We offer: we are the PAC. wait_reply -> established. */
export class PacIncomingCall extends Call {
  readonly machine = "pacIncoming";
  readonly role = "PAC";

  constructor(callId: number, policy: ControlPolicy, now: Instant) {
    super(callId, policy, "wait_reply");
    this.enter("wait_reply", now, this.limits.replyMs);
  }

  request(callSerialNumber: number): ControlMessage {
    return {
      kind: "IncomingCallRequest",
      callId: this.callId as PacCallId,
      callSerialNumber,
      callBearerType: CallBearerType.digital,
      physicalChannelId: 0,
      dialedNumberLength: 0,
      dialingNumberLength: 0,
      dialedNumber: "",
      dialingNumber: "",
      subaddress: "",
    };
  }

  handle(message: ControlMessage): CallStep {
    switch (this.action(message)) {
      case "answered":
        return this.#answered(message);
      case "cleared":
        return { send: [this.disconnectNotify("call-cleared")], ended: "call-cleared" };
      case "linkInfo":
        return linkInfoEvent(this.callId, message);
      default:
        return OUT_OF_STATE;
    }
  }

  #answered(message: ControlMessage): CallStep {
    if (message.kind !== "IncomingCallReply") return OUT_OF_STATE;
    if (message.resultCode !== connect) return { ended: "refused" };
    this.peers = message.callId;
    this.peersWindow = message.packetRecvWindowSize;
    this.peersProcessingDelay = message.packetTransmitDelay;
    this.enter("established");
    const reply: ControlMessage = {
      kind: "IncomingCallConnected",
      peersCallId: message.callId,
      connectSpeed: SPEED_BPS,
      packetRecvWindowSize: this.policy.packetRecvWindowSize,
      packetTransmitDelay: 0,
      framingType: ConnectedFramingType.synchronous,
    };
    return { send: [reply], events: [{ kind: "CallUp", terms: this.terms }] };
  }

  clear(why: EndCause): CallStep {
    return { send: [this.disconnectNotify(why)], ended: why };
  }

  handleTimeout(): CallStep {
    return { stuck: true };
  }
}

/** The peer offers: we are the PNS. wait_accept (ours) -> wait_connect -> established. */
export class PnsIncomingCall extends Call {
  readonly machine = "pnsIncoming";
  readonly role = "PNS";
  readonly #peersCallId: PacCallId;
  #why: EndCause = "call-cleared";

  constructor(callId: number, request: IncomingCallRequest, policy: ControlPolicy, now: Instant) {
    super(callId, policy, "wait_accept");
    this.#peersCallId = request.callId;
    this.peers = request.callId;
    this.number = request.dialedNumber.slice(0, request.dialedNumberLength);
    this.enter("wait_accept", now, this.limits.installMs);
  }

  handle(message: ControlMessage): CallStep {
    switch (this.action(message)) {
      case "connected":
        return this.#connected(message);
      case "ended":
        return { ended: this.state === "wait_disconnect" ? this.#why : "call-cleared" };
      case "wanErrors":
        return wanErrorsEvent(this.callId, message);
      default:
        return OUT_OF_STATE;
    }
  }

  #connected(message: ControlMessage): CallStep {
    if (message.kind !== "IncomingCallConnected") return OUT_OF_STATE;
    this.peersWindow = message.packetRecvWindowSize;
    this.peersProcessingDelay = message.packetTransmitDelay;
    this.enter("established");
    return { events: [{ kind: "CallUp", terms: this.terms }] };
  }

  override accept(now: Instant): CallStep | undefined {
    if (this.state !== "wait_accept") return undefined;
    this.enter("wait_connect", now, this.limits.replyMs);
    const reply: ControlMessage = {
      kind: "IncomingCallReply",
      callId: this.callId as PnsCallId,
      peersCallId: this.#peersCallId,
      resultCode: connect,
      errorCode: GeneralError.none,
      packetRecvWindowSize: this.policy.packetRecvWindowSize,
      packetTransmitDelay: 0,
    };
    return { send: [reply] };
  }

  override refuse(refusal: CallRefusal): CallStep | undefined {
    if (this.state !== "wait_accept") return undefined;
    return { send: [incomingCallRefused(this.#peersCallId, refusal)], ended: "refused" };
  }

  override linkInfo(): ControlMessage | undefined {
    return this.state === "established" ? setLinkInfo(this.#peersCallId) : undefined;
  }

  clear(why: EndCause, now: Instant): CallStep {
    if (this.state === "wait_disconnect") return NOTHING;
    if (this.state === "wait_accept") {
      return { send: [incomingCallRefused(this.#peersCallId, "no-resource")], ended: why };
    }
    this.#why = why;
    this.enter("wait_disconnect", now, this.limits.clearReplyMs);
    return { send: [{ kind: "CallClearRequest", callId: this.callId as PnsCallId }] };
  }

  handleTimeout(): CallStep {
    if (this.state === "wait_accept") return this.refuse("no-resource") ?? NOTHING;
    return this.state === "wait_disconnect" ? { ended: this.#why } : { stuck: true };
  }
}
