// RFC 2637 §2.8, PAC to PNS: answers an Outgoing-Call-Request.
import type { PacCallId, PnsCallId } from "./call-id.js";
import { GeneralError, OutgoingCallResult } from "./codes.js";
import { layout, type MessageOf, number } from "./field-table.js";

export const outgoingCallReply = layout({
  kind: "OutgoingCallReply",
  abbreviation: "OCRP",
  type: 8,
  length: 32,
  fields: {
    callId: number<PacCallId>("Call ID", 12, 2),
    peersCallId: number<PnsCallId>("Peer's Call ID", 14, 2),
    resultCode: number("Result Code", 16, 1, { listed: OutgoingCallResult }),
    errorCode: number("Error Code", 17, 1, { listed: GeneralError }),
    causeCode: number("Cause Code", 18, 2),
    connectSpeed: number("Connect Speed", 20, 4),
    packetRecvWindowSize: number("Packet Recv. Window Size", 24, 2),
    packetProcessingDelay: number("Packet Processing Delay", 26, 2),
    physicalChannelId: number("Physical Channel ID", 28, 4),
  },
});

export type OutgoingCallReply = MessageOf<typeof outgoingCallReply>;
