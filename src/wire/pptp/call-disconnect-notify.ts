// RFC 2637 §2.13, PAC to PNS: the call is gone; names it by the PAC's own Call ID.
import type { PacCallId } from "./call-id.js";
import { DisconnectResult, GeneralError } from "./codes.js";
import { layout, type MessageOf, number, reserved, text } from "./field-table.js";

export const callDisconnectNotify = layout({
  kind: "CallDisconnectNotify",
  abbreviation: "CDN",
  type: 13,
  length: 148,
  fields: {
    callId: number<PacCallId>("Call ID", 12, 2),
    resultCode: number("Result Code", 14, 1, { listed: DisconnectResult }),
    errorCode: number("Error Code", 15, 1, { listed: GeneralError }),
    causeCode: number("Cause Code", 16, 2),
    reserved1: reserved("Reserved1", 18, 2),
    callStatistics: text("Call Statistics", 20, 128),
  },
});

export type CallDisconnectNotify = MessageOf<typeof callDisconnectNotify>;
