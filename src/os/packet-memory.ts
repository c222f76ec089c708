// The kernel's structures laid out in memory that pure code owns (a WebAssembly.Memory's view, or a
// plain array): datagrams come and go without a copy, and a call carries only addresses made at start.
import {
  IOVEC_BASE,
  IOVEC_LENGTH,
  IOVEC_OCTETS,
  MMSGHDR_CONTROL,
  MMSGHDR_CONTROL_OCTETS,
  MMSGHDR_FLAGS,
  MMSGHDR_LENGTH,
  MMSGHDR_NAME,
  MMSGHDR_NAME_OCTETS,
  MMSGHDR_OCTETS,
  MMSGHDR_VECTOR_COUNT,
  MMSGHDR_VECTORS,
  MSG_TRUNC,
  PKTINFO_CONTROL_OCTETS,
  SEND_CONTROL,
  SEND_NAME,
  SEND_RECORD_OCTETS,
  SLOT_OCTETS,
  SOCKADDR_IN_OCTETS,
} from "../base/kernel-layout.js";
import { EINVAL } from "./errors.js";
import { type Address, addressOf, recvmmsg, sendmmsg } from "./libc.js";

const AF_INET = 2;
const IPPROTO_IP = 0;
const IP_PKTINFO = 8;
const PKTINFO_OCTETS = 16 + 12;
const MSG_DONTWAIT = 0x40;

/**
 * Addresses at equal distances. They lie above 2^31, where V8 makes a number on the heap for each use
 * unless it is an element among others than numbers.
 */
export class AddressTable {
  readonly #addresses: readonly (Address | undefined)[];

  constructor(first: number, stride: number, count: number) {
    const addresses = Array.from({ length: count }, (_, i) => (first + i * stride) as Address);
    this.#addresses = [...addresses, undefined];
  }

  /** Undefined outside the table. */
  at(index: number): Address | undefined {
    return this.#addresses[index];
  }
}

/** Memory with its address. The address stays while `octets` is referenced and its buffer not transferred. */
export class PacketMemory {
  readonly view: DataView;
  /** Where octet 0 lies: what is written into iov_base is this plus an offset. */
  readonly base: Address;

  constructor(readonly octets: Uint8Array) {
    this.view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
    this.base = addressOf(octets);
  }

  /** Addresses of `count` places of `stride` octets from `offset`. */
  table(offset: number, stride: number, count: number): AddressTable {
    this.#check(offset, stride * count);
    return new AddressTable(this.base + offset, stride, count);
  }

  /** `octets` at `offset` as an iov_base or msg_name of the structure at `at`. */
  setAddress(at: number, offset: number): void {
    this.view.setBigUint64(at, BigInt(this.base + offset), true);
  }

  #check(offset: number, octets: number): void {
    if (offset >= 0 && offset + octets <= this.octets.byteLength) return;
    throw new RangeError(`packet memory: ${octets} octets at ${offset}`);
  }
}

/** Offsets into a PacketMemory; each multiple of 8. */
export type ReceivePlaces = {
  readonly count: number;
  /** `count` × SLOT_OCTETS. */
  readonly slots: number;
  /** `count` × MMSGHDR_OCTETS: msg_len and msg_flags of each datagram are read here. */
  readonly headers: number;
  /** `count` × IOVEC_OCTETS. */
  readonly vectors: number;
};

/** Slots that one call fills; datagrams begin with their IPv4 header. */
export class ReceiveBatch {
  readonly #memory: PacketMemory;
  readonly #headers: AddressTable;

  constructor(
    memory: PacketMemory,
    readonly places: ReceivePlaces,
  ) {
    const { count, slots, headers, vectors } = places;
    memory.table(slots, SLOT_OCTETS, count);
    memory.table(vectors, IOVEC_OCTETS, count);
    this.#memory = memory;
    this.#headers = memory.table(headers, MMSGHDR_OCTETS, count);
    for (let i = 0; i < count; i++) {
      const header = headers + i * MMSGHDR_OCTETS;
      const vector = vectors + i * IOVEC_OCTETS;
      memory.octets.fill(0, header, header + MMSGHDR_OCTETS);
      memory.setAddress(vector + IOVEC_BASE, slots + i * SLOT_OCTETS);
      memory.view.setBigUint64(vector + IOVEC_LENGTH, BigInt(SLOT_OCTETS), true);
      memory.setAddress(header + MMSGHDR_VECTORS, vector);
      memory.view.setUint32(header + MMSGHDR_VECTOR_COUNT, 1, true);
    }
  }

  /** How many datagrams came into the first slots, or -errno (-EAGAIN: none there). Never waits. */
  fill(fd: number): number {
    const first = this.#headers.at(0);
    // The memory must not be collected while the kernel knows its address.
    if (first === undefined || this.#memory.octets.byteLength === 0) return -EINVAL;
    return recvmmsg(fd, first, this.places.count, MSG_DONTWAIT);
  }
}

/** A batch in memory of its own. Slot `i` is `octets` from `i * SLOT_OCTETS`. */
export class ReceiveSlots {
  readonly octets: Uint8Array;
  /** Of the datagram in slot `i` of the last batch; at most SLOT_OCTETS. */
  readonly lengths: Uint16Array;
  /** 1 where the datagram was longer than its slot: drop it. */
  readonly truncated: Uint8Array;
  readonly #memory: PacketMemory;
  readonly #batch: ReceiveBatch;

  constructor(readonly count: number = 64) {
    const headers = count * SLOT_OCTETS;
    const vectors = headers + count * MMSGHDR_OCTETS;
    this.octets = new Uint8Array(vectors + count * IOVEC_OCTETS);
    this.lengths = new Uint16Array(count);
    this.truncated = new Uint8Array(count);
    this.#memory = new PacketMemory(this.octets);
    this.#batch = new ReceiveBatch(this.#memory, { count, slots: 0, headers, vectors });
  }

  /** Datagrams received, or -errno (-EAGAIN: none there). */
  fill(fd: number): number {
    const received = this.#batch.fill(fd);
    for (let i = 0; i < received; i++) {
      const header = this.#batch.places.headers + i * MMSGHDR_OCTETS;
      this.lengths[i] = this.#memory.view.getUint32(header + MMSGHDR_LENGTH, true);
      const flags = this.#memory.view.getUint32(header + MMSGHDR_FLAGS, true);
      this.truncated[i] = (flags & MSG_TRUNC) === 0 ? 0 : 1;
    }
    return received;
  }
}

export type SendPlaces = {
  readonly count: number;
  /** `count` × SLOT_OCTETS; a message may also lie elsewhere in the memory. */
  readonly slots: number;
  /** `count` × MMSGHDR_OCTETS. */
  readonly headers: number;
  /** `count` × SEND_RECORD_OCTETS: pure code writes its four SEND_ fields here. */
  readonly records: number;
};

/** Messages of one call: each has a record with its octets, its destination and its source. */
export class SendBatch {
  readonly #memory: PacketMemory;
  readonly #headers: AddressTable;

  constructor(
    memory: PacketMemory,
    readonly places: SendPlaces,
  ) {
    const { count, slots, headers, records } = places;
    memory.table(slots, SLOT_OCTETS, count);
    memory.table(records, SEND_RECORD_OCTETS, count);
    this.#memory = memory;
    this.#headers = memory.table(headers, MMSGHDR_OCTETS, count);
    const { view } = memory;
    for (let i = 0; i < count; i++) {
      const header = headers + i * MMSGHDR_OCTETS;
      const record = records + i * SEND_RECORD_OCTETS;
      memory.octets.fill(0, header, header + MMSGHDR_OCTETS);
      memory.octets.fill(0, record, record + SEND_RECORD_OCTETS);
      memory.setAddress(record, slots + i * SLOT_OCTETS);
      view.setUint16(record + SEND_NAME, AF_INET, true);
      view.setUint32(record + SEND_CONTROL, PKTINFO_OCTETS, true);
      view.setInt32(record + SEND_CONTROL + 8, IPPROTO_IP, true);
      view.setInt32(record + SEND_CONTROL + 12, IP_PKTINFO, true);
      memory.setAddress(header + MMSGHDR_NAME, record + SEND_NAME);
      view.setUint32(header + MMSGHDR_NAME_OCTETS, SOCKADDR_IN_OCTETS, true);
      memory.setAddress(header + MMSGHDR_VECTORS, record);
      view.setUint32(header + MMSGHDR_VECTOR_COUNT, 1, true);
      memory.setAddress(header + MMSGHDR_CONTROL, record + SEND_CONTROL);
      view.setUint32(header + MMSGHDR_CONTROL_OCTETS, PKTINFO_CONTROL_OCTETS, true);
    }
  }

  /**
   * Sends the messages [from, to) in order, as many as go: how many went, or -errno of the first. The
   * one after those that went is the one refused: ask again from there for its errno. Never waits.
   */
  send(fd: number, from: number, to: number): number {
    const first = this.#headers.at(from);
    if (first === undefined || !(to >= from && to <= this.places.count)) return -EINVAL;
    if (this.#memory.octets.byteLength === 0) return -EINVAL;
    return sendmmsg(fd, first, to - from, MSG_DONTWAIT);
  }
}
