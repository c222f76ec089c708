// RFC 2637 §2.1, §2.7: how an ordinary client begins, for peers that speak without a machine.
import type { PnsCallId } from "./call-id.js";
import { PROTOCOL_VERSION } from "./codes.js";
import type { ControlMessage } from "./index.js";

export function startRequest(vendorString: string): ControlMessage {
  return {
    kind: "StartControlConnectionRequest",
    protocolVersion: PROTOCOL_VERSION,
    framingCapabilities: 3,
    bearerCapabilities: 3,
    maximumChannels: 0,
    firmwareRevision: 1,
    hostName: "",
    vendorString,
  };
}

/** `window`: GRE packets that may be sent to us unacknowledged. */
export function callRequest(callId: number, window: number): ControlMessage {
  return {
    kind: "OutgoingCallRequest",
    callId: callId as PnsCallId,
    callSerialNumber: 0,
    minimumBps: 300,
    maximumBps: 100_000_000,
    bearerType: 3,
    framingType: 3,
    packetRecvWindowSize: window,
    packetProcessingDelay: 0,
    phoneNumberLength: 0,
    phoneNumber: "",
    subaddress: "",
  };
}
