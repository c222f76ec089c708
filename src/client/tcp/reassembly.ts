// RFC 791 §3.2, RFC 5722: packets that came in fragments, put together again: a few at once, and for so long.
// Fragments that contradict each other spoil their packet: nobody of good faith sends them.
import { after, type Instant } from "../../base/instant.js";
import type { Deadline } from "../../core/deadline.js";
import { stack } from "../../limits.js";
import { read16 } from "../../wire/ip-octets.js";
import { IPV4_HEADER_OCTETS, type Ipv4Header, writeIpv4 } from "../../wire/ipv4.js";
import { Pieces } from "./pieces.js";

/** Total Length has 16 bits. */
const PACKET_OCTETS_MAX = 65_535;

class Parts {
  /** A header, and the payload as far as it came. */
  octets = new Uint8Array(0);
  readonly pieces = new Pieces(stack.fragmentGapsMax);
  /** Of the payload, once the last fragment came. */
  end: number | undefined;
  spoilt = false;

  constructor(readonly until: Instant) {}

  get whole(): boolean {
    const { pieces } = this;
    return pieces.count === 1 && pieces.start(0) === 0 && pieces.end(0) === this.end;
  }

  /** Further fragments of it are dropped for as long as they would have been waited for. */
  spoil(): void {
    this.spoilt = true;
    this.octets = new Uint8Array(0);
    this.pieces.clear();
  }

  /** Whether [start, end) may be a part of it, the last one or not. */
  fits(start: number, end: number, last: boolean): boolean {
    if (this.pieces.uncovered(start, end) !== end - start) return false;
    if (this.end !== undefined) return !last && end < this.end;
    return !last || this.pieces.highest(0) <= start;
  }

  holds(payload: Uint8Array, start: number): boolean {
    const end = start + payload.length;
    if (this.pieces.uncovered(start, end) !== 0) return false;
    const at = IPV4_HEADER_OCTETS + start;
    return payload.every((octet, index) => this.octets[at + index] === octet);
  }

  /** False when it would be one gap too many. */
  put(payload: Uint8Array, start: number): boolean {
    const end = start + payload.length;
    if (!this.pieces.add(start, end)) return false;
    const needed = IPV4_HEADER_OCTETS + end;
    if (needed > this.octets.length) {
      const grown = new Uint8Array(
        Math.min(PACKET_OCTETS_MAX, Math.max(needed, 2 * this.octets.length)),
      );
      grown.set(this.octets);
      this.octets = grown;
    }
    this.octets.set(payload, IPV4_HEADER_OCTETS + start);
    return true;
  }
}

export class Reassembly {
  /** By source, protocol and Identification; the oldest first. */
  readonly #parts = new Map<string, Parts>();

  constructor(readonly count: (reason: string) => void) {}

  /** The whole packet with a header of its own, why the fragment is dropped, or undefined: it waits. */
  take(octets: Uint8Array, header: Ipv4Header, now: Instant): Uint8Array | string | undefined {
    const { fragmentOffset: start, moreFragments } = header;
    const payload = octets.subarray(header.payloadStart, header.end);
    const end = start + payload.length;
    const cut = moreFragments && payload.length % 8 !== 0;
    if (payload.length === 0 || cut || end > PACKET_OCTETS_MAX - IPV4_HEADER_OCTETS)
      return "ip-fragment-length";
    const key = `${header.source} ${header.protocol} ${read16(octets, header.start + 4)}`;
    const parts = this.#parts.get(key) ?? this.#begin(key, now);
    if (!parts.spoilt && parts.holds(payload, start)) return "ip-fragment-repeated";
    if (parts.spoilt || !parts.fits(start, end, !moreFragments)) {
      parts.spoil();
      return "ip-fragment-overlap";
    }
    if (!parts.put(payload, start)) return "ip-fragment-gaps";
    if (!moreFragments) parts.end = end;
    if (!parts.whole) return undefined;
    this.#parts.delete(key);
    const total = IPV4_HEADER_OCTETS + parts.pieces.end(0);
    writeIpv4(parts.octets, 0, total, header.protocol, header.source, header.destination);
    return parts.octets.subarray(0, total);
  }

  handleTimeout(now: Instant): void {
    for (const [key, { until, spoilt }] of this.#parts) {
      if (until > now) return;
      this.#parts.delete(key);
      if (!spoilt) this.count("ip-reassembly-late");
    }
  }

  deadline(): Deadline | undefined {
    const [oldest] = this.#parts.values();
    return oldest && { at: oldest.until, why: "reassembly" };
  }

  get memoryOctets(): number {
    let octets = 0;
    for (const parts of this.#parts.values()) octets += parts.octets.length;
    return octets;
  }

  #begin(key: string, now: Instant): Parts {
    if (this.#parts.size >= stack.reassembliesMax) {
      const [oldest = key] = this.#parts.keys();
      this.#parts.delete(oldest);
      this.count("ip-reassembly-full");
    }
    const parts = new Parts(after(now, stack.reassemblyMs));
    this.#parts.set(key, parts);
    return parts;
  }
}
