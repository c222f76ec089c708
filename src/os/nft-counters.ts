// Named counters of an nftables table, read from the kernel itself (netlink(7), NFNL_SUBSYS_NFTABLES): once a
// second is too often to start nft for.
import { Descriptor } from "./descriptor.js";
import { EAGAIN, type OsError, osError } from "./errors.js";
import { Memory, read, SOCK_CLOEXEC, SOCK_NONBLOCK, socket, write } from "./libc.js";

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const NETLINK_NETFILTER = 12;

const HEADER_OCTETS = 16;
const NFGENMSG_OCTETS = 4;
const ATTRIBUTE_OCTETS = 4;
/** (NFNL_SUBSYS_NFTABLES << 8) with NFT_MSG_NEWOBJ and NFT_MSG_GETOBJ. */
const NEW_OBJECT = 0x0a12;
const GET_OBJECT = 0x0a13;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
/** NLM_F_REQUEST and NLM_F_DUMP. */
const DUMP = 0x0301;
const NFPROTO_INET = 1;
/** NFTA_OBJ_TABLE, NFTA_OBJ_NAME, NFTA_OBJ_DATA; NFTA_COUNTER_PACKETS in the latter. */
const TABLE = 1;
const NAME = 2;
const DATA = 4;
const PACKETS = 2;
const TYPE_MASK = 0x3fff;

const BUFFER_OCTETS = 32_768;
/** Batches of one answer; a table of ours takes one and its end. */
const READS_MAX = 8;

export class NftCounters implements Disposable {
  readonly #descriptor: Descriptor;
  readonly #request: Memory;
  readonly #buffer = new Memory(BUFFER_OCTETS);

  private constructor(fd: number, table: string) {
    this.#descriptor = new Descriptor(fd);
    this.#request = requestFor(table);
  }

  /** Of a table of family inet. Asking needs CAP_NET_ADMIN. */
  static open(table: string): NftCounters | OsError {
    const type = SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK;
    const fd = socket(AF_NETLINK, type, NETLINK_NETFILTER);
    return fd < 0 ? osError("socket AF_NETLINK NETFILTER", fd) : new NftCounters(fd, table);
  }

  /** Packets by the counter's name; none where there is no such table. */
  read(): Record<string, number> | OsError {
    const { fd } = this.#descriptor;
    const request = this.#request;
    const sent = write(fd, request.address, request.octets.length);
    if (sent < 0) return osError("write NETLINK_NETFILTER", sent);
    const counts: Record<string, number> = {};
    for (let reads = 0; reads < READS_MAX; reads++) {
      const length = read(fd, this.#buffer.address, BUFFER_OCTETS);
      if (length === -EAGAIN) break;
      if (length < 0) return osError("read NETLINK_NETFILTER", length);
      const ended = takeCounters(this.#buffer.octets.subarray(0, length), counts);
      if (ended !== undefined) return ended < 0 ? osError("NFT_MSG_GETOBJ", ended) : counts;
    }
    return osError("read NETLINK_NETFILTER", -EAGAIN);
  }

  [Symbol.dispose](): void {
    this.#descriptor[Symbol.dispose]();
  }
}

function requestFor(table: string): Memory {
  const text = Buffer.from(`${table}\0`, "latin1");
  const attribute = ATTRIBUTE_OCTETS + text.length;
  const memory = new Memory(aligned(HEADER_OCTETS + NFGENMSG_OCTETS + attribute));
  const { view, octets } = memory;
  view.setUint32(0, octets.length, true);
  view.setUint16(4, GET_OBJECT, true);
  view.setUint16(6, DUMP, true);
  view.setUint8(HEADER_OCTETS, NFPROTO_INET);
  const at = HEADER_OCTETS + NFGENMSG_OCTETS;
  view.setUint16(at, attribute, true);
  view.setUint16(at + 2, TABLE, true);
  octets.set(text, at + ATTRIBUTE_OCTETS);
  return memory;
}

/** Of one batch into `counts`; 0 at the answer's end, -errno where it is an error, undefined: more comes. */
export function takeCounters(
  octets: Uint8Array,
  counts: Record<string, number>,
): number | undefined {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  for (let at = 0; at + HEADER_OCTETS <= view.byteLength; ) {
    const length = view.getUint32(at, true);
    if (length < HEADER_OCTETS || at + length > view.byteLength) break;
    const type = view.getUint16(at + 4, true);
    const body = at + HEADER_OCTETS;
    if (type === NLMSG_ERROR || type === NLMSG_DONE) {
      return length >= HEADER_OCTETS + 4 ? view.getInt32(body, true) : 0;
    }
    if (type === NEW_OBJECT) takeOne(view, body + NFGENMSG_OCTETS, at + length, counts);
    at += aligned(length);
  }
  return undefined;
}

function takeOne(view: DataView, from: number, end: number, counts: Record<string, number>): void {
  let name: string | undefined;
  let packets: number | undefined;
  for (const [type, at, to] of attributes(view, from, end)) {
    if (type === NAME) name = textOf(view, at, to);
    if (type !== DATA) continue;
    for (const [inner, first, last] of attributes(view, at, to)) {
      if (inner === PACKETS && last - first === 8) packets = Number(view.getBigUint64(first));
    }
  }
  if (name !== undefined && packets !== undefined) counts[name] = packets;
}

function* attributes(
  view: DataView,
  from: number,
  end: number,
): IterableIterator<readonly [type: number, from: number, to: number]> {
  for (let at = from; at + ATTRIBUTE_OCTETS <= end; ) {
    const length = view.getUint16(at, true);
    if (length < ATTRIBUTE_OCTETS || at + length > end) return;
    yield [view.getUint16(at + 2, true) & TYPE_MASK, at + ATTRIBUTE_OCTETS, at + length];
    at += aligned(length);
  }
}

function textOf(view: DataView, from: number, to: number): string {
  const text = new Uint8Array(view.buffer, view.byteOffset + from, to - from);
  return Buffer.from(text).toString("latin1").replace(/\0.*$/s, "");
}

function aligned(length: number): number {
  return (length + 3) & ~3;
}
