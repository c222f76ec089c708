// RFC 2637 §2.10, PNS to PAC: answers an Incoming-Call-Request.
import type { PacCallId, PnsCallId } from "./call-id.js";
import { GeneralError, IncomingCallResult } from "./codes.js";
import { layout, type MessageOf, number, reserved } from "./field-table.js";

export const incomingCallReply = layout({
  kind: "IncomingCallReply",
  abbreviation: "ICRP",
  type: 10,
  length: 24,
  fields: {
    callId: number<PnsCallId>("Call ID", 12, 2),
    peersCallId: number<PacCallId>("Peer's Call ID", 14, 2),
    resultCode: number("Result Code", 16, 1, { listed: IncomingCallResult }),
    errorCode: number("Error Code", 17, 1, { listed: GeneralError }),
    packetRecvWindowSize: number("Packet Recv. Window Size", 18, 2),
    packetTransmitDelay: number("Packet Transmit Delay", 20, 2),
    reserved1: reserved("Reserved1", 22, 2),
  },
});

export type IncomingCallReply = MessageOf<typeof incomingCallReply>;
