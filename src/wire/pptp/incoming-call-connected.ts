// RFC 2637 §2.11, PAC to PNS: the inbound call is answered.
import type { PnsCallId } from "./call-id.js";
import { ConnectedFramingType } from "./codes.js";
import { layout, type MessageOf, number, reserved } from "./field-table.js";

export const incomingCallConnected = layout({
  kind: "IncomingCallConnected",
  abbreviation: "ICCN",
  type: 11,
  length: 28,
  fields: {
    peersCallId: number<PnsCallId>("Peer's Call ID", 12, 2),
    reserved1: reserved("Reserved1", 14, 2),
    connectSpeed: number("Connect Speed", 16, 4),
    packetRecvWindowSize: number("Packet Recv. Window Size", 20, 2),
    packetTransmitDelay: number("Packet Transmit Delay", 22, 2),
    framingType: number("Framing Type", 24, 4, { listed: ConnectedFramingType }),
  },
});

export type IncomingCallConnected = MessageOf<typeof incomingCallConnected>;
