// RFC 2637 §3.2.4: outgoing calls, which is what a VPN client places: it is the PNS, the server the
// PAC. There is no telephone network behind us: wait_cs_ans waits for the data path instead.
import type { Instant } from "../../base/instant.js";
import type { PacCallId, PnsCallId } from "../../wire/pptp/call-id.js";
import {
  BearerType,
  FramingType,
  GeneralError,
  OutgoingCallResult,
} from "../../wire/pptp/codes.js";
import type { ControlMessage } from "../../wire/pptp/index.js";
import type { OutgoingCallRequest } from "../../wire/pptp/outgoing-call-request.js";
import type { EndCause } from "../access/ports.js";
import { Call, type CallStep, NOTHING, OUT_OF_STATE, SPEED_BPS } from "./call.js";
import { linkInfoEvent, setLinkInfo, toldEvents, wanErrorsEvent } from "./call-events.js";
import type { CallRefusal, ControlPolicy } from "./ports.js";

const { connected, generalError, busy, doNotAccept } = OutgoingCallResult;

type Codes = { readonly resultCode: number; readonly errorCode: number };

/** Why an Outgoing-Call-Request is refused: what can be told with §2.8's codes. */
export const outgoingRefusals = {
  "no-resource": { resultCode: generalError, errorCode: GeneralError.noResource },
  "not-authorised": { resultCode: doNotAccept, errorCode: GeneralError.none },
  busy: { resultCode: busy, errorCode: GeneralError.none },
  "general-error": { resultCode: generalError, errorCode: GeneralError.pacError },
  "bad-value": { resultCode: generalError, errorCode: GeneralError.badValue },
  "bad-call-id": { resultCode: generalError, errorCode: GeneralError.badCallId },
} as const satisfies Record<CallRefusal | "bad-value" | "bad-call-id", Codes>;

/** A refused call has no Call ID of ours: 0. */
export function outgoingCallRefused(
  peersCallId: PnsCallId,
  why: keyof typeof outgoingRefusals,
): ControlMessage {
  return {
    kind: "OutgoingCallReply",
    callId: 0 as PacCallId,
    peersCallId,
    ...outgoingRefusals[why],
    causeCode: 0,
    connectSpeed: 0,
    packetRecvWindowSize: 0,
    packetProcessingDelay: 0,
    physicalChannelId: 0,
  };
}

/** The peer asked: we are the PAC. wait_cs_ans -> established. */
export class PacOutgoingCall extends Call {
  readonly machine = "pacOutgoing";
  readonly role = "PAC";
  readonly #peersCallId: PnsCallId;

  constructor(callId: number, request: OutgoingCallRequest, policy: ControlPolicy, now: Instant) {
    super(callId, policy, "wait_cs_ans");
    this.#peersCallId = request.callId;
    this.peers = request.callId;
    this.peersWindow = request.packetRecvWindowSize;
    this.peersProcessingDelay = request.packetProcessingDelay;
    this.number = request.phoneNumber.slice(0, request.phoneNumberLength);
    this.enter("wait_cs_ans", now, this.limits.installMs);
  }

  handle(message: ControlMessage): CallStep {
    switch (this.action(message)) {
      case "cleared":
        return { send: [this.disconnectNotify("call-cleared")], ended: "call-cleared" };
      case "linkInfo":
        return linkInfoEvent(this.callId, message);
      default:
        return OUT_OF_STATE;
    }
  }

  override accept(): CallStep | undefined {
    if (this.state !== "wait_cs_ans") return undefined;
    this.enter("established");
    const reply: ControlMessage = {
      kind: "OutgoingCallReply",
      callId: this.callId as PacCallId,
      peersCallId: this.#peersCallId,
      resultCode: connected,
      errorCode: GeneralError.none,
      causeCode: 0,
      connectSpeed: SPEED_BPS,
      packetRecvWindowSize: this.policy.packetRecvWindowSize,
      packetProcessingDelay: 0,
      physicalChannelId: 0,
    };
    return { send: [reply] };
  }

  override refuse(refusal: CallRefusal): CallStep | undefined {
    if (this.state !== "wait_cs_ans") return undefined;
    return { send: [outgoingCallRefused(this.#peersCallId, refusal)], ended: "refused" };
  }

  clear(why: EndCause): CallStep {
    if (this.state === "established") return { send: [this.disconnectNotify(why)], ended: why };
    const refusal = why === "internal-error" ? "general-error" : "no-resource";
    return { send: [outgoingCallRefused(this.#peersCallId, refusal)], ended: why };
  }

  handleTimeout(): CallStep {
    return this.refuse("no-resource") ?? NOTHING;
  }
}

/** We ask: we are the PNS. wait_reply -> established -> wait_disconnect. */
export class PnsOutgoingCall extends Call {
  readonly machine = "pnsOutgoing";
  readonly role = "PNS";
  #why: EndCause = "call-cleared";

  constructor(callId: number, number: string, policy: ControlPolicy, now: Instant) {
    super(callId, policy, "wait_reply");
    this.number = number.slice(0, 64);
    this.enter("wait_reply", now, this.limits.replyMs);
  }

  request(callSerialNumber: number): ControlMessage {
    return {
      kind: "OutgoingCallRequest",
      callId: this.callId as PnsCallId,
      callSerialNumber,
      minimumBps: 300,
      maximumBps: SPEED_BPS,
      bearerType: BearerType.any,
      framingType: FramingType.either,
      packetRecvWindowSize: this.policy.packetRecvWindowSize,
      packetProcessingDelay: 0,
      phoneNumberLength: this.number.length,
      phoneNumber: this.number,
      subaddress: "",
    };
  }

  handle(message: ControlMessage): CallStep {
    switch (this.action(message)) {
      case "answered":
      case "late":
        return this.#answered(message);
      case "ended":
        return { events: toldEvents(message), ended: this.#ended() };
      case "wanErrors":
        return wanErrorsEvent(this.callId, message);
      default:
        return OUT_OF_STATE;
    }
  }

  #answered(message: ControlMessage): CallStep {
    if (message.kind !== "OutgoingCallReply") return OUT_OF_STATE;
    if (message.resultCode !== connected)
      return { events: toldEvents(message), ended: this.#ended() };
    this.peers = message.callId;
    // Given up before the answer came: the PAC's Call-Disconnect-Notify is still to come.
    if (this.state === "wait_disconnect") return NOTHING;
    this.peersWindow = message.packetRecvWindowSize;
    this.peersProcessingDelay = message.packetProcessingDelay;
    this.enter("established");
    return { events: [{ kind: "CallUp", terms: this.terms }] };
  }

  #ended(): EndCause {
    if (this.state === "wait_disconnect") return this.#why;
    return this.state === "wait_reply" ? "refused" : "call-cleared";
  }

  override linkInfo(): ControlMessage | undefined {
    return this.state === "established" ? setLinkInfo(this.peers as PacCallId) : undefined;
  }

  clear(why: EndCause, now: Instant): CallStep {
    if (this.state === "wait_disconnect") return NOTHING;
    this.#why = why;
    // DEVIATION 6: many servers never send the Call-Disconnect-Notify that is waited for here.
    this.enter("wait_disconnect", now, this.limits.clearReplyMs);
    return { send: [{ kind: "CallClearRequest", callId: this.callId as PnsCallId }] };
  }

  handleTimeout(): CallStep {
    return this.state === "wait_disconnect" ? { ended: this.#why } : { stuck: true };
  }
}
