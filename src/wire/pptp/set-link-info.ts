// RFC 2637 §2.15, PNS to PAC: PPP options the PNS has negotiated.
import type { PacCallId } from "./call-id.js";
import { layout, type MessageOf, number, reserved } from "./field-table.js";

export const setLinkInfo = layout({
  kind: "SetLinkInfo",
  abbreviation: "SLI",
  type: 15,
  length: 24,
  fields: {
    peersCallId: number<PacCallId>("Peer's Call ID", 12, 2),
    reserved1: reserved("Reserved1", 14, 2),
    sendAccm: number("Send ACCM", 16, 4),
    receiveAccm: number("Receive ACCM", 20, 4),
  },
});

export type SetLinkInfo = MessageOf<typeof setLinkInfo>;
