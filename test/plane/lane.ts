// The compiled lane over a memory of its own, and a kernel for it that is only memory: what a test reads
// and writes where recvmmsg, sendmmsg, read and writev would.
import { readFileSync } from "node:fs";
import {
  MMSGHDR_FLAGS,
  MMSGHDR_LENGTH,
  MMSGHDR_OCTETS,
  SEND_BASE,
  SEND_DESTINATION,
  SEND_LENGTH,
  SEND_RECORD_OCTETS,
  SEND_SOURCE,
  SLOT_OCTETS,
  VNET_GSO_SIZE,
  VNET_GSO_TYPE,
  VNET_HEADER_OCTETS,
  VNET_OCTETS,
} from "../../src/base/kernel-layout.js";
import type { Lane } from "../../src/plane/batches.js";
import {
  BASE_ADDRESS,
  COALESCED_VECTORS,
  COALESCED_VECTORS_MAX,
  RECEIVE_HEADERS,
  RECEIVE_SLOTS,
  SEND_RECORDS,
  TUN_HEADER,
} from "../../src/plane/layout.js";
import { PlaneMemory } from "../../src/plane/memory.js";

const wasm = new URL("../../dist/plane/lane.wasm", import.meta.url);
let compiled: WebAssembly.Module | undefined;

const PAGE_OCTETS = 65_536;
const NO_HEADER = new Uint8Array(VNET_OCTETS);
/** Where the kernel would find the memory: above 2^32, and no round number. */
const BASE = 0x7f12_fffe_9000n;

export type LaneMemory = {
  readonly memory: PlaneMemory;
  readonly lane: Lane;
  readonly linear: WebAssembly.Memory;
};

/** In memory of its own, or in one of the same `flows` that was used before and is zeroed here. */
export function laneOf(flows: number, used?: WebAssembly.Memory): LaneMemory {
  compiled ??= new WebAssembly.Module(readFileSync(wasm));
  const pages = Math.ceil(PlaneMemory.octetsFor(flows) / PAGE_OCTETS);
  const linear = used ?? new WebAssembly.Memory({ initial: pages, maximum: pages });
  if (used !== undefined) new Uint8Array(linear.buffer).fill(0);
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory: linear } });
  const memory = new PlaneMemory(flows, linear.buffer);
  return { memory, lane: exports as Lane, linear };
}

/** Lays out what packets come and go in. */
export class MemoryKernel {
  readonly #view: DataView;

  constructor(readonly memory: PlaneMemory) {
    this.#view = new DataView(memory.buffer);
    this.#view.setBigUint64(BASE_ADDRESS, BASE, true);
  }

  putDatagram(slot: number, octets: Uint8Array): void {
    const kept = octets.subarray(0, SLOT_OCTETS);
    this.memory.octets.set(kept, RECEIVE_SLOTS + slot * SLOT_OCTETS);
    const header = RECEIVE_HEADERS + slot * MMSGHDR_OCTETS;
    this.#view.setUint32(header + MMSGHDR_LENGTH, kept.length, true);
    this.#view.setUint32(header + MMSGHDR_FLAGS, octets.length > kept.length ? 0x20 : 0, true);
  }

  /** The packet into the TUN buffer, `header` (10 octets) before it; the length read. */
  putPacket(packet: Uint8Array, header: Uint8Array = NO_HEADER): number {
    this.memory.octets.set(header, TUN_HEADER);
    this.memory.octets.set(packet, TUN_HEADER + VNET_OCTETS);
    return VNET_OCTETS + packet.length;
  }

  queued(slot: number): { source: number; destination: number; octets: Uint8Array } {
    const at = SEND_RECORDS + slot * SEND_RECORD_OCTETS;
    const start = Number(this.#view.getBigUint64(at + SEND_BASE, true) - BASE);
    const length = Number(this.#view.getBigUint64(at + SEND_LENGTH, true));
    return {
      source: this.#view.getUint32(at + SEND_SOURCE, false),
      destination: this.#view.getUint32(at + SEND_DESTINATION, false),
      octets: this.memory.octets.slice(start, start + length),
    };
  }

  /** Packet `index` for the TUN as the kernel would read it: virtio header, then the packet. */
  coalesced(index: number, vectors: number): { header: Uint8Array; packet: Uint8Array } {
    const parts: Uint8Array[] = [];
    for (let i = 0; i < vectors; i++) {
      const at = COALESCED_VECTORS + (index * COALESCED_VECTORS_MAX + i) * 16;
      const start = Number(this.#view.getBigUint64(at, true) - BASE);
      const length = Number(this.#view.getBigUint64(at + 8, true));
      parts.push(this.memory.octets.slice(start, start + length));
    }
    const whole = Buffer.concat(parts);
    return {
      header: new Uint8Array(whole.subarray(0, VNET_OCTETS)),
      packet: new Uint8Array(whole.subarray(VNET_OCTETS)),
    };
  }
}

function sumOf(octets: Uint8Array, running: number): number {
  let sum = running;
  for (let i = 0; i < octets.length; i += 2) sum += (octets[i]! << 8) | (octets[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return sum;
}

function put16(octets: Uint8Array, at: number, value: number): void {
  octets[at] = value >>> 8;
  octets[at + 1] = value;
}

/**
 * The packets the kernel makes of a super-packet of TCP over IPv4 (and, without offloads, hands out
 * instead of it): RFC 9293 headers of their own, checksums complete. Written from the virtio
 * specification, apart from the lane, whose judge it is.
 */
export function segmentsOf(header: Uint8Array, packet: Uint8Array): Uint8Array[] {
  if (header[VNET_GSO_TYPE] === 0) return [packet];
  const view = new DataView(header.buffer, header.byteOffset);
  const size = view.getUint16(VNET_GSO_SIZE, true);
  const length = view.getUint16(VNET_HEADER_OCTETS, true);
  const udp = header[VNET_GSO_TYPE] === 5;
  const made: Uint8Array[] = [];
  for (let at = length; at < packet.length; at += size) {
    const payload = packet.subarray(at, at + size);
    const one = new Uint8Array(length + payload.length);
    one.set(packet.subarray(0, length));
    one.set(payload, length);
    const last = at + size >= packet.length;
    const original = new DataView(packet.buffer, packet.byteOffset);
    const ip = (packet[0]! & 15) * 4;
    put16(one, 2, one.length);
    put16(one, 4, original.getUint16(4) + made.length);
    put16(one, 10, 0);
    put16(one, 10, ~sumOf(one.subarray(0, ip), 0));
    const pseudo = sumOf(one.subarray(12, 20), one[9]! + one.length - ip);
    if (udp) put16(one, ip + 4, one.length - ip);
    else {
      new DataView(one.buffer).setUint32(ip + 4, original.getUint32(ip + 4) + at - length);
      if (!last) one[ip + 13] = one[ip + 13]! & ~9;
      if (made.length > 0) one[ip + 13] = one[ip + 13]! & ~0x80;
    }
    const field = ip + (udp ? 6 : 16);
    put16(one, field, 0);
    const sum = ~sumOf(one.subarray(ip), pseudo) & 0xffff;
    put16(one, field, udp && sum === 0 ? 0xffff : sum);
    made.push(one);
  }
  return made;
}
