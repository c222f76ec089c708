// RFC 2637 §2.14, §2.15: what a call makes of WAN-Error-Notify and Set-Link-Info. A tunnel has no
// serial line: both are shown and change nothing (DEVIATION 9). A PNS may send the second.
import type { PacCallId } from "../../wire/pptp/call-id.js";
import type { ControlMessage } from "../../wire/pptp/index.js";
import { type CallStep, OUT_OF_STATE } from "./call.js";
import type { ControlEvent } from "./ports.js";

const ALL_ESCAPED = 0xffffffff;

export function linkInfoEvent(callId: number, message: ControlMessage): CallStep {
  if (message.kind !== "SetLinkInfo") return OUT_OF_STATE;
  const { sendAccm, receiveAccm } = message;
  return { events: [{ kind: "LinkInfo", callId, sendAccm, receiveAccm }] };
}

export function wanErrorsEvent(callId: number, message: ControlMessage): CallStep {
  if (message.kind !== "WanErrorNotify") return OUT_OF_STATE;
  const { kind: _kind, peersCallId: _peersCallId, ...errors } = message;
  return { events: [{ kind: "WanErrors", callId, errors }] };
}

/** PNS to PAC, with §2.15's defaults. */
export function setLinkInfo(peersCallId: PacCallId): ControlMessage {
  return {
    kind: "SetLinkInfo",
    peersCallId,
    sendAccm: ALL_ESCAPED,
    receiveAccm: ALL_ESCAPED,
  };
}

/** The codes with which the peer says no, or ends a call; whoever diagnoses reads them. */
export function toldEvents(message: ControlMessage): readonly ControlEvent[] {
  switch (message.kind) {
    case "StartControlConnectionReply":
      return [told("SCCRP", message)];
    case "OutgoingCallReply":
      return [told("OCRP", message)];
    case "CallDisconnectNotify":
      return [told("CDN", message)];
    default:
      return [];
  }
}

type Codes = { readonly resultCode: number; readonly errorCode: number };

function told(by: "SCCRP" | "OCRP" | "CDN", { resultCode, errorCode }: Codes): ControlEvent {
  return { kind: "Told", by, resultCode, errorCode };
}
