// RFC 1661 §2, RFC 1662 §3.1: the PPP frame inside GRE, without flags, check sequence or escapes.
import { type Decoded, decoded, malformed } from "../../base/decoded.js";

const ALL_STATIONS = 0xff;
const UNNUMBERED_INFORMATION = 0x03;
const HEADER_OCTETS = 4;

export type PppFrame = { readonly protocol: number; readonly information: Uint8Array };

/**
 * Any of the four header forms: address and control present or compressed (ACFC), protocol in two
 * octets or one (PFC). `information` is a view of `octets`.
 */
export function decodeFrame(octets: Uint8Array): Decoded<PppFrame> {
  // FF is no first octet of a protocol field: no protocol number has an odd high octet.
  const uncompressed = octets[0] === ALL_STATIONS;
  if (uncompressed && octets[1] !== UNNUMBERED_INFORMATION) {
    return malformed("Control", octets[1] ?? "missing");
  }
  const at = uncompressed ? 2 : 0;
  const first = octets[at];
  if (first === undefined) return malformed("Protocol", "missing");
  if ((first & 1) === 1) {
    return decoded({ protocol: first, information: octets.subarray(at + 1) });
  }
  const second = octets[at + 1];
  if (second === undefined) return malformed("Protocol", "cut short");
  const protocol = (first << 8) | second;
  // RFC 1661 §2: the least significant bit of the least significant octet MUST be 1.
  if ((second & 1) === 0) return malformed("Protocol", protocol);
  return decoded({ protocol, information: octets.subarray(at + 2) });
}

/** FF 03 and the two-octet protocol, which every receiver takes at all times. */
export function encodeFrame(protocol: number, information: Uint8Array): Uint8Array {
  const frame = new Uint8Array(HEADER_OCTETS + information.length);
  frame[0] = ALL_STATIONS;
  frame[1] = UNNUMBERED_INFORMATION;
  frame[2] = protocol >>> 8;
  frame[3] = protocol & 255;
  frame.set(information, HEADER_OCTETS);
  return frame;
}
