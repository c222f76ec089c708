// RFC 9293 §3.7.1: the Maximum Segment Size option of a SYN, lowered in place.
import { read16, updateChecksum, write16 } from "./ip-octets.js";

const SYN = 0x02;
const END_OF_OPTIONS = 0;
const NO_OPERATION = 1;
const MAXIMUM_SEGMENT_SIZE = 2;
const HEADER_OCTETS = 20;

/**
 * Lowers the MSS of the TCP segment at [start, end) to `mss` when it is a SYN that says more, its
 * checksum updated along. True when it was changed. A malformed option ends the search.
 */
export function clampMss(octets: Uint8Array, start: number, end: number, mss: number): boolean {
  if (end - start < HEADER_OCTETS || (octets[start + 13]! & SYN) === 0) return false;
  const optionsEnd = start + (octets[start + 12]! >>> 4) * 4;
  if (optionsEnd > end) return false;
  let at = start + HEADER_OCTETS;
  while (at < optionsEnd) {
    const kind = octets[at]!;
    if (kind === END_OF_OPTIONS) return false;
    if (kind === NO_OPERATION) {
      at++;
      continue;
    }
    if (at + 1 >= optionsEnd) return false;
    const length = octets[at + 1]!;
    if (length < 2 || at + length > optionsEnd) return false;
    if (kind === MAXIMUM_SEGMENT_SIZE && length === 4) {
      return lower(octets, start, at + 2, mss);
    }
    at += length;
  }
  return false;
}

function lower(octets: Uint8Array, start: number, at: number, mss: number): boolean {
  const before = read16(octets, at);
  if (before <= mss) return false;
  write16(octets, at, mss);
  // An option may start at an odd offset: then its octets weigh as the other half of two words.
  const odd = ((at - start) & 1) === 1;
  const swap = (value: number) => (odd ? ((value & 255) << 8) | (value >>> 8) : value);
  const checksum = read16(octets, start + 16);
  write16(octets, start + 16, updateChecksum(checksum, swap(before), swap(mss)));
  return true;
}
