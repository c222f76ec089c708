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
import { type GreSocket, openGreSockets } from "../../os/gre-socket.js";
import { PacketMemory, SendBatch } from "../../os/packet-memory.js";
import { attachFilter, DROP } from "../../os/socket-filter.js";
import { write16 } from "../../wire/ip-octets.js";
import type { LiveCall, Sent } from "../messages.js";
import type { HostilePacket, PacketScenario } from "../scenario.js";

const CALL_ID = 6;
const GRE_HEADER_LEAST = 8;
const RETRY_MS = 1;

export type PacketStreamTerms = {
  readonly scenario: PacketScenario;
  readonly chance: Chance;
  readonly server: Ipv4;
  readonly sources: readonly Ipv4[];
  readonly perSecond: number;
};

export class PacketStream implements Disposable {
  readonly #terms: PacketStreamTerms;
  readonly #socket: GreSocket;
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

  private constructor(terms: PacketStreamTerms, socket: GreSocket) {
    this.#terms = terms;
    this.#socket = socket;
    const count = bounds.batchPackets;
    const headers = count * SLOT_OCTETS;
    this.#records = headers + count * MMSGHDR_OCTETS;
    this.#memory = new PacketMemory(new Uint8Array(this.#records + count * SEND_RECORD_OCTETS));
    const places = { count, slots: 0, headers, records: this.#records };
    this.#batch = new SendBatch(this.#memory, places);
  }

  /** Needs CAP_NET_RAW. */
  static open(terms: PacketStreamTerms): PacketStream | OsError {
    const socket = openGreSockets();
    if (isOsError(socket)) return socket;
    // Nothing is read here: neither answers nor what others send.
    const deaf = attachFilter(socket.descriptors.receive, [DROP]);
    if (deaf >= 0) return new PacketStream(terms, socket);
    socket[Symbol.dispose]();
    return osError("SO_ATTACH_FILTER", deaf);
  }

  get sent(): Sent {
    const [packets, octets, refused] = [this.#packets, this.#octets, this.#refused];
    const { whole } = this.#terms.scenario;
    const turns =
      whole === undefined ? {} : { turns: { had: Math.min(packets, whole), of: whole } };
    return { packets, octets, refused, connections: 0, taken: 0, closed: 0, ...turns };
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
    this.#socket[Symbol.dispose]();
  }

  #send(count: number): OsError | undefined {
    const { scenario, chance } = this.#terms;
    const lengths: number[] = [];
    for (let i = 0; i < count; i++) {
      lengths.push(this.#write(i, scenario.packet(chance, this.#number++)));
    }
    for (let from = 0; from < count; ) {
      const went = this.#batch.send(this.#socket.descriptors.sendNoDf, from, count);
      if (went < 0) {
        if (-went !== EAGAIN && -went !== ENOBUFS) return osError("sendmmsg", errnoName(went));
        this.#refused += count - from;
        return undefined;
      }
      for (let i = from; i < from + went; i++) this.#octets += lengths[i] ?? 0;
      this.#packets += went;
      from += Math.max(went, 1);
    }
    return undefined;
  }

  #write(index: number, { octets, live }: HostilePacket): number {
    const { sources, server } = this.#terms;
    const call = live ? this.live[this.#number % this.live.length] : undefined;
    const at = index * SLOT_OCTETS;
    this.#memory.octets.set(octets, at);
    if (call !== undefined && octets.length >= GRE_HEADER_LEAST) {
      write16(this.#memory.octets, at + CALL_ID, call.callId);
    }
    const source = call?.local ?? sources[this.#number % sources.length]!;
    const record = this.#records + index * SEND_RECORD_OCTETS;
    this.#memory.view.setBigUint64(record + SEND_LENGTH, BigInt(octets.length), true);
    this.#memory.view.setUint32(record + SEND_DESTINATION, server, false);
    this.#memory.view.setUint32(record + SEND_SOURCE, source, false);
    return octets.length;
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
