// Two iovecs for one packet: a short header of our own before it, and the octets of the caller's.
import { IOVEC_LENGTH, IOVEC_OCTETS } from "../base/kernel-layout.js";
import { type Address, BufferAddress, Memory } from "./libc.js";

export class HeadedVectors {
  /** All zero, unless somebody writes it. */
  readonly header: Memory;
  readonly count: number;
  readonly #vectors = new Memory(2 * IOVEC_OCTETS);
  readonly #packet = new BufferAddress();
  /** Among others than numbers, so that no number is made for each call. */
  readonly #first: readonly [Address, undefined];

  /** Of 0 octets: no header. */
  constructor(headerOctets: number) {
    this.header = new Memory(headerOctets);
    this.count = headerOctets > 0 ? 2 : 1;
    this.#first = [this.#vectors.at(headerOctets > 0 ? 0 : IOVEC_OCTETS), undefined];
    if (headerOctets > 0) this.#vectors.setAddress(0, this.header.address);
    this.#vectors.setAddress(IOVEC_LENGTH, headerOctets);
  }

  get first(): Address {
    return this.#first[0];
  }

  /** False when offset..end is not inside `buffer`. */
  point(buffer: Uint8Array, offset: number, end: number): boolean {
    const address = this.#packet.of(buffer, offset, end);
    if (address === -1) return false;
    const { view } = this.#vectors;
    view.setUint32(IOVEC_OCTETS, address % 0x1_0000_0000, true);
    view.setUint32(IOVEC_OCTETS + 4, Math.floor(address / 0x1_0000_0000), true);
    view.setUint32(IOVEC_OCTETS + IOVEC_LENGTH, end - offset, true);
    return true;
  }

  /** What a call told, without the header. */
  packetOctets(result: number): number {
    return result < 0 ? result : result - this.header.octets.length;
  }
}
