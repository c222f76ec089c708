// Big-endian octets and the Internet checksum, written a second time for the reference peer.

function u16(octets: Uint8Array, at: number): number {
  return octets[at]! * 256 + octets[at + 1]!;
}

function u32(octets: Uint8Array, at: number): number {
  return u16(octets, at) * 65_536 + u16(octets, at + 2);
}

function octets16(value: number): number[] {
  return [(value >>> 8) & 255, value & 255];
}

function octets32(value: number): number[] {
  return [...octets16(value >>> 16), ...octets16(value & 0xffff)];
}

/** One's complement sum, not complemented. */
function sum16(octets: Uint8Array, begin: number): number {
  let sum = begin;
  for (let at = 0; at < octets.length; at += 2) {
    sum += octets[at]! * 256 + (octets[at + 1] ?? 0);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return sum;
}

function sum(octets: Uint8Array, begin: number): number {
  return 0xffff - sum16(octets, begin);
}

export const big = { u16, u32, octets16, octets32, sum16, sum };
