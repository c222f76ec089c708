// RFC 2637 §2.12, PNS to PAC: wants the call gone; names it by the PNS's own Call ID.
import type { PnsCallId } from "./call-id.js";
import { layout, type MessageOf, number, reserved } from "./field-table.js";

export const callClearRequest = layout({
  kind: "CallClearRequest",
  abbreviation: "CCR",
  type: 12,
  length: 16,
  fields: {
    callId: number<PnsCallId>("Call ID", 12, 2),
    reserved1: reserved("Reserved1", 14, 2),
  },
});

export type CallClearRequest = MessageOf<typeof callClearRequest>;
