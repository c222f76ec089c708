// The data path of a simulated worker, one packet at a time: the engine in TypeScript alone, or with the
// compiled lane before it. Whichever it is, everything else of a run is the same to the digest.

import type { Chance } from "../../src/base/chance.js";
import type { Instant } from "../../src/base/instant.js";
import type { Ipv4 } from "../../src/base/ip.js";
import { SLOT_OCTETS } from "../../src/base/kernel-layout.js";
import { Batches, type Lane } from "../../src/plane/batches.js";
import type { Sinks } from "../../src/plane/context.js";
import { Engine } from "../../src/plane/engine.js";
import { MemoryKernel, segmentsOf } from "../plane/lane.js";
import { type EngineKind, giveMemoryBack, type Lent, lendMemory } from "./memories.js";
import type { Network } from "./network.js";
import type { Schedule } from "./schedule.js";

/** Packets that the compiled lane took by itself: of all data paths so far. */
export const counted = { byLane: 0 };

function counting(lane: Lane): Lane {
  return {
    ...lane,
    receive: (from, count, now) => {
      const next = lane.receive(from, count, now);
      if (from < count && next === count) counted.byLane++;
      return next;
    },
    transmit: (length, now) => {
      const queued = lane.transmit(length, now);
      if (queued >= 0) counted.byLane++;
      return queued;
    },
  };
}

const EMSGSIZE = 90;
const ENOBUFS = 105;

/** What the kernel says to a datagram: now and then that it has no room, or that the path is narrower. */
export class SendErrors {
  /** By peer: so long and unfragmented nothing passes, which the kernel then says each time. */
  readonly #narrow = new Map<Ipv4, number>();

  constructor(
    readonly chance: Chance,
    readonly rate: number,
  ) {}

  /** -errno, or 0 where it goes. */
  of(destination: Ipv4, octets: number, dontFragment: boolean): number {
    if (dontFragment && octets >= (this.#narrow.get(destination) ?? Number.POSITIVE_INFINITY)) {
      return -EMSGSIZE;
    }
    if (!this.chance.happens(this.rate)) return 0;
    if (!dontFragment || !this.chance.happens(0.2)) return -ENOBUFS;
    this.#narrow.set(destination, octets);
    return -EMSGSIZE;
  }
}

/** What a data path sends goes into `network`, or is refused by its kernel; what it delivers, to `packet`. */
export function kernelSinks(
  network: Network,
  schedule: Schedule,
  errors: SendErrors,
  packet: (octets: Uint8Array) => void,
): Pick<Sinks, "sendGre" | "writeTun"> {
  return {
    sendGre: (source: Ipv4, destination: Ipv4, octets, start, end, dontFragment) => {
      const error = errors.of(destination, end - start, dontFragment);
      if (error < 0) return error;
      network.send(source, destination, octets.slice(start, end));
      return end - start;
    },
    writeTun: (octets, start, end) => {
      const written = octets.slice(start, end);
      schedule.in(0, () => packet(written));
      return end - start;
    },
  };
}

export class DataPath {
  readonly engine: Engine;
  readonly #lent: Lent;
  readonly #kernel: MemoryKernel | undefined;
  readonly #batches: Batches;

  constructor(
    flows: number,
    readonly kind: EngineKind,
    readonly sinks: Sinks,
  ) {
    this.#lent = lendMemory(flows, kind);
    const { memory, lane } = this.#lent;
    this.engine = new Engine(sinks, memory);
    this.#kernel = lane === undefined ? undefined : new MemoryKernel(memory);
    this.#batches = new Batches(this.engine, memory, lane && counting(lane), {
      writeCoalesced: (index, vectors) => this.#write(index, vectors),
      sendSlots: (from, to) => this.#send(from, to),
    });
  }

  datagram(octets: Uint8Array, now: Instant): void {
    if (this.#kernel !== undefined) {
      this.#kernel.putDatagram(0, octets);
      this.#batches.received(1, now);
    } else if (octets.length > SLOT_OCTETS) this.engine.handleTruncated(now);
    else this.engine.handleDatagram(octets, 0, octets.length, now);
  }

  packet(octets: Uint8Array, now: Instant): void {
    if (this.#kernel === undefined) {
      this.engine.handleTunPacket(octets, 0, octets.length, now);
      return;
    }
    this.#batches.read(this.#kernel.putPacket(octets), now);
    this.#batches.sendQueued(now);
  }

  /** For good. Throws where a key is left. */
  close(): void {
    this.engine.close();
    giveMemoryBack(this.#lent);
  }

  #write(index: number, vectors: number): number {
    const { header, packet } = this.#kernel!.coalesced(index, vectors);
    for (const one of segmentsOf(header, packet)) {
      const written = this.sinks.writeTun(one, 0, one.length);
      if (written < 0) return written;
    }
    return header.length + packet.length;
  }

  /** As sendmmsg does: an error is the first one's, behind that it is a smaller number. */
  #send(from: number, to: number): number {
    for (let slot = from; slot < to; slot++) {
      const { source, destination, octets } = this.#kernel!.queued(slot);
      const sent = this.sinks.sendGre(source, destination, octets, 0, octets.length, true);
      if (sent < 0) return slot > from ? slot - from : sent;
    }
    return to - from;
  }
}
