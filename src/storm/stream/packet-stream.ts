// Sends a scenario's GRE packets at a pace, many in one call of the kernel.
import type { Chance } from "../../base/chance.js";
import type { Ipv4 } from "../../base/ip.js";
import {
  MMSGHDR_OCTETS,
  SEND_DESTINATION,
  SEND_LENGTH,
  SEND_RECORD_OCTETS,
  SEND_SOURCE,
  SLOT_OCTETS,
} from "../../base/kernel-layout.js";
import { storm as bounds } from "../../limits/storm.js";
import { monotonicNow } from "../../os/clock.js";
import { EAGAIN, ENOBUFS, errnoName, isOsError, type OsError, osError } from "../../os/errors.js";
import { openGreSockets } from "../../os/gre-socket.js";
import { PacketMemory, SendBatch } from "../../os/packet-memory.js";
import { attachFilter, DROP } from "../../os/socket-filter.js";
import { write16 } from "../../wire/ip-octets.js";
import type { LiveCall, Sent } from "../messages.js";
import type { HostilePacket, PacketScenario } from "../scenario.js";

const CALL_ID = 6;
const GRE_HEADER_LEAST = 8;
const RETRY_MS = 1;

/** How packets leave. */
export type PacketWay = Disposable & {
  readonly descriptor: number;
  /**
   * Writes a packet from that address at `at`, which is within a slot; of a live call `call` is one. Its octets; 0: none
   * to send, since it would be of a call and there is none.
   */
  write(
    octets: Uint8Array,
    at: number,
    packet: HostilePacket,
    source: Ipv4,
    call?: LiveCall,
  ): number;
  /** Of segments, if it sends those. */
  readonly segments?: Sent["segments"];
};

export type PacketStreamTerms = {
  readonly scenario: PacketScenario;
  readonly chance: Chance;
  readonly server: Ipv4;
  readonly sources: readonly Ipv4[];
  readonly perSecond: number;
};

export class PacketStream implements Disposable {
  readonly #terms: PacketStreamTerms;
  readonly #way: PacketWay;
  readonly #memory: PacketMemory;
  readonly #batch: SendBatch;
  readonly #records: number;
  readonly #begun = monotonicNow();
  live: readonly LiveCall[] = [];
  #number = 0;
  #packets = 0;
  #octets = 0;
  #refused = 0;
  #over = false;

  private constructor(terms: PacketStreamTerms, way: PacketWay) {
    this.#terms = terms;
    this.#way = way;
    const count = bounds.batchPackets;
    const headers = count * SLOT_OCTETS;
    this.#records = headers + count * MMSGHDR_OCTETS;
    this.#memory = new PacketMemory(new Uint8Array(this.#records + count * SEND_RECORD_OCTETS));
    const places = { count, slots: 0, headers, records: this.#records };
    this.#batch = new SendBatch(this.#memory, places);
  }

  /** Takes the way over. */
  static open(terms: PacketStreamTerms, way: PacketWay | OsError): PacketStream | OsError {
    return isOsError(way) ? way : new PacketStream(terms, way);
  }

  get sent(): Sent {
    const [packets, octets, refused] = [this.#packets, this.#octets, this.#refused];
    const { whole } = this.#terms.scenario;
    const turns =
      whole === undefined ? {} : { turns: { had: Math.min(packets, whole), of: whole } };
    const { segments } = this.#way;
    const more = segments === undefined ? turns : { ...turns, segments };
    return { packets, octets, refused, connections: 0, taken: 0, closed: 0, ...more };
  }

  /** Until it is disposed of. The error of a kernel that wants none of it. */
  async run(): Promise<OsError | undefined> {
    while (!this.#over) {
      const { perSecond } = this.#terms;
      const due = ((monotonicNow() - this.#begun) / 1_000) * perSecond - this.#number;
      let left = Math.min(due, bounds.turnPacketsMax);
      while (left >= 1 && !this.#over) {
        const count = Math.min(bounds.batchPackets, Math.floor(left));
        const failure = this.#send(count);
        if (failure !== undefined) return failure;
        left -= count;
      }
      await (due > bounds.turnPacketsMax ? nextTurn() : pause(RETRY_MS));
    }
    return undefined;
  }

  [Symbol.dispose](): void {
    if (this.#over) return;
    this.#over = true;
    this.#way[Symbol.dispose]();
  }

  #send(count: number): OsError | undefined {
    const { scenario, chance } = this.#terms;
    const lengths: number[] = [];
    for (let i = 0; i < count; i++) {
      const length = this.#write(lengths.length, scenario.packet(chance, this.#number));
      this.#number++;
      if (length > 0) lengths.push(length);
    }
    for (let from = 0; from < lengths.length; ) {
      const went = this.#batch.send(this.#way.descriptor, from, lengths.length);
      if (went < 0) {
        if (-went !== EAGAIN && -went !== ENOBUFS) return osError("sendmmsg", errnoName(went));
        this.#refused += lengths.length - from;
        return undefined;
      }
      for (let i = from; i < from + went; i++) this.#octets += lengths[i] ?? 0;
      this.#packets += went;
      from += Math.max(went, 1);
    }
    return undefined;
  }

  /** 0: nothing to send. */
  #write(index: number, packet: HostilePacket): number {
    const { sources, server } = this.#terms;
    // The pieces of a datagram come from one address.
    const turn = packet.piece?.datagram ?? this.#number;
    const call = packet.live ? this.live[turn % this.live.length] : undefined;
    const source = call?.local ?? sources[turn % sources.length]!;
    const at = index * SLOT_OCTETS;
    const length = this.#way.write(this.#memory.octets, at, packet, source, call);
    const record = this.#records + index * SEND_RECORD_OCTETS;
    this.#memory.view.setBigUint64(record + SEND_LENGTH, BigInt(length), true);
    this.#memory.view.setUint32(record + SEND_DESTINATION, server, false);
    this.#memory.view.setUint32(record + SEND_SOURCE, source, false);
    return length;
  }
}

/** GRE with a header of the kernel's. Needs CAP_NET_RAW. */
export function openGreWay(): PacketWay | OsError {
  const socket = openGreSockets();
  if (isOsError(socket)) return socket;
  // Nothing is read here: neither answers nor what others send.
  const deaf = attachFilter(socket.descriptors.receive, [DROP]);
  if (deaf < 0) {
    socket[Symbol.dispose]();
    return osError("SO_ATTACH_FILTER", deaf);
  }
  return {
    descriptor: socket.descriptors.sendNoDf,
    write: (into, at, { octets }, _source, call) => {
      into.set(octets, at);
      addressed(into, at, octets.length, call);
      return octets.length;
    },
    [Symbol.dispose]: () => socket[Symbol.dispose](),
  };
}

/** Into that call, where the octets are long enough to name one. */
export function addressed(into: Uint8Array, at: number, octets: number, call?: LiveCall): void {
  if (call !== undefined && octets >= GRE_HEADER_LEAST) write16(into, at + CALL_ID, call.callId);
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
