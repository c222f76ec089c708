// RFC 2637 §4, towards the peer: what outbound.ts does with an ordinary packet. A super-packet of the
// TUN (TCP, or UDP segments) is cut here, each segment encrypted on its way into its send slot.
import {
  SEND_BASE,
  SEND_DESTINATION,
  SEND_LENGTH,
  SEND_RECORD_OCTETS,
  SEND_SOURCE,
  SLOT_OCTETS,
  VNET_CHECKSUM_OFFSET,
  VNET_CHECKSUM_START,
  VNET_FLAGS,
  VNET_GSO_ECN,
  VNET_GSO_NONE,
  VNET_GSO_SIZE,
  VNET_GSO_TCPV4,
  VNET_GSO_TCPV6,
  VNET_GSO_TYPE,
  VNET_GSO_UDP,
  VNET_NEEDS_CHECKSUM,
  VNET_OCTETS,
} from "../../base/kernel-layout";
import * as layout from "../layout";
import {
  boxes,
  cell,
  checksum,
  destination,
  dropOf,
  pseudo4,
  pseudo6,
  read16,
  read32,
  record,
  SEGMENT,
  setCell,
  sum,
  takeRate,
  touch,
  TUN_HEADER,
  TUN_PACKET,
  write16,
  write32,
} from "./cells";
import * as drops from "./drops";
import { apply, changeKey, keepBox, keepKey, takeBox } from "./mppe";

const TCP: u32 = 6;
const UDP: u32 = 17;
const FIN_AND_PSH: u8 = 0x09;
const CWR: u8 = 0x80;

/** The packet under way: its kind, headers and segments, set by `shape`. */
let kind: u32 = 0;
let total: u32 = 0;
let headers: u32 = 0;
let size: u32 = 0;
let segments: u32 = 0;

/**
 * Sends what was read into the TUN buffer, `length` octets with their virtio header: the datagrams now
 * queued, LEFT for a packet of the engine's, or FULL when what is queued has to go first.
 */
export function transmit(length: u32, now: f64): i32 {
  if (!shape(length) || !isOrdinary4()) return layout.LEFT;
  const slot = flowTo(load<u32>(TUN_PACKET, 16));
  if (slot < 0) return layout.LEFT;
  const flow = record(slot);
  const state = load<u32>(flow, layout.FLAGS);
  if ((state & layout.SEND_FAST) === 0) return layout.LEFT;
  if (headers + size > load<u32>(flow, layout.INNER_MTU)) return layout.LEFT;
  const queued = <u32>cell(layout.QUEUED_COUNT);
  if (segments > <u32>layout.SEND_SLOTS_MAX) return layout.LEFT;
  if (queued + segments > <u32>layout.SEND_SLOTS_MAX) return layout.FULL;
  const stateful = (state & layout.STATEFUL) !== 0;
  if (stateful) takeBox(boxes(slot) + layout.SEND_BOX, flow + layout.STREAM_PLACES + 2);
  let place = queued;
  for (let i: u32 = 0; i < segments; i++) {
    if (takeRate(flow, 1, segmentOctets(i), now)) send(flow, slot, state, i, place++, now);
    else {
      store<f64>(flow, load<f64>(flow, layout.OVER_RATE_DOWN) + 1, layout.OVER_RATE_DOWN);
      dropOf(flow, slot, drops.RATE_DOWN);
    }
  }
  if (stateful) keepBox(boxes(slot) + layout.SEND_BOX, flow + layout.STREAM_PLACES + 2);
  setCell(layout.QUEUED_COUNT, place);
  touch(flow, slot);
  return place;
}

@inline
function flowTo(address: u32): i32 {
  const host = cell(layout.HOST_FLOW);
  return (host !== 0 ? host : destination(address)) - 1;
}

/** Reads what the kernel says of the packet. False when it cannot be so. */
function shape(length: u32): bool {
  if (length < <u32>VNET_OCTETS) return false;
  total = length - VNET_OCTETS;
  kind = <u32>load<u8>(TUN_HEADER, VNET_GSO_TYPE) & ~VNET_GSO_ECN;
  if (kind === VNET_GSO_NONE) {
    headers = 0;
    size = total;
    segments = 1;
    return completeChecksum();
  }
  const six = load<u8>(TUN_PACKET) >> 4 === 6;
  const ipHeader = six ? header6() : header4();
  if (ipHeader === 0) return false;
  const protocol = <u32>load<u8>(TUN_PACKET + (six ? 6 : 9));
  size = load<u16>(TUN_HEADER, VNET_GSO_SIZE);
  const tcp = kind === <u32>(six ? VNET_GSO_TCPV6 : VNET_GSO_TCPV4);
  if (tcp && protocol === TCP && total >= ipHeader + 20) {
    headers = ipHeader + ((<u32>load<u8>(TUN_PACKET + ipHeader, 12) >> 4) << 2);
    if (headers < ipHeader + 20) return false;
  } else if (kind === VNET_GSO_UDP && protocol === UDP) headers = ipHeader + 8;
  else return false;
  if (size === 0 || headers >= total || headers + size > 65535) return false;
  segments = (total - headers + size - 1) / size;
  return true;
}

/** The same of IPv6, whose extension headers are left to nobody: no super-packet has any. */
function header6(): u32 {
  if (total < 40) return 0;
  const octets: u32 = 40 + read16(TUN_PACKET + 4);
  if (octets > total) return 0;
  total = octets;
  return 40;
}

/** Octets of the packet's IPv4 header, or 0; what follows the packet is padding, and cut off. */
function header4(): u32 {
  if (total < 20) return 0;
  const first = <u32>load<u8>(TUN_PACKET);
  const ipHeader = (first & 15) << 2;
  const octets = read16(TUN_PACKET + 2);
  if (first >> 4 !== 4 || ipHeader < 20 || octets < ipHeader || octets > total) return 0;
  total = octets;
  return ipHeader;
}

/** The sum over what follows, where the kernel left that to us. */
function completeChecksum(): bool {
  if ((load<u8>(TUN_HEADER, VNET_FLAGS) & VNET_NEEDS_CHECKSUM) === 0) return true;
  const start = <u32>load<u16>(TUN_HEADER, VNET_CHECKSUM_START);
  const field = start + load<u16>(TUN_HEADER, VNET_CHECKSUM_OFFSET);
  if (start > total || field + 2 > total) return false;
  const value = checksum(sum(TUN_PACKET + start, total - start, 0));
  // RFC 768: a UDP checksum of 0 is none.
  store<u16>(TUN_PACKET + field, value === 0 ? 0xffff : value);
  // Done: whoever looks at the packet again finds it complete.
  store<u8>(TUN_HEADER, 0, VNET_FLAGS);
  return true;
}

/** IPv4, and no SYN, whose MSS may have to be clamped. */
function isOrdinary4(): bool {
  const ipHeader = header4();
  if (ipHeader === 0) return false;
  if (kind === VNET_GSO_NONE) size = total;
  const first = (load<u16>(TUN_PACKET, 6) & 0xff1f) === 0;
  if (<u32>load<u8>(TUN_PACKET, 9) !== TCP || !first) return true;
  return total >= ipHeader + 20 && (load<u8>(TUN_PACKET + ipHeader, 13) & 2) === 0;
}

/** One segment into send slot `place`: PPP and MPPE around it, GRE before it. */
function send(flow: usize, slot: i32, state: u32, i: u32, place: u32, now: f64): void {
  const base = <usize>(layout.SEND_SLOTS + place * SLOT_OCTETS);
  const payload = base + layout.SEND_PAYLOAD_AT;
  let at = payload;
  if ((state & layout.ACFC) === 0) {
    store<u16>(at, 0x03ff);
    at += 2;
  }
  const encrypts = (state & layout.ENCRYPTS) !== 0;
  let mppe: usize = 0;
  if (encrypts) {
    at = writeProtocol(at, 0xfd, state);
    mppe = at;
    at += 2;
  }
  const start = at;
  at = writeProtocol(at, 0x21, state);
  const octets = segmentOctets(i);
  const head = headers === 0 ? 0 : writeHeaders(at, i, octets);
  const from = headers === 0 ? TUN_PACKET : TUN_PACKET + headers + i * size;
  const end = at + octets;
  if (encrypts) {
    encrypt(flow, state, mppe);
    apply(start, start, <u32>(at + head - start));
    apply(from, at + head, octets - head);
  } else memory.copy(at + head, from, octets - head);
  store<f64>(flow, load<f64>(flow, layout.SENT_PACKETS) + 1, layout.SENT_PACKETS);
  store<f64>(flow, load<f64>(flow, layout.SENT_OCTETS) + <f64>octets, layout.SENT_OCTETS);
  store<f64>(flow, now, layout.LAST_DATA);
  store<i32>(<usize>(layout.SEND_FLOWS + (place << 2)), slot);
  store<u32>(<usize>(layout.SEND_INNER + (place << 2)), octets);
  address(flow, place, writeGre(flow, payload, end, now), end);
}

@inline
function segmentOctets(i: u32): u32 {
  if (headers === 0) return total;
  const left = total - headers - i * size;
  return headers + (left < size ? left : size);
}

/** Writes a protocol below 0x100 and returns where it ends. */
@inline
function writeProtocol(at: usize, protocol: u32, state: u32): usize {
  if ((state & layout.PFC) !== 0) {
    store<u8>(at, <u8>protocol);
    return at + 1;
  }
  write16(at, protocol);
  return at + 2;
}

/** The headers of segment `i` at `at`, as if it had been sent alone; returns their octets. */
function writeHeaders(at: usize, i: u32, octets: u32): u32 {
  memory.copy(at, TUN_PACKET, headers);
  const six = load<u8>(at) >> 4 === 6;
  const ipHeader = six ? 40 : (<u32>load<u8>(at) & 15) << 2;
  const length = octets - ipHeader;
  if (six) write16(at + 4, length);
  else {
    write16(at + 2, octets);
    write16(at + 4, read16(TUN_PACKET + 4) + i);
    store<u16>(at, 0, 10);
    store<u16>(at, checksum(sum(at, ipHeader, 0)), 10);
  }
  const protocol = kind === VNET_GSO_UDP ? UDP : TCP;
  const pseudo = six ? pseudo6(at, protocol, length) : pseudo4(at, protocol, length);
  const running = sum(TUN_PACKET + headers + i * size, octets - headers, pseudo);
  const upper = at + ipHeader;
  if (protocol === TCP) writeTcp(upper, i, headers - ipHeader, running);
  else writeUdp(upper, length, running);
  return headers;
}

function writeTcp(upper: usize, i: u32, header: u32, running: u64): void {
  write32(upper + 4, read32(upper + 4) + i * size);
  let flags = load<u8>(upper, 13);
  if (i + 1 !== segments) flags &= ~FIN_AND_PSH;
  if (i !== 0) flags &= ~CWR;
  store<u8>(upper, flags, 13);
  store<u16>(upper, 0, 16);
  store<u16>(upper, checksum(sum(upper, header, running)), 16);
}

function writeUdp(upper: usize, length: u32, running: u64): void {
  write16(upper + 4, length);
  store<u16>(upper, 0, 6);
  const value = checksum(sum(upper, 8, running));
  store<u16>(upper, value === 0 ? 0xffff : value, 6);
}

/** RFC 3078 §7, §8: the next count and, where it is due, the next key; the stream stands after it. */
function encrypt(flow: usize, state: u32, mppe: usize): void {
  const count = (load<u32>(flow, layout.SEND_COUNT) + 1) & 4095;
  store<u32>(flow, count, layout.SEND_COUNT);
  const flushed = (state & layout.STATEFUL) === 0 || (count & 0xff) === 0xff;
  if (flushed) {
    changeKey(flow + layout.SEND_START, flow + layout.SEND_KEY, state);
    keepKey(flow + layout.SEND_KEY, state);
  }
  write16(mppe, 0x1000 | (flushed ? 0x8000 : 0) | count);
}

/** RFC 2637 §4.1, before the payload at `payload`; returns where it begins. */
function writeGre(flow: usize, payload: usize, end: usize, now: f64): usize {
  const acknowledges = load<f64>(flow, layout.ACK_DUE_AT) !== Infinity;
  const start = payload - (acknowledges ? 16 : 12);
  const sequence = load<u32>(flow, layout.NEXT_SEQUENCE);
  store<u32>(flow, sequence + 1, layout.NEXT_SEQUENCE);
  store<f64>(flow + ((sequence & (layout.SENT_KEPT - 1)) << 3), now, layout.SENT_AT);
  store<u16>(start, acknowledges ? 0x8130 : 0x0130);
  store<u16>(start, 0x0b88, 2);
  write16(start + 4, <u32>(end - payload));
  write16(start + 6, load<u32>(flow, layout.PEERS_CALL_ID));
  write32(start + 8, sequence);
  if (acknowledges) {
    write32(start + 12, load<u32>(flow, layout.EXPECTED) - 1);
    store<f64>(flow, Infinity, layout.ACK_DUE_AT);
  }
  return start;
}

/** The kernel's structures of send slot `place`. */
@inline
function address(flow: usize, place: u32, start: usize, end: usize): void {
  const message = <usize>(layout.SEND_RECORDS + place * SEND_RECORD_OCTETS);
  store<u64>(message, load<u64>(<usize>layout.BASE_ADDRESS) + <u64>start, SEND_BASE);
  store<u64>(message, end - start, SEND_LENGTH);
  store<u32>(message, load<u32>(flow, layout.PEER_ADDRESS), SEND_DESTINATION);
  store<u32>(message, load<u32>(flow, layout.LOCAL_ADDRESS), SEND_SOURCE);
}

/**
 * Segment `i` of the packet the lane left, complete, into SEGMENT: its octets, or -1 past the last one. A
 * packet that is none of several is its own only segment; one that cannot be so has none.
 */
export function segment(length: u32, i: u32): i32 {
  if (!shape(length) || i >= segments) return -1;
  const octets = segmentOctets(i);
  if (headers !== 0) writeHeaders(SEGMENT, i, octets);
  const from = TUN_PACKET + headers + (headers === 0 ? 0 : i * size);
  memory.copy(SEGMENT + headers, from, octets - headers);
  return octets;
}
