// RFC 9293 §3.1, RFC 7323 §2, §3, RFC 2018 §2, §3: a TCP segment as a checked view, and its writer.
import type { Ipv4 } from "../base/ip.js";
import { read16, read32, write16, write32 } from "./ip-octets.js";
import { IPV4_HEADER_OCTETS, type Ipv4Header, TCP, upperChecksum4, writeIpv4 } from "./ipv4.js";

export const FIN = 0x01;
export const SYN = 0x02;
export const RST = 0x04;
export const PSH = 0x08;
export const ACK = 0x10;

export const TCP_HEADER_OCTETS = 20;
/** What the Timestamps option takes from every segment, padded (RFC 7323 appendix A). */
export const TIMESTAMPS_OCTETS = 12;
/** With timestamps there is room for three (RFC 2018 §3). */
export const SACK_BLOCKS_MAX = 3;
/** RFC 7323 §2.3: a larger shift count counts as this. */
export const WINDOW_SHIFT_MAX = 14;

const END_OF_OPTIONS = 0;
const NO_OPERATION = 1;
const MAXIMUM_SEGMENT_SIZE = 2;
const WINDOW_SCALE = 3;
const SACK_PERMITTED = 4;
const SACK = 5;
const TIMESTAMPS = 8;

export type TcpFault = "tcp-truncated" | "tcp-header" | "tcp-checksum" | "tcp-options";

/** One segment, reused for every packet: valid until the next read into it. */
export class TcpSegment {
  sourcePort = 0;
  destinationPort = 0;
  sequence = 0;
  acknowledgment = 0;
  flags = 0;
  /** As it stands in the header, not scaled. */
  window = 0;
  payloadStart = 0;
  payloadEnd = 0;
  /** How many it was on its way: more than one of a run (tcp-run.ts). */
  segments = 1;
  /** Options: -1 or false where there is none. */
  mss = -1;
  windowShift = -1;
  sackPermitted = false;
  hasTimestamps = false;
  timestamp = 0;
  timestampEcho = 0;
  /** Left and right edges, of `sackBlocks` blocks. */
  readonly sack: number[] = [0, 0, 0, 0, 0, 0, 0, 0];
  sackBlocks = 0;

  /** SEG.LEN: SYN and FIN have a place in the sequence. */
  get length(): number {
    const controls = (this.flags & SYN ? 1 : 0) + (this.flags & FIN ? 1 : 0);
    return this.payloadEnd - this.payloadStart + controls;
  }

  clearOptions(): void {
    this.mss = -1;
    this.windowShift = -1;
    this.sackPermitted = false;
    this.hasTimestamps = false;
    this.sackBlocks = 0;
  }
}

/**
 * Reads and checks the segment in `header`'s packet, checksum and options included. Of a run of segments
 * of `segmentOctets` octets the checksum is not looked at.
 */
export function readTcp(
  octets: Uint8Array,
  header: Ipv4Header,
  into: TcpSegment,
  segmentOctets = 0,
): TcpFault | undefined {
  const { start, payloadStart: at, end } = header;
  if (end - at < TCP_HEADER_OCTETS) return "tcp-truncated";
  const headerOctets = (octets[at + 12]! >>> 4) * 4;
  if (headerOctets < TCP_HEADER_OCTETS || at + headerOctets > end) return "tcp-header";
  const isRun = segmentOctets > 0;
  if (!isRun && upperChecksum4(octets, start, at, end, TCP) !== 0) return "tcp-checksum";
  into.sourcePort = read16(octets, at);
  into.destinationPort = read16(octets, at + 2);
  into.sequence = read32(octets, at + 4);
  into.acknowledgment = read32(octets, at + 8);
  into.flags = octets[at + 13]! & 0x3f;
  into.window = read16(octets, at + 14);
  into.payloadStart = at + headerOctets;
  into.payloadEnd = end;
  into.segments = isRun ? Math.ceil((end - into.payloadStart) / segmentOctets) : 1;
  return readOptions(octets, at + TCP_HEADER_OCTETS, at + headerOctets, into);
}

function readOptions(
  octets: Uint8Array,
  start: number,
  end: number,
  into: TcpSegment,
): TcpFault | undefined {
  into.clearOptions();
  let at = start;
  while (at < end) {
    const kind = octets[at]!;
    if (kind === END_OF_OPTIONS) return undefined;
    if (kind === NO_OPERATION) {
      at++;
      continue;
    }
    if (at + 1 >= end) return "tcp-options";
    const length = octets[at + 1]!;
    if (length < 2 || at + length > end) return "tcp-options";
    if (!readOption(octets, at + 2, kind, length, into)) return "tcp-options";
    at += length;
  }
  return undefined;
}

/** False when a known option has another length than its own. */
function readOption(
  octets: Uint8Array,
  at: number,
  kind: number,
  length: number,
  into: TcpSegment,
): boolean {
  switch (kind) {
    case MAXIMUM_SEGMENT_SIZE:
      if (length !== 4) return false;
      into.mss = read16(octets, at);
      return true;
    case WINDOW_SCALE:
      if (length !== 3) return false;
      into.windowShift = Math.min(octets[at]!, WINDOW_SHIFT_MAX);
      return true;
    case SACK_PERMITTED:
      into.sackPermitted = true;
      return length === 2;
    case SACK:
      // RFC 2018 §3: whole blocks, and no more than four find room.
      if (length < 10 || (length - 2) % 8 !== 0 || length > 34) return false;
      into.sackBlocks = (length - 2) / 8;
      for (let edge = 0; edge < 2 * into.sackBlocks; edge++) {
        into.sack[edge] = read32(octets, at + 4 * edge);
      }
      return true;
    case TIMESTAMPS:
      if (length !== 10) return false;
      into.hasTimestamps = true;
      into.timestamp = read32(octets, at);
      into.timestampEcho = read32(octets, at + 4);
      return true;
    default:
      return true;
  }
}

/** Header and options that `writeTcp` makes of `segment`. */
export function tcpHeaderOctets(segment: TcpSegment): number {
  let octets = TCP_HEADER_OCTETS;
  if (segment.mss >= 0) octets += 4;
  if (segment.windowShift >= 0) octets += 4;
  if (segment.sackPermitted) octets += 4;
  if (segment.hasTimestamps) octets += TIMESTAMPS_OCTETS;
  if (segment.sackBlocks > 0) octets += 4 + 8 * segment.sackBlocks;
  return octets;
}

/**
 * Writes a packet at 0 of `into`, whose payload of `payloadOctets` is already in its place behind both
 * headers. Returns its octets.
 */
export function writeTcp(
  into: Uint8Array,
  segment: TcpSegment,
  source: Ipv4,
  destination: Ipv4,
  payloadOctets: number,
): number {
  const at = IPV4_HEADER_OCTETS;
  const headerOctets = tcpHeaderOctets(segment);
  const total = at + headerOctets + payloadOctets;
  writeIpv4(into, 0, total, TCP, source, destination);
  write16(into, at, segment.sourcePort);
  write16(into, at + 2, segment.destinationPort);
  write32(into, at + 4, segment.sequence);
  write32(into, at + 8, segment.acknowledgment);
  into[at + 12] = (headerOctets / 4) << 4;
  into[at + 13] = segment.flags;
  write16(into, at + 14, segment.window);
  write32(into, at + 16, 0);
  writeOptions(into, at + TCP_HEADER_OCTETS, segment);
  write16(into, at + 16, upperChecksum4(into, 0, at, total, TCP));
  return total;
}

function writeOptions(into: Uint8Array, start: number, segment: TcpSegment): void {
  let at = start;
  const put = (...octets: number[]) => {
    for (const octet of octets) into[at++] = octet;
  };
  const put32 = (value: number) => {
    write32(into, at, value);
    at += 4;
  };
  if (segment.mss >= 0) put(MAXIMUM_SEGMENT_SIZE, 4, segment.mss >>> 8, segment.mss & 255);
  if (segment.windowShift >= 0) put(NO_OPERATION, WINDOW_SCALE, 3, segment.windowShift);
  if (segment.sackPermitted) put(NO_OPERATION, NO_OPERATION, SACK_PERMITTED, 2);
  if (segment.hasTimestamps) {
    put(NO_OPERATION, NO_OPERATION, TIMESTAMPS, 10);
    put32(segment.timestamp);
    put32(segment.timestampEcho);
  }
  if (segment.sackBlocks > 0) {
    put(NO_OPERATION, NO_OPERATION, SACK, 2 + 8 * segment.sackBlocks);
    for (let edge = 0; edge < 2 * segment.sackBlocks; edge++) put32(segment.sack[edge]!);
  }
}
