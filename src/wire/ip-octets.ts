// RFC 1071: the Internet checksum, its incremental update (RFC 1624), and big-endian access.

export function read16(octets: Uint8Array, at: number): number {
  return (octets[at]! << 8) | octets[at + 1]!;
}

/** Unsigned. */
export function read32(octets: Uint8Array, at: number): number {
  return ((read16(octets, at) << 16) | read16(octets, at + 2)) >>> 0;
}

export function write16(octets: Uint8Array, at: number, value: number): void {
  octets[at] = value >>> 8;
  octets[at + 1] = value;
}

export function write32(octets: Uint8Array, at: number, value: number): void {
  write16(octets, at, value >>> 16);
  write16(octets, at + 2, value);
}

/** Adds [start, end) to a running sum; an odd last octet counts as a high one. */
export function sum16(octets: Uint8Array, start: number, end: number, running = 0): number {
  let sum = running;
  let at = start;
  for (; at + 1 < end; at += 2) sum += (octets[at]! << 8) | octets[at + 1]!;
  if (at < end) sum += octets[at]! << 8;
  return sum;
}

/** Folds a sum and complements it: the field's value, or 0 when the sum covered a right checksum. */
export function finishChecksum(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x10000);
  return ~folded & 0xffff;
}

/** RFC 1624 eqn. 3: the checksum after one 16-bit field went from `before` to `after`. */
export function updateChecksum(checksum: number, before: number, after: number): number {
  return finishChecksum((~checksum & 0xffff) + (~before & 0xffff) + after);
}
