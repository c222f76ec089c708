// RFC 2637 §2.1, §2.2: what we say of ourselves: the same to every caller, whatever it told us (G-27).
import { GeneralError, PROTOCOL_VERSION, StartResult } from "../../wire/pptp/codes.js";
import type { ControlMessage } from "../../wire/pptp/index.js";
import type { ControlPolicy } from "./ports.js";

/** Asynchronous and synchronous framing, analog and digital bearers: a tunnel carries either. */
const EITHER = 3;

function ourselves(policy: ControlPolicy) {
  return {
    protocolVersion: PROTOCOL_VERSION,
    framingCapabilities: EITHER,
    bearerCapabilities: EITHER,
    // §2.1: what the PAC can take; a PNS says 0.
    maximumChannels: policy.takeOutgoingCalls ? policy.callsPerConnectionMax : 0,
    firmwareRevision: policy.firmwareRevision,
    hostName: policy.hostName,
    vendorString: policy.vendorString,
  };
}

export function startRequest(policy: ControlPolicy): ControlMessage {
  return { kind: "StartControlConnectionRequest", ...ourselves(policy) };
}

export function startReply(policy: ControlPolicy, resultCode: number): ControlMessage {
  return {
    kind: "StartControlConnectionReply",
    ...ourselves(policy),
    resultCode,
    errorCode:
      resultCode === StartResult.generalError ? GeneralError.noResource : GeneralError.none,
  };
}
