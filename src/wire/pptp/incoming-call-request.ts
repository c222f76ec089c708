// RFC 2637 §2.9, PAC to PNS: tells of an inbound call.
import type { PacCallId } from "./call-id.js";
import { CallBearerType } from "./codes.js";
import { layout, type MessageOf, number, text } from "./field-table.js";

export const incomingCallRequest = layout({
  kind: "IncomingCallRequest",
  abbreviation: "ICRQ",
  type: 9,
  length: 220,
  fields: {
    callId: number<PacCallId>("Call ID", 12, 2),
    callSerialNumber: number("Call Serial Number", 14, 2),
    callBearerType: number("Call Bearer Type", 16, 4, { listed: CallBearerType }),
    physicalChannelId: number("Physical Channel ID", 20, 4),
    dialedNumberLength: number("Dialed Number Length", 24, 2, { max: 64 }),
    dialingNumberLength: number("Dialing Number Length", 26, 2, { max: 64 }),
    dialedNumber: text("Dialed Number", 28, 64),
    dialingNumber: text("Dialing Number", 92, 64),
    subaddress: text("Subaddress", 156, 64),
  },
});

export type IncomingCallRequest = MessageOf<typeof incomingCallRequest>;
