// Datagrams and TUN packets as the kernel gives and takes them, many at a time: through the lane where
// there is one, through the engine where the lane leaves them, or where there is none.

import type { Instant } from "../base/instant.js";
import {
  MMSGHDR_FLAGS,
  MMSGHDR_LENGTH,
  MMSGHDR_OCTETS,
  MSG_TRUNC,
  SLOT_OCTETS,
} from "../base/kernel-layout.js";
import type { Engine } from "./engine.js";
import {
  COALESCED,
  COALESCED_COUNT,
  COALESCED_FLOW,
  COALESCED_OCTETS,
  COALESCED_PACKETS,
  COALESCED_VECTOR_COUNT,
  FULL,
  INNER_END,
  INNER_FLOW,
  INNER_PROTOCOL,
  INNER_START,
  QUEUED_COUNT,
  RECEIVE_HEADERS,
  RECEIVE_SLOTS,
  SEGMENT,
  SEND_FLOWS,
  TUN_HEADER,
  TUN_PACKET,
} from "./layout.js";
import type { PlaneMemory } from "./memory.js";

/** What assembly/index.ts exports, over the same memory. */
export interface Lane {
  receive(from: number, count: number, now: number): number;
  transmit(length: number, now: number): number;
  segment(length: number, index: number): number;
  finish(): void;
}

export interface BatchSinks {
  /** Writes packet `index` of COALESCED, so many vectors long: octets, or -errno. */
  writeCoalesced(index: number, vectors: number): number;
  /** Sends the send slots [from, to): how many went, at least one, or -errno of the first. */
  sendSlots(from: number, to: number): number;
}

/** Datagrams gathered before they are sent: a call's cost is shared, and they do not wait long. */
const SEND_AT = 64;
const EAGAIN = 11;

export class Batches {
  constructor(
    readonly engine: Engine,
    readonly memory: PlaneMemory,
    readonly lane: Lane | undefined,
    readonly sinks: BatchSinks,
  ) {}

  /** The first `count` receive slots are filled. */
  received(count: number, now: Instant): void {
    const { engine, lane, memory } = this;
    if (lane === undefined) {
      for (let slot = 0; slot < count; slot++) this.#datagram(slot, now);
      return;
    }
    for (let slot = lane.receive(0, count, now); slot < count; ) {
      this.#writeOut(lane);
      const inner = memory.cell(INNER_FLOW);
      if (inner === 0) this.#datagram(slot, now);
      else {
        const protocol = memory.cell(INNER_PROTOCOL);
        const start = memory.cell(INNER_START);
        engine.handleInner(inner - 1, protocol, start, memory.cell(INNER_END), now);
      }
      slot = lane.receive(slot + 1, count, now);
    }
    this.#writeOut(lane);
    engine.handleBatch(now);
  }

  /**
   * One packet of the TUN, its virtio header first, fills `length` octets of the TUN buffer. How many it
   * was: the segments of a super-packet, otherwise 1.
   */
  read(length: number, now: Instant): number {
    const { lane, memory } = this;
    if (lane === undefined) return this.#whole(length, now);
    let before = memory.cell(QUEUED_COUNT);
    let queued = lane.transmit(length, now);
    if (queued === FULL) {
      this.sendQueued(now);
      before = 0;
      queued = lane.transmit(length, now);
    }
    if (queued < 0) return this.#left(lane, length, now);
    if (queued >= SEND_AT) this.sendQueued(now);
    return Math.max(1, queued - before);
  }

  /** Nothing more to read for now: what was gathered goes. */
  sendQueued(now: Instant): void {
    const { engine, memory, sinks } = this;
    const queued = memory.cell(QUEUED_COUNT);
    for (let slot = 0; slot < queued; ) {
      const sent = sinks.sendSlots(slot, queued);
      if (sent > 0) {
        slot += sent;
        continue;
      }
      const refused = sent === -EAGAIN ? queued : slot + 1;
      for (; slot < refused; slot++) {
        engine.handleSendRefused(slot, memory.cell(SEND_FLOWS + 4 * slot), -sent);
      }
    }
    memory.setCell(QUEUED_COUNT, 0);
    // Though nothing goes: what the lane refused, by a rate say, is to be told too.
    engine.handleBatch(now);
  }

  /** A packet the lane leaves goes through the engine, segment by segment, after what is queued. */
  #left(lane: Lane, length: number, now: Instant): number {
    const { engine, memory } = this;
    this.sendQueued(now);
    for (let i = 0; ; i++) {
      const octets = lane.segment(length, i);
      if (octets >= 0) engine.handleTunPacket(memory.octets, SEGMENT, SEGMENT + octets, now);
      // What its own header says of it cannot be: looked at, and refused, as it stands.
      else return i > 0 ? i : this.#whole(length, now);
    }
  }

  #whole(length: number, now: Instant): number {
    this.engine.handleTunPacket(this.memory.octets, TUN_PACKET, TUN_HEADER + length, now);
    return 1;
  }

  #datagram(slot: number, now: Instant): void {
    const { engine, memory } = this;
    const header = RECEIVE_HEADERS + slot * MMSGHDR_OCTETS;
    if ((memory.cell(header + MMSGHDR_FLAGS) & MSG_TRUNC) !== 0) return engine.handleTruncated(now);
    const start = RECEIVE_SLOTS + slot * SLOT_OCTETS;
    const length = memory.cell(header + MMSGHDR_LENGTH);
    engine.handleDatagram(memory.octets, start, start + length, now);
  }

  #writeOut(lane: Lane): void {
    const { engine, memory, sinks } = this;
    const count = memory.cell(COALESCED_COUNT);
    if (count === 0) return;
    lane.finish();
    for (let i = 0; i < count; i++) {
      const entry = COALESCED + i * COALESCED_OCTETS;
      const written = sinks.writeCoalesced(i, memory.cell(entry + COALESCED_VECTOR_COUNT));
      if (written >= 0) continue;
      const packets = memory.cell(entry + COALESCED_PACKETS);
      engine.handleWriteRefused(memory.cell(entry + COALESCED_FLOW), packets);
    }
    memory.setCell(COALESCED_COUNT, 0);
  }
}
