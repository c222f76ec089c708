// A minimal TCP responder, independent of the product's: it reads and writes its segments by offsets of its
// own, keeps what came in a map, and sends with a fixed window, going back to the first unacknowledged.
import { big as View } from "./view.js";

export type PeerOptions = {
  readonly mss?: number;
  readonly sack?: boolean;
  readonly timestamps?: boolean;
  /** Window scale shift; undefined: none is offered. */
  readonly shift?: number;
  /** Octets it keeps for a reader that does not read. */
  readonly window?: number;
  readonly initial?: number;
  /** What comes at once and in sequence is acknowledged once, as by a kernel that joins segments. */
  readonly joins?: boolean;
};

export type Segment = {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  readonly window: number;
  readonly options: ReadonlyMap<number, Uint8Array>;
  readonly data: Uint8Array;
};

const [FIN, SYN, RST, PSH, ACK] = [1, 2, 4, 8, 16];
const RETRANSMIT_MS = 400;
const RUN_OCTETS_MAX = 65_000;

export class ReferencePeer {
  readonly out: Uint8Array[] = [];
  /** All that arrived in order. */
  received = new Uint8Array(0);
  reading = true;
  sawFin = false;
  sawReset = false;
  accepted = 0;
  /** Every segment that came, as read. */
  log: Segment[] = [];
  logging = false;
  timerAt: number | undefined;
  readonly #options: Required<Omit<PeerOptions, "shift">> & { readonly shift: number | undefined };
  readonly #segments = new Map<number, Uint8Array>();
  #chunks: Uint8Array[] = [];
  #unread = 0;
  #client: { address: number; port: number } | undefined;
  #irs = 0;
  #rcvNxt = 0;
  #una = 0;
  #nxt = 0;
  #peerWindow = 0;
  #peerShift = 0;
  #peerMss = 536;
  #agreed = { sack: false, timestamps: false, scale: false };
  #tsRecent = 0;
  #data = new Uint8Array(0);
  #fin = false;
  #finAt: number | undefined;
  #dups = 0;
  #synAcked = false;
  /** The run of segments that #lastAck acknowledges. */
  #runStart = 0;
  #runEnd = 0;
  #lastAck: Uint8Array | undefined;

  constructor(
    readonly address: number,
    readonly port: number,
    options: PeerOptions = {},
  ) {
    this.#options = {
      mss: 1360,
      sack: true,
      timestamps: true,
      shift: 7,
      window: 1_000_000,
      initial: 0xffff_f000,
      joins: false,
      ...options,
    };
  }

  get established(): boolean {
    return this.#synAcked;
  }

  get finAcknowledged(): boolean {
    return this.#fin && this.#una === this.#data.length + 2;
  }

  /** Appends to what it sends. */
  send(data: Uint8Array): void {
    const all = new Uint8Array(this.#data.length + data.length);
    all.set(this.#data);
    all.set(data, this.#data.length);
    this.#data = all;
  }

  finish(): void {
    this.#fin = true;
  }

  /** Everything read until now is joined: not for every packet. */
  collected(): Uint8Array {
    const all = new Uint8Array(this.#chunks.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const chunk of this.#chunks) {
      all.set(chunk, at);
      at += chunk.length;
    }
    this.#chunks = [all];
    return all;
  }

  resume(now: number): void {
    this.reading = true;
    this.#unread = 0;
    if (this.#client !== undefined) this.#emit(ACK, this.#nxt, new Uint8Array(0), now);
  }

  handle(packet: Uint8Array, now: number): void {
    const segment = readSegment(packet);
    if (segment === undefined || segment.destinationPort !== this.port) return;
    if (this.logging) this.log.push(segment);
    if (segment.flags & RST) {
      this.sawReset = true;
      this.#client = undefined;
      this.timerAt = undefined;
      return;
    }
    if (segment.flags & SYN) return this.#syn(packet, segment, now);
    if (this.#client === undefined) return;
    const stamps = segment.options.get(8);
    const seq = this.#rcvNxt + ((segment.seq - this.#wire(this.#irs, this.#rcvNxt)) | 0);
    if (stamps !== undefined && seq <= this.#rcvNxt) this.#tsRecent = View.u32(stamps, 0);
    if (segment.flags & ACK) this.#acked(segment, now);
    this.#text(segment, seq, now);
    this.pump(now);
  }

  /** What may be sent now. */
  pump(now: number): void {
    if (!this.#synAcked || this.#client === undefined) return;
    const limit = this.#una + this.#peerWindow;
    const mss = this.#peerMss - (this.#agreed.timestamps ? 12 : 0);
    while (this.#nxt <= this.#data.length && this.#nxt < limit) {
      const length = Math.min(mss, this.#data.length + 1 - this.#nxt, limit - this.#nxt);
      const at = this.#nxt;
      this.#nxt += length;
      this.#emit(ACK | PSH, at, this.#data.subarray(at - 1, at - 1 + length), now);
    }
    if (this.#fin && this.#nxt === this.#data.length + 1) {
      this.#nxt++;
      this.#emit(ACK | FIN, this.#nxt - 1, new Uint8Array(0), now);
    }
    const waits = this.#una < this.#nxt || this.#una <= this.#data.length;
    if (waits) this.timerAt ??= now + RETRANSMIT_MS;
  }

  timeout(now: number): void {
    if (this.timerAt === undefined || this.timerAt > now) return;
    this.timerAt = now + RETRANSMIT_MS;
    if (!this.#synAcked) return this.#emit(SYN | ACK, 0, new Uint8Array(0), now);
    this.#nxt = this.#una;
    if (this.#peerWindow === 0 && this.#nxt <= this.#data.length) {
      // Probe with one octet.
      const at = this.#nxt++;
      return this.#emit(ACK, at, this.#data.subarray(at - 1, at), now);
    }
    this.pump(now);
  }

  #wire(initial: number, offset: number): number {
    return (initial + offset) >>> 0;
  }

  #syn(packet: Uint8Array, segment: Segment, now: number): void {
    if (this.#client === undefined) {
      this.accepted++;
      this.#client = { address: View.u32(packet, 12), port: segment.sourcePort };
      this.#irs = segment.seq;
      this.#rcvNxt = 1;
      this.#nxt = 1;
      const { options } = segment;
      const offered = this.#options;
      this.#agreed = {
        sack: offered.sack && options.has(4),
        timestamps: offered.timestamps && options.has(8),
        scale: offered.shift !== undefined && options.has(3),
      };
      this.#peerShift = this.#agreed.scale ? options.get(3)![0]! : 0;
      const mss = options.get(2);
      if (mss !== undefined) this.#peerMss = Math.min(offered.mss, View.u16(mss, 0));
      if (this.#agreed.timestamps) this.#tsRecent = View.u32(options.get(8)!, 0);
      this.#peerWindow = segment.window;
    }
    this.timerAt = now + RETRANSMIT_MS;
    this.#emit(SYN | ACK, 0, new Uint8Array(0), now);
  }

  #acked(segment: Segment, now: number): void {
    const ack = this.#una + ((segment.ack - this.#wire(this.#options.initial, this.#una)) | 0);
    if (ack > this.#data.length + 2 || ack < this.#una) return;
    const window = segment.window * 2 ** this.#peerShift;
    if (!this.#synAcked && ack >= 1) this.#synAcked = true;
    if (ack > this.#una) {
      this.#una = ack;
      this.#nxt = Math.max(this.#nxt, ack);
      this.#dups = 0;
      this.timerAt = this.#una < this.#nxt ? now + RETRANSMIT_MS : undefined;
    } else if (segment.data.length === 0 && window === this.#peerWindow && this.#una < this.#nxt) {
      if (++this.#dups === 3) {
        const at = this.#una;
        const length = Math.min(this.#peerMss - 12, this.#data.length + 1 - at);
        if (length > 0) this.#emit(ACK, at, this.#data.subarray(at - 1, at - 1 + length), now);
      }
    }
    this.#peerWindow = window;
  }

  #text(segment: Segment, seq: number, now: number): void {
    const { data, flags } = segment;
    if (data.length === 0 && !(flags & FIN) && seq >= this.#rcvNxt) return;
    if (flags & FIN) this.#finAt = seq + data.length;
    const room = this.#rcvNxt + this.#options.window - this.#unread;
    if (data.length > 0 && seq + data.length <= room && seq + data.length > this.#rcvNxt) {
      const known = this.#segments.get(seq);
      if (known === undefined || known.length < data.length) this.#segments.set(seq, data);
    }
    this.#assemble();
    this.#acknowledge(seq, seq + data.length, now);
  }

  #acknowledge(seq: number, end: number, now: number): void {
    const follows = seq === this.#runEnd && end - this.#runStart <= RUN_OCTETS_MAX;
    const joined = this.#options.joins && follows && this.out.length > 0;
    if (joined && this.out.at(-1) === this.#lastAck) this.out.pop();
    else this.#runStart = seq;
    this.#runEnd = end;
    this.#emit(ACK, this.#nxt, new Uint8Array(0), now);
    this.#lastAck = this.out.at(-1);
  }

  #assemble(): void {
    for (let found = true; found; ) {
      found = false;
      for (const [seq, data] of this.#segments) {
        if (seq > this.#rcvNxt) continue;
        this.#segments.delete(seq);
        const fresh = data.subarray(this.#rcvNxt - seq);
        if (seq + data.length <= this.#rcvNxt) continue;
        this.#chunks.push(fresh);
        this.#rcvNxt += fresh.length;
        if (!this.reading) this.#unread += fresh.length;
        found = true;
      }
    }
    if (this.#finAt === this.#rcvNxt) {
      this.#rcvNxt++;
      this.sawFin = true;
    }
  }

  #sackBlocks(): number[] {
    const sorted = [...this.#segments].sort(([a], [b]) => a - b);
    const blocks: [number, number][] = [];
    for (const [seq, data] of sorted) {
      const last = blocks.at(-1);
      if (last !== undefined && seq <= last[1]) last[1] = Math.max(last[1], seq + data.length);
      else blocks.push([seq, seq + data.length]);
    }
    return blocks
      .slice(-3)
      .reverse()
      .flatMap(([start, end]) => [this.#wire(this.#irs, start), this.#wire(this.#irs, end)]);
  }

  #emit(flags: number, offset: number, data: Uint8Array, now: number): void {
    const client = this.#client;
    if (client === undefined) return;
    const options: number[] = [];
    if (flags & SYN) {
      options.push(2, 4, this.#options.mss >>> 8, this.#options.mss & 255);
      if (this.#agreed.sack) options.push(4, 2, 1, 1);
      if (this.#agreed.scale) options.push(3, 3, this.#options.shift!, 1);
    }
    if (this.#agreed.timestamps) {
      options.push(1, 1, 8, 10, ...View.octets32(Math.floor(now) + 77_000));
      options.push(...View.octets32(this.#tsRecent));
    }
    const blocks = this.#agreed.sack && !(flags & SYN) ? this.#sackBlocks() : [];
    if (blocks.length > 0 && data.length === 0) {
      options.push(1, 1, 5, 2 + 4 * blocks.length, ...blocks.flatMap(View.octets32));
    }
    const free = Math.max(0, this.#options.window - this.#unread);
    const window = this.#agreed.scale && !(flags & SYN) ? free >> this.#options.shift! : free;
    this.out.push(
      makeSegment({
        source: this.address,
        destination: client.address,
        sourcePort: this.port,
        destinationPort: client.port,
        seq: this.#wire(this.#options.initial, offset),
        ack: this.#wire(this.#irs, this.#rcvNxt),
        flags,
        window: Math.min(window, 65_535),
        options,
        data,
      }),
    );
  }
}

export type Made = {
  readonly source: number;
  readonly destination: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  readonly window?: number;
  readonly options?: readonly number[];
  readonly data?: Uint8Array;
};

export function makeSegment(made: Made): Uint8Array {
  const options = [...(made.options ?? [])];
  while (options.length % 4 !== 0) options.push(0);
  const data = made.data ?? new Uint8Array(0);
  const header = 20 + options.length;
  const packet = new Uint8Array(20 + header + data.length);
  packet.set([0x45, 0, packet.length >>> 8, packet.length & 255, 0, 0, 0x40, 0, 64, 6, 0, 0]);
  packet.set(View.octets32(made.source), 12);
  packet.set(View.octets32(made.destination), 16);
  packet.set(View.octets16(View.sum(packet.subarray(0, 20), 0)), 10);
  packet.set([...View.octets16(made.sourcePort), ...View.octets16(made.destinationPort)], 20);
  packet.set([...View.octets32(made.seq), ...View.octets32(made.ack)], 24);
  packet.set([(header / 4) << 4, made.flags, ...View.octets16(made.window ?? 65_535)], 32);
  packet.set(options, 40);
  packet.set(data, 20 + header);
  packet.set(View.octets16(tcpSum(packet)), 36);
  return packet;
}

function tcpSum(packet: Uint8Array): number {
  const pseudo = new Uint8Array(12);
  pseudo.set(packet.subarray(12, 20));
  pseudo.set([0, 6, ...View.octets16(packet.length - 20)], 8);
  return View.sum(packet.subarray(20), View.sum16(pseudo, 0));
}

/** Undefined when it is no TCP, or its checksum is wrong. */
export function readSegment(packet: Uint8Array): Segment | undefined {
  if (packet[0] !== 0x45 || packet[9] !== 6 || packet.length !== View.u16(packet, 2))
    return undefined;
  if (tcpSum(packet) !== 0 || View.sum(packet.subarray(0, 20), 0) !== 0) return undefined;
  const end = 20 + (packet[32]! >>> 4) * 4;
  const options = new Map<number, Uint8Array>();
  for (let at = 40; at < end; ) {
    const kind = packet[at]!;
    if (kind === 0) break;
    if (kind === 1) at++;
    else {
      options.set(kind, packet.slice(at + 2, at + packet[at + 1]!));
      at += packet[at + 1]!;
    }
  }
  return {
    sourcePort: View.u16(packet, 20),
    destinationPort: View.u16(packet, 22),
    seq: View.u32(packet, 24),
    ack: View.u32(packet, 28),
    flags: packet[33]!,
    window: View.u16(packet, 34),
    options,
    data: packet.slice(end),
  };
}
