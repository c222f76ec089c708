// Packets of the TUN that came to a worker which has no flow for them go to the next worker, in a ring
// of datagram sockets: an octet that says how often it was passed on, then the packet.
import { lease } from "../base/lease.js";
import type { Scope } from "../base/scope.js";
import { EINVAL, isOsError, type OsError, osError } from "./errors.js";
import { HeadedVectors } from "./headed-vectors.js";
import { close, readv, setNonBlocking, socketPair, writev } from "./libc.js";

/** One worker's two places in the ring. */
export type RingDescriptors = { readonly previous: number; readonly next: number };

export class HandOver {
  readonly #receiving = new HeadedVectors(1);
  readonly #sending = new HeadedVectors(1);

  constructor(readonly descriptors: RingDescriptors) {}

  /** How often the packet that came last was passed on. */
  get passes(): number {
    return this.#receiving.header.octets[0]!;
  }

  /** One packet into `buffer`: its octets, or -errno. Never waits. */
  receive(buffer: Uint8Array): number {
    const vectors = this.#receiving;
    if (!vectors.point(buffer, 0, buffer.byteLength)) return -EINVAL;
    const { first, count } = vectors;
    return vectors.packetOctets(readv(this.descriptors.previous, first, count));
  }

  /** Gives `packet[start..end)` to the next worker: its octets, or -errno (EAGAIN: it does not read). */
  pass(packet: Uint8Array, start: number, end: number, passes: number): number {
    const vectors = this.#sending;
    if (!vectors.point(packet, start, end)) return -EINVAL;
    vectors.header.octets[0] = passes;
    const { first, count } = vectors;
    return vectors.packetOctets(writev(this.descriptors.next, first, count));
  }
}

/** The places of `workers` workers; held by `scope`. None for a single one. */
export function openRing(workers: number, scope: Scope): readonly RingDescriptors[] | OsError {
  if (workers < 2) return [];
  const pairs: (readonly [number, number])[] = [];
  for (let i = 0; i < workers; i++) {
    const pair = socketPair("datagram");
    if (isOsError(pair)) return pair;
    for (const fd of pair) {
      const closing = lease(() => void close(fd));
      scope.hold("socket", closing, "worker ring");
      const result = setNonBlocking(fd);
      if (result < 0) return osError("fcntl F_SETFL", result);
    }
    pairs.push(pair);
  }
  // Worker i writes into pair i, worker i + 1 reads from it.
  return pairs.map(([next], i) => ({ next, previous: pairs.at(i - 1)![1] }));
}
