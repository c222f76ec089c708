// RFC 2637 §2.3, either end: closes the control connection and all its calls.
import { StopReason } from "./codes.js";
import { layout, type MessageOf, number, reserved } from "./field-table.js";

export const stopControlConnectionRequest = layout({
  kind: "StopControlConnectionRequest",
  abbreviation: "StopCCRQ",
  type: 3,
  length: 16,
  fields: {
    reason: number("Reason", 12, 1, { listed: StopReason }),
    reserved1: reserved("Reserved1", 13, 1),
    reserved2: reserved("Reserved2", 14, 2),
  },
});

export type StopControlConnectionRequest = MessageOf<typeof stopControlConnectionRequest>;
