// RFC 2637 §2.1, originator of the TCP connection: asks for a control connection.
import { layout, type MessageOf, number, reserved, text } from "./field-table.js";

export const startControlConnectionRequest = layout({
  kind: "StartControlConnectionRequest",
  abbreviation: "SCCRQ",
  type: 1,
  length: 156,
  fields: {
    protocolVersion: number("Protocol Version", 12, 2),
    reserved1: reserved("Reserved1", 14, 2),
    framingCapabilities: number("Framing Capabilities", 16, 4),
    bearerCapabilities: number("Bearer Capabilities", 20, 4),
    maximumChannels: number("Maximum Channels", 24, 2),
    firmwareRevision: number("Firmware Revision", 26, 2),
    hostName: text("Host Name", 28, 64),
    vendorString: text("Vendor String", 92, 64),
  },
});

export type StartControlConnectionRequest = MessageOf<typeof startControlConnectionRequest>;
