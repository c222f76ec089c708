// The GRE of all honest sessions of this process: one socket, packets by the Call ID that we gave. What
// does not come from the server the kernel keeps away: a stream on this host would drown the rest.
import type { Ipv4 } from "../../base/ip.js";
import { SLOT_OCTETS } from "../../base/kernel-layout.js";
import { isOsError, type OsError, osError } from "../../os/errors.js";
import { type GreSocket, openGreSockets } from "../../os/gre-socket.js";
import { ReceiveSlots } from "../../os/packet-memory.js";
import { ACCEPT, attachFilter, DROP } from "../../os/socket-filter.js";
import { GRE_PROTOCOL, GreHeader, greHeaderOctets, readGre, writeGre } from "../../wire/gre.js";
import { Ipv4Header, readIpv4 } from "../../wire/ipv4.js";

export type GreCall = {
  readonly local: Ipv4;
  readonly callId: number;
  take(sequence: number, frame: Uint8Array): void;
};

const SLOTS = 64;
const BATCHES_PER_TURN = 16;

export class GreEnd implements Disposable {
  readonly #slots = new ReceiveSlots(SLOTS);
  readonly #ip = new Ipv4Header();
  readonly #gre = new GreHeader();
  readonly #calls = new Map<number, GreCall>();

  private constructor(
    readonly socket: GreSocket,
    readonly server: Ipv4,
  ) {}

  /** Needs CAP_NET_RAW. */
  static open(server: Ipv4): GreEnd | OsError {
    const socket = openGreSockets();
    if (isOsError(socket)) return socket;
    // IPv4's source address, as it lies at 12.
    const fromServer = [
      [0x20, 0, 0, 12],
      [0x15, 0, 1, server],
    ] as const;
    const filtered = attachFilter(socket.descriptors.receive, [...fromServer, ACCEPT, DROP]);
    const end = new GreEnd(socket, server);
    const watch = filtered < 0 ? osError("SO_ATTACH_FILTER", filtered) : end.#watch();
    if (!isOsError(watch)) return end;
    socket[Symbol.dispose]();
    return watch;
  }

  listen(call: GreCall): void {
    this.#calls.set(call.callId, call);
  }

  forget({ callId }: GreCall): void {
    this.#calls.delete(callId);
  }

  send(
    local: Ipv4,
    peersCallId: number,
    frame: Uint8Array | undefined,
    sequence: number,
    acknowledgment: number | undefined,
  ): void {
    const header = greHeaderOctets(frame !== undefined, acknowledgment !== undefined);
    const packet = new Uint8Array(header + (frame?.length ?? 0));
    const numbered = frame === undefined ? undefined : sequence;
    writeGre(packet, 0, peersCallId, frame?.length ?? 0, numbered, acknowledgment);
    if (frame !== undefined) packet.set(frame, header);
    this.socket.send(packet, 0, packet.length, local, this.server, true);
  }

  [Symbol.dispose](): void {
    this.socket[Symbol.dispose]();
  }

  #watch(): Disposable | OsError {
    return this.socket.watch(() => this.#read());
  }

  #read(): void {
    for (let batch = 0; batch < BATCHES_PER_TURN; batch++) {
      const count = this.socket.readBatch(this.#slots);
      for (let i = 0; i < count; i++) {
        if (this.#slots.truncated[i] === 1) continue;
        this.#take(i * SLOT_OCTETS, i * SLOT_OCTETS + this.#slots.lengths[i]!);
      }
      if (count < SLOTS) return;
    }
  }

  #take(start: number, end: number): void {
    const { octets } = this.#slots;
    if (readIpv4(octets, start, end, this.#ip) !== undefined) return;
    const { protocol, payloadStart, end: packetEnd, destination } = this.#ip;
    if (protocol !== GRE_PROTOCOL) return;
    if (readGre(octets, payloadStart, packetEnd, this.#gre) !== undefined) return;
    const { callId, hasSequence, sequence, payloadStart: from, payloadEnd: to } = this.#gre;
    const call = this.#calls.get(callId);
    if (call === undefined || call.local !== destination || !hasSequence || from === to) return;
    call.take(sequence, octets.slice(from, to));
  }
}
