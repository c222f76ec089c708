// PPP frames of a probe's calls, over the raw GRE socket and with no data path between: a probe has no
// data, and what it sends is what no session would.
import type { Ipv4 } from "../../base/ip.js";
import { SLOT_OCTETS } from "../../base/kernel-layout.js";
import type { Scope } from "../../base/scope.js";
import { isOsError, type OsError } from "../../os/errors.js";
import { type GreSocket, openGreSockets } from "../../os/gre-socket.js";
import { ReceiveSlots } from "../../os/packet-memory.js";
import { GRE_PROTOCOL, GreHeader, greHeaderOctets, readGre, writeGre } from "../../wire/gre.js";
import { Ipv4Header, readIpv4 } from "../../wire/ipv4.js";
import { decodeFrame, encodeFrame, type PppFrame } from "../../wire/ppp/frame.js";
import { Inbox } from "./inbox.js";

/** One call's: both ends' addresses, and the Call ID that each assigned. */
export type Ends = {
  readonly local: Ipv4;
  readonly server: Ipv4;
  readonly callId: number;
  readonly peersCallId: number;
};

const SLOTS = 16;

export class GreLine implements Disposable {
  readonly #slots = new ReceiveSlots(SLOTS);
  readonly #ip = new Ipv4Header();
  readonly #gre = new GreHeader();
  #line: PppLine | undefined;

  private constructor(readonly socket: GreSocket) {}

  /** Needs CAP_NET_RAW. */
  static open(scope: Scope): GreLine | OsError {
    const socket = openGreSockets();
    if (isOsError(socket)) return socket;
    const line = scope.hold("socket", new GreLine(socket), "GRE");
    const watch = socket.watch(() => line.#read());
    return isOsError(watch) ? watch : line;
  }

  /** The one call that is listened to. */
  call(ends: Ends): PppLine {
    this.#line = new PppLine(this.socket, ends);
    return this.#line;
  }

  [Symbol.dispose](): void {
    this.socket[Symbol.dispose]();
  }

  #read(): void {
    const count = this.socket.readBatch(this.#slots);
    for (let i = 0; i < count; i++) {
      if (this.#slots.truncated[i] === 1) continue;
      const start = i * SLOT_OCTETS;
      this.#take(start, start + this.#slots.lengths[i]!);
    }
  }

  #take(start: number, end: number): void {
    const { octets } = this.#slots;
    const ends = this.#line?.ends;
    if (ends === undefined || readIpv4(octets, start, end, this.#ip) !== undefined) return;
    const { source, protocol, payloadStart, end: packetEnd } = this.#ip;
    if (source !== ends.server || protocol !== GRE_PROTOCOL) return;
    if (readGre(octets, payloadStart, packetEnd, this.#gre) !== undefined) return;
    if (this.#gre.callId !== ends.callId) return;
    this.#line?.take(this.#gre, octets);
  }
}

export class PppLine {
  readonly #inbox = new Inbox<PppFrame>();
  #sequence = 0;
  #received: number | undefined;

  constructor(
    readonly socket: GreSocket,
    readonly ends: Ends,
  ) {}

  send(protocol: number, information: Uint8Array): void {
    this.sendFrame(encodeFrame(protocol, information));
  }

  sendFrame(frame: Uint8Array): void {
    const { local, server, peersCallId } = this.ends;
    const acknowledgment = this.#received;
    const header = greHeaderOctets(true, acknowledgment !== undefined);
    const packet = new Uint8Array(new ArrayBuffer(header + frame.length));
    writeGre(packet, 0, peersCallId, frame.length, this.#sequence++, acknowledgment);
    packet.set(frame, header);
    // A lost one is sent again by whoever waits for its answer.
    this.socket.send(packet, 0, packet.length, local, server, true);
  }

  next(ms: number): Promise<PppFrame | undefined> {
    return this.#inbox.next(ms);
  }

  take(gre: GreHeader, octets: Uint8Array): void {
    if (!gre.hasSequence || gre.payloadEnd === gre.payloadStart) return;
    this.#received = gre.sequence;
    const frame = decodeFrame(octets.slice(gre.payloadStart, gre.payloadEnd));
    if (frame.ok) this.#inbox.put(frame.value);
  }
}
