// RFC 2637 §4.1: the enhanced GRE header, read into a reused object and written in place.

export const GRE_PROTOCOL = 47;
export const GRE_HEADER_OCTETS_MAX = 16;

const PROTOCOL_PPP = 0x880b;
const KEY = 0x20;
const SEQUENCE = 0x10;
/** C, R, s and Recur: never set in version 1 as PPTP uses it. */
const FORBIDDEN_FIRST = 0xcf;
const ACKNOWLEDGMENT = 0x80;
/** Flags, the five reserved bits of which only A is assigned. */
const FORBIDDEN_SECOND = 0x78;
const VERSION = 0x07;

/** Why a datagram is not a GRE packet of ours. Version and protocol faults are other tunnels'. */
export type GreFault =
  | "gre-truncated"
  | "gre-version"
  | "gre-protocol"
  | "gre-no-key"
  | "gre-flags"
  | "gre-payload-over"
  | "gre-payload-unsequenced";

/** One header, reused for every packet: valid until the next `readGre` into it. */
export class GreHeader {
  callId = 0;
  hasSequence = false;
  hasAcknowledgment = false;
  /** Unsigned 32 bits, 0 unless `hasSequence`. */
  sequence = 0;
  /** Unsigned 32 bits, 0 unless `hasAcknowledgment`. */
  acknowledgment = 0;
  /** The PPP frame lies in [payloadStart, payloadEnd) of the octets read. */
  payloadStart = 0;
  payloadEnd = 0;
}

/**
 * Reads the header at [start, end). Octets beyond Payload Length are ignored, fewer are a fault.
 * Nothing beyond `end` is looked at, and `into` is meaningless after a fault.
 */
export function readGre(
  octets: Uint8Array,
  start: number,
  end: number,
  into: GreHeader,
): GreFault | undefined {
  if (end - start < 4) return "gre-truncated";
  const first = octets[start]!;
  const second = octets[start + 1]!;
  if ((second & VERSION) !== 1) return "gre-version";
  if (read16(octets, start + 2) !== PROTOCOL_PPP) return "gre-protocol";
  if (end - start < 8) return "gre-truncated";
  if ((first & KEY) === 0) return "gre-no-key";
  if ((first & FORBIDDEN_FIRST) !== 0 || (second & FORBIDDEN_SECOND) !== 0) return "gre-flags";
  const payloadLength = read16(octets, start + 4);
  let at = start + 8;
  into.callId = read16(octets, start + 6);
  into.hasSequence = (first & SEQUENCE) !== 0;
  into.hasAcknowledgment = (second & ACKNOWLEDGMENT) !== 0;
  const header = 8 + (into.hasSequence ? 4 : 0) + (into.hasAcknowledgment ? 4 : 0);
  if (end - start < header) return "gre-truncated";
  into.sequence = 0;
  into.acknowledgment = 0;
  if (into.hasSequence) {
    into.sequence = read32(octets, at);
    at += 4;
  }
  if (into.hasAcknowledgment) {
    into.acknowledgment = read32(octets, at);
    at += 4;
  }
  if (payloadLength > end - at) return "gre-payload-over";
  if (payloadLength > 0 && !into.hasSequence) return "gre-payload-unsequenced";
  into.payloadStart = at;
  into.payloadEnd = at + payloadLength;
  return undefined;
}

/** Octets of a header with these fields: 8, 12 or 16. */
export function greHeaderOctets(sequence: boolean, acknowledgment: boolean): number {
  return 8 + (sequence ? 4 : 0) + (acknowledgment ? 4 : 0);
}

/** Writes a header at `at`; `undefined` leaves the field and its flag out. */
export function writeGre(
  octets: Uint8Array,
  at: number,
  callId: number,
  payloadLength: number,
  sequence: number | undefined,
  acknowledgment: number | undefined,
): void {
  octets[at] = KEY | (sequence === undefined ? 0 : SEQUENCE);
  octets[at + 1] = 1 | (acknowledgment === undefined ? 0 : ACKNOWLEDGMENT);
  write16(octets, at + 2, PROTOCOL_PPP);
  write16(octets, at + 4, payloadLength);
  write16(octets, at + 6, callId);
  let next = at + 8;
  if (sequence !== undefined) {
    write32(octets, next, sequence);
    next += 4;
  }
  if (acknowledgment !== undefined) write32(octets, next, acknowledgment);
}

function read16(octets: Uint8Array, at: number): number {
  return (octets[at]! << 8) | octets[at + 1]!;
}

function read32(octets: Uint8Array, at: number): number {
  return ((read16(octets, at) << 16) | read16(octets, at + 2)) >>> 0;
}

function write16(octets: Uint8Array, at: number, value: number): void {
  octets[at] = value >>> 8;
  octets[at + 1] = value;
}

function write32(octets: Uint8Array, at: number, value: number): void {
  write16(octets, at, value >>> 16);
  write16(octets, at + 2, value);
}
