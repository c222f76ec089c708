// The plane's memory from the lane's side: constants as pointers, big-endian access, checksums.
import * as layout from "../layout";

export const BOX: usize = layout.BOX;
export const DIGEST: usize = layout.DIGEST;
export const WORDS: usize = layout.SHA_WORDS;
export const TRIAL_KEY: usize = layout.TRIAL_KEY;
export const SEGMENT: usize = layout.SEGMENT;
export const TUN_PACKET: usize = layout.TUN_PACKET;
export const TUN_HEADER: usize = layout.TUN_HEADER;

@inline
export function cell(at: i32): i32 {
  return load<i32>(<usize>at);
}

@inline
export function setCell(at: i32, value: i32): void {
  store<i32>(<usize>at, value);
}

@inline
export function record(slot: i32): usize {
  return <usize>(cell(layout.RECORDS) + slot * layout.RECORD_OCTETS);
}

/** The RC4 tables of the flow in `slot`. */
@inline
export function boxes(slot: i32): usize {
  return <usize>(cell(layout.BOXES) + slot * layout.BOXES_OCTETS);
}

@inline
export function read16(at: usize): u32 {
  return (<u32>load<u8>(at) << 8) | load<u8>(at, 1);
}

@inline
export function read32(at: usize): u32 {
  return bswap<u32>(load<u32>(at));
}

@inline
export function write16(at: usize, value: u32): void {
  store<u8>(at, <u8>(value >> 8));
  store<u8>(at, <u8>value, 1);
}

@inline
export function write32(at: usize, value: u32): void {
  store<u32>(at, bswap<u32>(value));
}

/**
 * The ones' complement sum of `length` octets, added to `running`, folded to 16 bits: of words as they
 * lie in memory, so byte-swapped against the field's value (RFC 1071 §2 (B)).
 */
export function sum(at: usize, length: u32, running: u64): u64 {
  let total = running;
  const last = at + length;
  for (; at + 16 <= last; at += 16) {
    total += <u64>load<u32>(at) + load<u32>(at, 4) + load<u32>(at, 8) + load<u32>(at, 12);
  }
  for (; at + 4 <= last; at += 4) total += load<u32>(at);
  if (at + 2 <= last) {
    total += load<u16>(at);
    at += 2;
  }
  if (at < last) total += load<u8>(at);
  return total;
}

/** Folds to 16 bits, still byte-swapped; 0xffff means that a right checksum was in the sum. */
export function fold(total: u64): u32 {
  let folded = (total & 0xffffffff) + (total >> 32);
  folded = (folded & 0xffff) + (folded >> 16);
  folded = (folded & 0xffff) + (folded >> 16);
  folded = (folded & 0xffff) + (folded >> 16);
  return <u32>folded;
}

/** The checksum field's octets as a load<u16> would see them. */
@inline
export function checksum(total: u64): u16 {
  return <u16>(fold(total) ^ 0xffff);
}

/** The pseudo-header of the IPv4 packet at `ip`, for `length` octets of `protocol`. */
@inline
export function pseudo4(ip: usize, protocol: u32, length: u32): u64 {
  return <u64>load<u32>(ip, 12) + load<u32>(ip, 16) + (protocol << 8) + bswap<u16>(<u16>length);
}

/** The same of IPv6. */
@inline
export function pseudo6(ip: usize, protocol: u32, length: u32): u64 {
  return sum(ip + 8, 32, <u64>(protocol << 8) + bswap<u16>(<u16>length));
}

/** Lists a flow for the next Counters. */
export function touch(flow: usize, slot: i32): void {
  const flags = load<u32>(flow, layout.FLAGS);
  if ((flags & layout.DIRTY) !== 0) return;
  store<u32>(flow, flags | layout.DIRTY, layout.FLAGS);
  const count = cell(layout.DIRTY_COUNT);
  store<i32>(<usize>(cell(layout.DIRTY_LIST) + (count << 2)), slot);
  setCell(layout.DIRTY_COUNT, count + 1);
}

/** Has the engine look at a flow's timer after this batch. */
export function arm(slot: i32): void {
  const count = cell(layout.ARMED_COUNT);
  if (count >= layout.ARMED_MAX) return;
  store<i32>(<usize>(layout.ARMED_LIST + (count << 2)), slot);
  setCell(layout.ARMED_COUNT, count + 1);
}

/** 0 when nothing is known, a flow's slot + 1, or OUTSIDE. `address` as it lies in the packet. */
@inline
export function destination(address: u32): i32 {
  const at = destinationAt(address);
  const known = load<u32>(at) === address && load<i32>(at, 8) === cell(layout.EPOCH);
  return known ? load<i32>(at, 4) : 0;
}

@inline
function destinationAt(address: u32): usize {
  const place = (address * 0x9e3779b1) >> 16;
  return <usize>(layout.DESTINATIONS + place * layout.DESTINATION_OCTETS);
}

/** Whether so many octets may pass now, up (0) or down (1), by the flow's user's rate; they are spent. */
export function takeRate(flow: usize, direction: u32, octets: u32, now: f64): bool {
  const bucket = load<u32>(flow, layout.BUCKET);
  if (bucket === 0) return true;
  const at = <usize>(cell(layout.RATES) + (bucket * 2 + direction) * layout.RATE_OCTETS);
  const rate = load<f64>(at, layout.RATE_OCTETS_PER_MS);
  if (rate === 0) return true;
  let tokens = load<f64>(at, layout.RATE_TOKENS);
  const elapsed = now - load<f64>(at, layout.RATE_REFILLED_AT);
  if (elapsed > 0) {
    tokens = min(tokens + elapsed * rate, load<f64>(at, layout.RATE_BURST));
    store<f64>(at, now, layout.RATE_REFILLED_AT);
  }
  const passes = tokens >= <f64>octets;
  store<f64>(at, passes ? tokens - <f64>octets : tokens, layout.RATE_TOKENS);
  return passes;
}

export function drop(reason: i32): void {
  const at = <usize>(layout.DROPS + (reason << 3));
  store<f64>(at, load<f64>(at) + 1);
  setCell(layout.DROPS_CHANGED, 1);
}

/** Counts a packet of a flow as dropped. */
export function dropOf(flow: usize, slot: i32, reason: i32): void {
  drop(reason);
  store<f64>(flow, load<f64>(flow, layout.DROPPED) + 1, layout.DROPPED);
  touch(flow, slot);
}
