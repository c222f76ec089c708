// RFC 2637 §2.5, either end: asks whether the peer is alive.
import { layout, type MessageOf, number } from "./field-table.js";

export const echoRequest = layout({
  kind: "EchoRequest",
  abbreviation: "EchoRQ",
  type: 5,
  length: 16,
  fields: {
    identifier: number("Identifier", 12, 4),
  },
});

export type EchoRequest = MessageOf<typeof echoRequest>;
