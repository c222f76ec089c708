// RFC 2637 §2.6, either end: answers an Echo-Request.
import { GeneralError, OkResult } from "./codes.js";
import { layout, type MessageOf, number, reserved } from "./field-table.js";

export const echoReply = layout({
  kind: "EchoReply",
  abbreviation: "EchoRP",
  type: 6,
  length: 20,
  fields: {
    identifier: number("Identifier", 12, 4),
    resultCode: number("Result Code", 16, 1, { listed: OkResult }),
    errorCode: number("Error Code", 17, 1, { listed: GeneralError }),
    reserved1: reserved("Reserved1", 18, 2),
  },
});

export type EchoReply = MessageOf<typeof echoReply>;
