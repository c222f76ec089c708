// RFC 2637 §2.7, PNS to PAC: asks for a call; what a VPN client sends.
import type { PnsCallId } from "./call-id.js";
import { BearerType, FramingType } from "./codes.js";
import { layout, type MessageOf, number, reserved, text } from "./field-table.js";

export const outgoingCallRequest = layout({
  kind: "OutgoingCallRequest",
  abbreviation: "OCRQ",
  type: 7,
  length: 168,
  fields: {
    callId: number<PnsCallId>("Call ID", 12, 2),
    callSerialNumber: number("Call Serial Number", 14, 2),
    minimumBps: number("Minimum BPS", 16, 4),
    maximumBps: number("Maximum BPS", 20, 4),
    bearerType: number("Bearer Type", 24, 4, { listed: BearerType }),
    framingType: number("Framing Type", 28, 4, { listed: FramingType }),
    packetRecvWindowSize: number("Packet Recv. Window Size", 32, 2),
    packetProcessingDelay: number("Packet Processing Delay", 34, 2),
    phoneNumberLength: number("Phone Number Length", 36, 2, { max: 64 }),
    reserved1: reserved("Reserved1", 38, 2),
    phoneNumber: text("Phone Number", 40, 64),
    subaddress: text("Subaddress", 104, 64),
  },
});

export type OutgoingCallRequest = MessageOf<typeof outgoingCallRequest>;
