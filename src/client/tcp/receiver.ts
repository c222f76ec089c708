// RFC 9293 §3.8.6, §3.10.7.4, RFC 2018 §4, RFC 5681 §4.2: what came, in order and not, the window that
// says how much more may come, and when it is acknowledged. Offsets count from the peer's SYN, which is 0.
import { after, type Instant } from "../../base/instant.js";
import { stack } from "../../limits.js";
import type { TcpSegment } from "../../wire/tcp.js";
import { SACK_BLOCKS_MAX } from "../../wire/tcp.js";
import { OctetRing } from "./octet-ring.js";
import { Pieces } from "./pieces.js";

/** Pieces remembered by when they last grew, to tell of the latest first. */
const RECENT_MAX = 6;
/** RFC 5681 §4.2: at least every second full-sized segment. */
const SEGMENTS_UNACKNOWLEDGED_MAX = 2;

export class Receiver {
  /** RCV.NXT. */
  nxt = 1;
  /** Sequence number of the peer's SYN. */
  initial = 0;
  /** An acknowledgment is due now. */
  ackNow = false;
  /** And one at the latest then. */
  ackAt: Instant | undefined;
  /** Last.ACK.sent (RFC 7323 §4.3). */
  acknowledged = 0;
  readonly #ring = new OctetRing(stack.receiveOctetsMax);
  readonly #pieces = new Pieces(stack.piecesMax);
  readonly #recent: number[] = [];
  /** Offset of the next octet that the user reads. */
  #read = 1;
  /** Right edge of the window as last told; never taken back. */
  #edge = 1;
  /** Offset of the peer's FIN, once it came. */
  #fin: number | undefined;
  #segments = 0;

  /** Octets that wait for the user. */
  get readable(): number {
    return this.nxt - this.#read - (this.ended ? 1 : 0);
  }

  /** The peer's FIN and all before it came. */
  get ended(): boolean {
    return this.#fin !== undefined && this.nxt > this.#fin;
  }

  get hasPieces(): boolean {
    return this.#pieces.count > 0;
  }

  get memoryOctets(): number {
    return this.#ring.memoryOctets;
  }

  /** The window to tell, in octets; `mss` for the silly window syndrome (RFC 9293 §3.8.6.2.2). */
  window(mss: number): number {
    const edge = this.#read + stack.receiveOctetsMax;
    if (edge - this.#edge >= Math.min(stack.receiveOctetsMax / 2, mss)) this.#edge = edge;
    return Math.max(0, this.#edge - this.nxt);
  }

  /** Whether telling the window anew would let a peer go on that it holds back. */
  opensWindow(mss: number): boolean {
    const more = this.#read + stack.receiveOctetsMax - this.#edge;
    return more >= Math.max(stack.receiveOctetsMax / 2, mss);
  }

  /** RFC 9293 §3.4: the four cases; a segment at RCV.NXT counts against a closed window too, for its ACK. */
  accepts(offset: number, length: number): boolean {
    const window = this.#edge - this.nxt;
    if (offset === this.nxt) return true;
    if (window === 0) return false;
    const begins = offset >= this.nxt && offset < this.#edge;
    if (length === 0) return begins;
    const last = offset + length - 1;
    return begins || (last >= this.nxt && last < this.#edge);
  }

  /** Text and FIN of an acceptable segment. True when there is more to read, or the end. */
  take(octets: Uint8Array, segment: TcpSegment, offset: number, fin: boolean, now: Instant) {
    const { payloadStart, payloadEnd } = segment;
    const end = offset + payloadEnd - payloadStart;
    if (fin && this.#fin === undefined && end <= this.#edge) this.#takeFin(end);
    const from = Math.max(offset, this.nxt);
    const to = Math.min(end, this.#edge, this.#fin ?? Number.POSITIVE_INFINITY);
    const before = this.nxt;
    const hadPieces = this.hasPieces;
    if (from < to && (from === this.nxt || this.#remember(from, to))) {
      this.#ring.put(
        from - this.#read,
        octets,
        payloadStart + from - offset,
        payloadStart + to - offset,
      );
      if (from === this.nxt) this.#advance(to);
    }
    if (this.#fin === this.nxt) this.nxt++;
    const occupies = end > offset || fin;
    if (occupies) this.#owe(segment.segments, before, hadPieces, now);
    return this.nxt > before;
  }

  /** A segment with the acknowledgment of all this goes out. */
  acknowledge(): void {
    this.acknowledged = this.nxt;
    this.ackNow = false;
    this.ackAt = undefined;
    this.#segments = 0;
  }

  /** RFC 2018 §4: the piece that grew last first. */
  fillSack(segment: TcpSegment): void {
    segment.sackBlocks = 0;
    for (const offset of this.#recent) {
      const at = this.#pieces.find(offset);
      if (at < 0 || segment.sackBlocks === SACK_BLOCKS_MAX) continue;
      const left = (this.initial + this.#pieces.start(at)) >>> 0;
      let known = false;
      for (let block = 0; block < segment.sackBlocks; block++) {
        if (segment.sack[2 * block] === left) known = true;
      }
      if (known) continue;
      segment.sack[2 * segment.sackBlocks] = left;
      segment.sack[2 * segment.sackBlocks + 1] = (this.initial + this.#pieces.end(at)) >>> 0;
      segment.sackBlocks++;
    }
  }

  read(max: number): Uint8Array | undefined {
    const length = Math.min(max, this.readable);
    if (length <= 0) return undefined;
    const octets = new Uint8Array(length);
    this.#ring.copy(0, length, octets, 0);
    this.#ring.drop(length);
    this.#read += length;
    return octets;
  }

  /** Nothing is to be read, and nothing more comes. */
  release(): void {
    this.#ring.clear();
    this.#pieces.clear();
  }

  /** Nothing is kept. */
  clear(): void {
    this.#read = this.nxt - (this.ended ? 1 : 0);
    this.release();
    this.ackNow = false;
    this.ackAt = undefined;
  }

  /** One before what came already is no peer's of good faith. */
  #takeFin(end: number): void {
    if (end >= this.nxt && end >= this.#pieces.highest(end)) this.#fin = end;
  }

  #remember(from: number, to: number): boolean {
    if (!this.#pieces.add(from, to)) return false;
    this.#recent.unshift(from);
    if (this.#recent.length > RECENT_MAX) this.#recent.pop();
    return true;
  }

  #advance(to: number): void {
    this.nxt = to;
    if (!this.hasPieces) return;
    this.#pieces.dropBelow(to);
    const at = this.#pieces.find(to);
    if (at >= 0) this.nxt = this.#pieces.end(at);
    this.#pieces.dropBelow(this.nxt);
  }

  /** RFC 5681 §4.2: at once for what is out of order or fills a gap, otherwise for every second segment. */
  #owe(segments: number, before: number, hadPieces: boolean, now: Instant): void {
    this.#segments += segments;
    const inOrder = this.nxt > before && !hadPieces && !this.ended;
    if (!inOrder || this.#segments >= SEGMENTS_UNACKNOWLEDGED_MAX) this.ackNow = true;
    else this.ackAt ??= after(now, stack.delayedAckMs);
  }
}
