// Good messages and frames, to be changed: what a mutator starts from.
import {
  type ControlMessage,
  type ControlMessageKind,
  controlMessageLayouts,
  encodeControlMessage,
  layoutOf,
} from "../wire/pptp/index.js";

const NOBODYS_CALL_ID = 0x1234;

/** A good message of a kind: fields 1 where that is success; `fields` instead of its own. */
export function sampleMessage(
  kind: ControlMessageKind,
  fields: Readonly<Record<string, number | string>> = {},
): Uint8Array {
  const values: Record<string, unknown> = { kind };
  for (const [key, field] of Object.entries(layoutOf(kind).fields)) {
    if (field.form === "text") values[key] = "";
    else if (field.form === "number") values[key] = key === "errorCode" ? 0 : 1;
  }
  if ("callId" in values) values.callId = NOBODYS_CALL_ID;
  if ("protocolVersion" in values) values.protocolVersion = 0x0100;
  return encodeControlMessage({ ...values, ...fields } as unknown as ControlMessage);
}

export const controlMessages: readonly Uint8Array[] = controlMessageLayouts.map(({ kind }) =>
  sampleMessage(kind),
);

const header = [0xff, 0x03];
const lcp = (...octets: number[]) => Uint8Array.from([...header, 0xc0, 0x21, ...octets]);
const frame = (protocol: number, ...octets: number[]) =>
  Uint8Array.from([...header, protocol >>> 8, protocol & 255, ...octets]);

/** PPP frames of every protocol and code. */
export const pppFrames: readonly Uint8Array[] = [
  ...Array.from({ length: 15 }, (_, code) => lcp(code, 1, 0, 4)),
  lcp(1, 1, 0, 18, 1, 4, 5, 120, 5, 6, 1, 2, 3, 4, 7, 2, 8, 2),
  lcp(1, 2, 0, 9, 3, 5, 0xc2, 0x23, 0x81),
  lcp(1, 3, 0, 8, 3, 4, 0xc0, 0x23),
  lcp(1, 4, 0, 10, 2, 6, 0, 0, 0, 0),
  lcp(1, 5, 0, 27, 19, 23, 1, ...new Array<number>(20).fill(7)),
  lcp(3, 1, 0, 9, 3, 5, 0xc2, 0x23, 0x80),
  lcp(4, 1, 0, 10, 5, 6, 1, 2, 3, 4),
  lcp(9, 1, 0, 12, 0, 0, 0, 0, 1, 2, 3, 4),
  lcp(10, 1, 0, 8, 0, 0, 0, 0),
  lcp(8, 1, 0, 10, 0x80, 0xfd, 1, 1, 0, 4),
  lcp(7, 1, 0, 8, 99, 1, 0, 4),
  lcp(12, 1, 0, 12, 0, 0, 0, 0, 0x4d, 0x53, 0x52, 0x41),
  frame(0xc023, 1, 1, 0, 12, 3, 118, 112, 110, 3, 97, 98, 99),
  frame(0xc223, 2, 1, 0, 57, 49, ...new Array<number>(49).fill(1), 118, 112, 110),
  frame(0xc223, 1, 1, 0, 24, 16, ...new Array<number>(16).fill(9), 115, 114, 118),
  frame(0xc223, 3, 1, 0, 46, ...new Array<number>(42).fill(0x53)),
  frame(0xc227, 1, 1, 0, 5, 1),
  frame(0x80fd, 1, 1, 0, 10, 18, 6, 1, 0, 0, 0x40),
  frame(0x80fd, 2, 1, 0, 10, 18, 6, 1, 0, 0, 0x40),
  frame(0x80fd, 3, 1, 0, 10, 18, 6, 1, 0, 0, 0x60),
  frame(0x80fd, 14, 1, 0, 4),
  frame(0x80fd, 15, 1, 0, 4),
  frame(0x8021, 1, 1, 0, 10, 3, 6, 0, 0, 0, 0),
  frame(0x8021, 1, 2, 0, 22, 3, 6, 0, 0, 0, 0, 129, 6, 0, 0, 0, 0, 131, 6, 0, 0, 0, 0),
  frame(0x8021, 2, 1, 0, 10, 3, 6, 10, 99, 0, 1),
  frame(0x8057, 1, 1, 0, 14, 1, 10, 1, 2, 3, 4, 5, 6, 7, 8),
  frame(0x0021, 0x45, 0, 0, 20, ...new Array<number>(16).fill(0)),
  frame(0x00fd, 0x90, 0, 1, 2, 3, 4, 5, 6, 7, 8),
  frame(0x1234, 1, 2, 3, 4),
  // CBCP, Multilink, Compressed Datagram: nobody agreed on them.
  frame(0xc029, 1, 1, 0, 8, 1, 2, 3, 4),
  frame(0x003d, 0xc0, 0, 0, 0, 0x21, 0x45, 0, 0, 20),
  frame(0x80fb, 1, 1, 0, 4),
];
