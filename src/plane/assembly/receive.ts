// RFC 2637 §4, from the peer: what inbound.ts does with the ordinary packet, in the same order. All that
// is not ordinary is left to it, untouched.
import { MMSGHDR_FLAGS, MMSGHDR_LENGTH, MMSGHDR_OCTETS, MSG_TRUNC, SLOT_OCTETS } from "../../base/kernel-layout";
import * as layout from "../layout";
import {
  arm,
  boxes,
  cell,
  destination,
  drop,
  dropOf,
  fold,
  read16,
  read32,
  record,
  setCell,
  sum,
  takeRate,
  touch,
} from "./cells";
import { coalesce } from "./coalesce";
import * as drops from "./drops";
import { apply, changeKey, keepBox, keepKey, takeBox } from "./mppe";

const COMPRESSED_DATAGRAM: u32 = 0x00fd;
const IPV4: u32 = 0x0021;
const IPV6: u32 = 0x0057;
const PAYLOAD_OCTETS_MAX: u32 = 1532;

/**
 * Takes datagrams from slot `from` on. Returns the first slot it leaves to the engine, or `count`; the
 * engine goes on behind it. Where INNER_FLOW is not 0 that slot's packet is decrypted already.
 */
export function receive(from: i32, count: i32, now: f64): i32 {
  setCell(layout.INNER_FLOW, 0);
  for (let i = from; i < count; i++) {
    const header = <usize>(layout.RECEIVE_HEADERS + i * MMSGHDR_OCTETS);
    if ((load<u32>(header, MMSGHDR_FLAGS) & MSG_TRUNC) !== 0) return i;
    const at = <usize>(layout.RECEIVE_SLOTS + i * SLOT_OCTETS);
    const outcome = datagram(at, load<u32>(header, MMSGHDR_LENGTH), now);
    if (outcome <= layout.LEFT) return i;
    if (outcome !== layout.TAKEN) drop(outcome);
  }
  return count;
}

/** RFC 791 and RFC 2637 §4.1: both outer headers, and the flow they name. */
function datagram(at: usize, length: u32, now: f64): i32 {
  if (length < 20) return drops.OUTER_IP;
  const first = <u32>load<u8>(at);
  const ipHeader = (first & 15) << 2;
  const total = read16(at + 2);
  if (first >> 4 !== 4 || ipHeader < 20 || total < ipHeader || total > length) {
    return drops.OUTER_IP;
  }
  // Protocol 47, not a fragment: bswapped 0x3fff covers More Fragments and the offset.
  if (load<u8>(at, 9) !== 47 || (load<u16>(at, 6) & 0xff3f) !== 0) return drops.OUTER_IP;
  const gre = at + ipHeader;
  const end = at + total;
  if (end - gre < 4) return drops.GRE_TRUNCATED;
  const flags = read16(gre);
  if ((flags & 7) !== 1) return drops.GRE_VERSION;
  if (read16(gre + 2) !== 0x880b) return drops.GRE_PROTOCOL;
  if (end - gre < 8) return drops.GRE_TRUNCATED;
  if ((flags & 0x2000) === 0) return drops.GRE_NO_KEY;
  if ((flags & 0xcf78) !== 0) return drops.GRE_FLAGS;
  const sequenced = (flags & 0x1000) !== 0;
  const acknowledges = (flags & 0x0080) !== 0;
  const payload = gre + 8 + (sequenced ? 4 : 0) + (acknowledges ? 4 : 0);
  if (payload > end) return drops.GRE_TRUNCATED;
  const payloadLength = read16(gre + 4);
  if (payloadLength > <u32>(end - payload)) return drops.GRE_PAYLOAD_OVER;
  if (payloadLength !== 0 && !sequenced) return drops.GRE_PAYLOAD_UNSEQUENCED;
  const slot = flowOf(load<u32>(at, 16), load<u32>(at, 12), read16(gre + 6));
  if (slot < 0) return drops.UNKNOWN_CALL;
  const flow = record(slot);
  const state = load<u32>(flow, layout.FLAGS);
  if ((state & layout.RECEIVE_FAST) === 0 || payloadLength > PAYLOAD_OCTETS_MAX) return layout.LEFT;
  if (!sequenced) {
    if (acknowledges) acknowledge(flow, slot, read32(gre + 8), now);
    return layout.TAKEN;
  }
  if (read32(gre + 8) !== load<u32>(flow, layout.EXPECTED)) return layout.LEFT;
  const ack = acknowledges ? gre + 12 : 0;
  return frame(flow, slot, state, payload, payload + payloadLength, ack, now);
}

/** By (our address, peer's address, our Call ID), never Call ID alone; -1 when there is none. */
function flowOf(local: u32, peer: u32, callId: u32): i32 {
  let next = cell(layout.CALL_HEADS + (callId << 2));
  while (next !== 0) {
    const flow = record(next - 1);
    const fits = load<u32>(flow, layout.PEER_ADDRESS) === peer;
    if (fits && load<u32>(flow, layout.LOCAL_ADDRESS) === local) return next - 1;
    next = load<i32>(flow, layout.NEXT_FLOW);
  }
  return -1;
}

/** RFC 2637 §4.4: with the window off, an acknowledgment is validated and measured. */
function acknowledge(flow: usize, slot: i32, acknowledgment: u32, now: f64): void {
  const newly = acknowledgment - load<u32>(flow, layout.ACKNOWLEDGED);
  if (newly === 0 || newly >= 0x80000000) return;
  const next = load<u32>(flow, layout.NEXT_SEQUENCE);
  if (newly > next - 1 - load<u32>(flow, layout.ACKNOWLEDGED)) {
    return dropOf(flow, slot, drops.ACK_OUT_OF_RANGE);
  }
  if (next - acknowledgment <= <u32>layout.SENT_KEPT) {
    const sentAt = flow + ((acknowledgment & (layout.SENT_KEPT - 1)) << 3);
    const difference = now - load<f64>(sentAt, layout.SENT_AT) - load<f64>(flow, layout.ROUND_TRIP);
    const deviation = load<f64>(flow, layout.DEVIATION);
    store<f64>(flow, deviation + 0.25 * (abs(difference) - deviation), layout.DEVIATION);
    store<f64>(flow, load<f64>(flow, layout.ROUND_TRIP) + 0.125 * difference, layout.ROUND_TRIP);
    store<u32>(flow, load<u32>(flow, layout.FLAGS) | layout.ROUND_TRIP_SAMPLED, layout.FLAGS);
  }
  store<u32>(flow, acknowledgment, layout.ACKNOWLEDGED);
}

/** The frame due next: its PPP protocol decides whether it is ours, before anything moves. */
function frame(
  flow: usize,
  slot: i32,
  state: u32,
  start: usize,
  end: usize,
  ack: usize,
  now: f64,
): i32 {
  const at = end - start >= 2 && load<u16>(start) === 0x03ff ? start + 2 : start;
  const protocol = readProtocol(at, end);
  const information = at + protocolOctets(protocol, at, end);
  if (protocol === COMPRESSED_DATAGRAM) {
    if ((state & layout.DECRYPTS) === 0 || end - information <= 2) return layout.LEFT;
    const header = read16(information);
    const count = (load<u32>(flow, layout.RECEIVE_COUNT) + 1) & 4095;
    if ((header & 0x1000) === 0 || (header & 4095) !== count) return layout.LEFT;
    if ((state & layout.STATEFUL) === 0) {
      if ((header & 0x8000) === 0) return layout.LEFT;
    } else if ((header & 0x8000) !== 0 || (count & 0xff) === 0xff) return layout.LEFT;
    advance(flow, slot, ack, now);
    return decrypt(flow, slot, state, information + 2, end, count, now);
  }
  if (protocol !== IPV4 || (state & layout.DECRYPTS) !== 0) return layout.LEFT;
  advance(flow, slot, ack, now);
  return inner(flow, slot, IPV4, information, end, now);
}

/** The protocol field at `at`: one octet when that is odd (PFC), else two; 0 when it is cut. */
@inline
function readProtocol(at: usize, end: usize): u32 {
  if (at >= end) return 0;
  const first = <u32>load<u8>(at);
  if ((first & 1) === 1) return first;
  return at + 1 < end ? (first << 8) | load<u8>(at, 1) : 0;
}

@inline
function protocolOctets(protocol: u32, at: usize, end: usize): usize {
  return at < end && (load<u8>(at) & 1) === 1 ? 1 : 2;
}

/** The packet is in: acknowledged soon, and everything before it. */
function advance(flow: usize, slot: i32, ack: usize, now: f64): void {
  store<f64>(flow, now, layout.LAST_IN_WINDOW);
  if (ack !== 0) acknowledge(flow, slot, read32(ack), now);
  store<u32>(flow, load<u32>(flow, layout.EXPECTED) + 1, layout.EXPECTED);
  if (load<f64>(flow, layout.ACK_DUE_AT) !== Infinity) return;
  store<f64>(flow, now + <f64>cell(layout.ACK_DELAY_MS), layout.ACK_DUE_AT);
  arm(slot);
}

/** RFC 3078: in place. The key that made it is kept only if what comes out is plausible. */
function decrypt(
  flow: usize,
  slot: i32,
  state: u32,
  start: usize,
  end: usize,
  count: u32,
  now: f64,
): i32 {
  const stateful = (state & layout.STATEFUL) !== 0;
  if (stateful) takeBox(boxes(slot) + layout.RECEIVE_BOX, flow + layout.STREAM_PLACES);
  else changeKey(flow + layout.RECEIVE_START, flow + layout.RECEIVE_KEY, state);
  const head = min(end, start + layout.JUDGED_OCTETS);
  apply(start, start, <u32>(head - start));
  const protocol = readProtocol(start, end);
  const at = start + protocolOctets(protocol, start, end);
  if (!isPlausible(protocol, at, end)) {
    // Its head is spent, the key is not: the engine takes over until one is read again.
    store<i32>(flow, load<i32>(flow, layout.UNACCOUNTED) + 1, layout.UNACCOUNTED);
    store<u32>(flow, load<u32>(flow, layout.FLAGS) & ~layout.RECEIVE_FAST, layout.FLAGS);
    dropOf(flow, slot, drops.MPPE_IMPLAUSIBLE);
    return layout.TAKEN;
  }
  apply(head, head, <u32>(end - head));
  if (stateful) keepBox(boxes(slot) + layout.RECEIVE_BOX, flow + layout.STREAM_PLACES);
  else keepKey(flow + layout.RECEIVE_KEY, state);
  store<u32>(flow, count, layout.RECEIVE_COUNT);
  return inner(flow, slot, protocol, at, end, now);
}

function isPlausible(protocol: u32, at: usize, end: usize): bool {
  if (protocol === IPV4) return headerFault4(at, end) < 0;
  if (protocol !== IPV6 || end - at < 40) return false;
  return load<u8>(at) >> 4 === 6 && read16(at + 4) <= <u32>(end - at - 40);
}

/** Why an inner IPv4 header cannot be read, or -1. */
function headerFault4(at: usize, end: usize): i32 {
  if (end - at < 20) return drops.IP_TRUNCATED;
  const first = <u32>load<u8>(at);
  if (first >> 4 !== 4) return drops.IP_VERSION;
  const header = (first & 15) << 2;
  if (header < 20) return drops.IP_HEADER;
  const total = read16(at + 2);
  if (total < header || total > <u32>(end - at)) return drops.IP_LENGTH;
  return fold(sum(at, header, 0)) === 0xffff ? -1 : drops.IP_CHECKSUM;
}

function inner(flow: usize, slot: i32, protocol: u32, at: usize, end: usize, now: f64): i32 {
  if (protocol !== IPV4 || !isAdmitted4(flow, slot, at, end)) {
    return leaveInner(slot, protocol, at, end);
  }
  const total = read16(at + 2);
  if (!takeRate(flow, 0, total, now)) {
    store<f64>(flow, load<f64>(flow, layout.OVER_RATE_UP) + 1, layout.OVER_RATE_UP);
    dropOf(flow, slot, drops.RATE_UP);
    return layout.TAKEN;
  }
  store<f64>(flow, load<f64>(flow, layout.RECEIVED_PACKETS) + 1, layout.RECEIVED_PACKETS);
  store<f64>(flow, load<f64>(flow, layout.RECEIVED_OCTETS) + <f64>total, layout.RECEIVED_OCTETS);
  store<f64>(flow, now, layout.LAST_DATA);
  touch(flow, slot);
  coalesce(slot, at, total);
  return layout.TAKEN;
}

function leaveInner(slot: i32, protocol: u32, at: usize, end: usize): i32 {
  setCell(layout.INNER_FLOW, slot + 1);
  setCell(layout.INNER_PROTOCOL, protocol);
  setCell(layout.INNER_START, <i32>at);
  setCell(layout.INNER_END, <i32>end);
  return layout.LEFT_INNER;
}

/** Whether the gateway surely lets it pass: from the session's own address to where others went. */
function isAdmitted4(flow: usize, slot: i32, at: usize, end: usize): bool {
  if (headerFault4(at, end) >= 0) return false;
  const header = (<usize>load<u8>(at) & 15) << 2;
  const from = load<u32>(at, 12);
  const to = load<u32>(at, 16);
  // A SYN's MSS may have to be clamped.
  if (load<u8>(at, 9) === 6 && (load<u16>(at, 6) & 0xff1f) === 0) {
    if (read16(at + 2) < <u32>header + 20 || (load<u8>(at + header, 13) & 2) !== 0) return false;
  }
  const own = load<u32>(flow, layout.ADDRESS4);
  if ((load<u32>(flow, layout.FLAGS) & layout.HOST_END) !== 0) return from !== own && to === own;
  if (from !== own && destination(from) !== slot + 1) return false;
  if (to === load<u32>(flow, layout.LOCAL_ADDRESS) || to === load<u32>(flow, layout.PEER_ADDRESS)) {
    return false;
  }
  const known = destination(to);
  return known === layout.OUTSIDE || (known > 0 && known !== slot + 1 && cell(layout.CLIENT_TO_CLIENT) !== 0);
}
