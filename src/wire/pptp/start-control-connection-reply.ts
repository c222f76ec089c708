// RFC 2637 §2.2, receiver of the TCP connection: answers the request.
import { GeneralError, StartResult } from "./codes.js";
import { layout, type MessageOf, number, text } from "./field-table.js";

export const startControlConnectionReply = layout({
  kind: "StartControlConnectionReply",
  abbreviation: "SCCRP",
  type: 2,
  length: 156,
  fields: {
    protocolVersion: number("Protocol Version", 12, 2),
    resultCode: number("Result Code", 14, 1, { listed: StartResult }),
    errorCode: number("Error Code", 15, 1, { listed: GeneralError }),
    framingCapabilities: number("Framing Capabilities", 16, 4),
    bearerCapabilities: number("Bearer Capabilities", 20, 4),
    maximumChannels: number("Maximum Channels", 24, 2),
    firmwareRevision: number("Firmware Revision", 26, 2),
    hostName: text("Host Name", 28, 64),
    vendorString: text("Vendor String", 92, 64),
  },
});

export type StartControlConnectionReply = MessageOf<typeof startControlConnectionReply>;
