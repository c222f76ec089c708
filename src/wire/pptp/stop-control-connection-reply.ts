// RFC 2637 §2.4, either end: answers the request to stop.
import { GeneralError, OkResult } from "./codes.js";
import { layout, type MessageOf, number, reserved } from "./field-table.js";

export const stopControlConnectionReply = layout({
  kind: "StopControlConnectionReply",
  abbreviation: "StopCCRP",
  type: 4,
  length: 16,
  fields: {
    resultCode: number("Result Code", 12, 1, { listed: OkResult }),
    errorCode: number("Error Code", 13, 1, { listed: GeneralError }),
    reserved1: reserved("Reserved1", 14, 2),
  },
});

export type StopControlConnectionReply = MessageOf<typeof stopControlConnectionReply>;
