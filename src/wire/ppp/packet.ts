// RFC 1661 §5: Code, Identifier, Length, Data; the one header of LCP, the NCPs, CCP, PAP and CHAP.
import { type Decoded, decoded, malformed } from "../../base/decoded.js";
import { invariant } from "../../base/invariant.js";

export const PACKET_HEADER_OCTETS = 4;

export type PppPacket = {
  readonly code: number;
  readonly identifier: number;
  readonly data: Uint8Array;
};

/** Octets beyond Length are padding (RFC 1661 §5). `data` is a view of `information`. */
export function decodePacket(information: Uint8Array): Decoded<PppPacket> {
  if (information.length < PACKET_HEADER_OCTETS) return malformed("Header", information.length);
  const length = (information[2]! << 8) | information[3]!;
  if (length < PACKET_HEADER_OCTETS || length > information.length) {
    return malformed("Length", length);
  }
  return decoded({
    code: information[0]!,
    identifier: information[1]!,
    data: information.subarray(PACKET_HEADER_OCTETS, length),
  });
}

export function encodePacket(code: number, identifier: number, data: Uint8Array): Uint8Array {
  const length = PACKET_HEADER_OCTETS + data.length;
  invariant(length <= 0xffff, `a PPP packet of ${length} octets`);
  const packet = new Uint8Array(length);
  packet[0] = code;
  packet[1] = identifier;
  packet[2] = length >>> 8;
  packet[3] = length & 255;
  packet.set(data, PACKET_HEADER_OCTETS);
  return packet;
}
