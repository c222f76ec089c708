// RFC 3078 §3.1: the two-octet MPPE header, flags A to D and the coherency count.

export const MPPE_HEADER_OCTETS = 2;
export const COHERENCY_COUNTS = 4096;

/** A: the tables were initialised before this packet; set on every stateless packet. */
export const FLUSHED = 0x8000;
/** D: the packet is encrypted. */
export const ENCRYPTED = 0x1000;

/** The header at `at`, or undefined when no ciphertext follows within `end`. */
export function readMppeHeader(octets: Uint8Array, at: number, end: number): number | undefined {
  if (end - at <= MPPE_HEADER_OCTETS) return undefined;
  return (octets[at]! << 8) | octets[at + 1]!;
}

export function writeMppeHeader(
  octets: Uint8Array,
  at: number,
  flags: number,
  coherencyCount: number,
): void {
  const header = flags | coherencyCount;
  octets[at] = header >>> 8;
  octets[at + 1] = header;
}

export function coherencyCountOf(header: number): number {
  return header & (COHERENCY_COUNTS - 1);
}

/** How many counts `to` is after `from`, 0..4095. */
export function coherencyDistance(from: number, to: number): number {
  return (to - from) & (COHERENCY_COUNTS - 1);
}
