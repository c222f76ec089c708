// RFC 2637 §2.14, PAC to PNS: errors of the PAC's WAN interface since the call's start.
import type { PnsCallId } from "./call-id.js";
import { layout, type MessageOf, number, reserved } from "./field-table.js";

export const wanErrorNotify = layout({
  kind: "WanErrorNotify",
  abbreviation: "WEN",
  type: 14,
  length: 40,
  fields: {
    peersCallId: number<PnsCallId>("Peer's Call ID", 12, 2),
    reserved1: reserved("Reserved1", 14, 2),
    crcErrors: number("CRC Errors", 16, 4),
    framingErrors: number("Framing Errors", 20, 4),
    hardwareOverruns: number("Hardware Overruns", 24, 4),
    bufferOverruns: number("Buffer Overruns", 28, 4),
    timeOutErrors: number("Time-out Errors", 32, 4),
    alignmentErrors: number("Alignment Errors", 36, 4),
  },
});

export type WanErrorNotify = MessageOf<typeof wanErrorNotify>;
