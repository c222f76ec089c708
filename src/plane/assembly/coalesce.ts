// Towards the TUN: segments of one TCP stream that follow each other go as one super-packet
// (VIRTIO_NET_HDR_GSO_TCPV4), written straight from their slots; everything else as it is, in order.
import {
  IOVEC_LENGTH,
  IOVEC_OCTETS,
  VNET_CHECKSUM_OFFSET,
  VNET_CHECKSUM_START,
  VNET_FLAGS,
  VNET_GSO_SIZE,
  VNET_GSO_TCPV4,
  VNET_GSO_TYPE,
  VNET_HEADER_OCTETS,
  VNET_NEEDS_CHECKSUM,
  VNET_OCTETS,
} from "../../base/kernel-layout";
import * as layout from "../layout";
import { cell, fold, pseudo4, read16, read32, setCell, sum, write16, checksum } from "./cells";

// An entry of COALESCED.
const PACKET = layout.COALESCED_PACKET;
const HEADERS = layout.COALESCED_HEADERS_LENGTH;
const PAYLOAD = layout.COALESCED_PAYLOAD;
const SEGMENT_OCTETS = layout.COALESCED_SEGMENT;
const NEXT_SEQUENCE = layout.COALESCED_SEQUENCE;
const PACKETS = layout.COALESCED_PACKETS;
const VECTORS = layout.COALESCED_VECTOR_COUNT;
const FLOW = layout.COALESCED_FLOW;
const OPEN = layout.COALESCED_OPEN;

const FLAG_PSH: u32 = 0x08;
const FLAG_ACK: u32 = 0x10;

/** Queues the checked IPv4 packet of `total` octets at `at`; its slot is not used again before. */
export function coalesce(slot: i32, at: usize, total: u32): void {
  const headers = segmentHeaders(at, total);
  if (headers !== 0) {
    for (let i = cell(layout.COALESCED_COUNT) - 1; i >= 0; i--) {
      const entry = <usize>(layout.COALESCED + i * layout.COALESCED_OCTETS);
      const open = load<u32>(entry, PACKET);
      if (load<u32>(entry, HEADERS) === 0 || !sameStream(open, at)) continue;
      if (load<u32>(entry, OPEN) !== 0 && append(entry, i, open, at, headers, total)) return;
      store<u32>(entry, 0, OPEN);
      break;
    }
  } else closeBetween(load<u64>(at, 12));
  begin(slot, at, headers, total);
}

/** What goes alone must not be overtaken by a later segment of its stream, whichever that is. */
function closeBetween(addresses: u64): void {
  for (let i = cell(layout.COALESCED_COUNT) - 1; i >= 0; i--) {
    const entry = <usize>(layout.COALESCED + i * layout.COALESCED_OCTETS);
    if (load<u32>(entry, OPEN) === 0) continue;
    if (load<u64>(<usize>load<u32>(entry, PACKET), 12) === addresses) store<u32>(entry, 0, OPEN);
  }
}

/** Octets of IPv4 and TCP header of a segment that may be joined; 0 of anything else. */
function segmentHeaders(at: usize, total: u32): u32 {
  // No options, no fragment, Don't Fragment set: its Identification is nobody's.
  if (load<u8>(at) !== 0x45 || load<u8>(at, 9) !== 6 || (load<u16>(at, 6) & 0xffff) !== 0x0040) {
    return 0;
  }
  if (total < 40) return 0;
  const headers: u32 = 20 + ((<u32>load<u8>(at + 20, 12) >> 4) << 2);
  const flags = <u32>load<u8>(at + 20, 13);
  if (headers < 40 || headers >= total || (flags & ~FLAG_PSH) !== FLAG_ACK) return 0;
  const right = fold(sum(at + 20, total - 20, pseudo4(at, 6, total - 20))) === 0xffff;
  return right ? headers : 0;
}

@inline
function sameStream(one: usize, other: usize): bool {
  return load<u64>(one, 12) === load<u64>(other, 12) && load<u32>(one, 20) === load<u32>(other, 20);
}

/** Joins the segment at `at` to an entry whose stream it is of, if it follows and is alike. */
function append(entry: usize, i: i32, first: usize, at: usize, headers: u32, total: u32): bool {
  const payload = total - headers;
  const octets = load<u32>(entry, PAYLOAD);
  const vectors = load<u32>(entry, VECTORS);
  if (
    load<u32>(entry, HEADERS) !== headers ||
    load<u32>(entry, NEXT_SEQUENCE) !== read32(at + 24) ||
    payload > load<u32>(entry, SEGMENT_OCTETS) ||
    headers + octets + payload > 65535 ||
    vectors >= <u32>layout.COALESCED_VECTORS_MAX ||
    !isAlike(first, at, headers)
  ) {
    return false;
  }
  const vector = vectorsOf(i) + (vectors << 4);
  const base = load<u64>(<usize>layout.BASE_ADDRESS);
  store<u64>(vector, base + <u64>(at + headers));
  store<u64>(vector, payload, IOVEC_LENGTH);
  store<u32>(entry, vectors + 1, VECTORS);
  store<u32>(entry, octets + payload, PAYLOAD);
  store<u32>(entry, read32(at + 24) + payload, NEXT_SEQUENCE);
  store<u32>(entry, load<u32>(entry, PACKETS) + 1, PACKETS);
  const pushed = (load<u8>(at + 20, 13) & <u8>FLAG_PSH) !== 0;
  if (pushed) store<u8>(first + 20, load<u8>(first + 20, 13) | <u8>FLAG_PSH, 13);
  // A short one, or one the sender pushed, is a run's last.
  if (pushed || payload < load<u32>(entry, SEGMENT_OCTETS)) store<u32>(entry, 0, OPEN);
  return true;
}

/** Type of Service, Time to Live, Acknowledgment Number, window, options: as the first one's. */
function isAlike(first: usize, at: usize, headers: u32): bool {
  if (load<u8>(first, 1) !== load<u8>(at, 1) || load<u8>(first, 8) !== load<u8>(at, 8)) return false;
  if (load<u32>(first, 28) !== load<u32>(at, 28)) return false;
  if (load<u8>(first, 32) !== load<u8>(at, 32) || load<u16>(first, 34) !== load<u16>(at, 34)) {
    return false;
  }
  for (let i: usize = 40; i < <usize>headers; i += 4) {
    if (load<u32>(first + i) !== load<u32>(at + i)) return false;
  }
  return true;
}

function begin(slot: i32, at: usize, headers: u32, total: u32): void {
  const i = cell(layout.COALESCED_COUNT);
  setCell(layout.COALESCED_COUNT, i + 1);
  const entry = <usize>(layout.COALESCED + i * layout.COALESCED_OCTETS);
  const payload = headers === 0 ? 0 : total - headers;
  const pushed = headers !== 0 && (load<u8>(at + 20, 13) & <u8>FLAG_PSH) !== 0;
  store<u32>(entry, at, PACKET);
  store<u32>(entry, headers, HEADERS);
  store<u32>(entry, payload, PAYLOAD);
  store<u32>(entry, payload, SEGMENT_OCTETS);
  store<u32>(entry, headers === 0 ? 0 : read32(at + 24) + payload, NEXT_SEQUENCE);
  store<u32>(entry, 1, PACKETS);
  store<u32>(entry, 2, VECTORS);
  store<i32>(entry, slot, FLOW);
  store<u32>(entry, headers !== 0 && !pushed ? 1 : 0, OPEN);
  const header = headerOf(i);
  store<u64>(header, 0);
  store<u16>(header, 0, 8);
  const base = load<u64>(<usize>layout.BASE_ADDRESS);
  const vector = vectorsOf(i);
  store<u64>(vector, base + <u64>header);
  store<u64>(vector, VNET_OCTETS, IOVEC_LENGTH);
  store<u64>(vector + 16, base + <u64>at);
  store<u64>(vector + 16, total, IOVEC_LENGTH);
}

@inline
function vectorsOf(i: i32): usize {
  return <usize>(
    (layout.COALESCED_VECTORS + i * layout.COALESCED_VECTORS_MAX * IOVEC_OCTETS)
  );
}

@inline
function headerOf(i: i32): usize {
  return <usize>(layout.COALESCED_HEADERS + i * layout.COALESCED_HEADER_OCTETS);
}

/** Writes the headers of the runs: the first packet's now speak for all of them. */
export function finish(): void {
  const count = cell(layout.COALESCED_COUNT);
  for (let i = 0; i < count; i++) {
    const entry = <usize>(layout.COALESCED + i * layout.COALESCED_OCTETS);
    if (load<u32>(entry, PACKETS) < 2) continue;
    const at = <usize>load<u32>(entry, PACKET);
    const headers = load<u32>(entry, HEADERS);
    const total = headers + load<u32>(entry, PAYLOAD);
    write16(at + 2, total);
    store<u16>(at, 0, 10);
    store<u16>(at, checksum(sum(at, 20, 0)), 10);
    // The kernel completes the sum over what follows from here.
    store<u16>(at + 20, <u16>fold(pseudo4(at, 6, total - 20)), 16);
    const header = headerOf(i);
    store<u8>(header, VNET_NEEDS_CHECKSUM, VNET_FLAGS);
    store<u8>(header, VNET_GSO_TCPV4, VNET_GSO_TYPE);
    store<u16>(header, <u16>headers, VNET_HEADER_OCTETS);
    store<u16>(header, <u16>load<u32>(entry, SEGMENT_OCTETS), VNET_GSO_SIZE);
    store<u16>(header, 20, VNET_CHECKSUM_START);
    store<u16>(header, 16, VNET_CHECKSUM_OFFSET);
  }
}
