// RFC 3078 §7, §8: encryption of what we send, stateless or stateful, 40, 56 or 128 bits.
import { type KeyBits, MppeKey } from "../crypto/mppe-keys.js";
import {
  COHERENCY_COUNTS,
  ENCRYPTED,
  FLUSHED,
  MPPE_HEADER_OCTETS,
  writeMppeHeader,
} from "../wire/mppe.js";
import type { EncryptionTerms } from "../wire/worker-link.js";
import { SEND_BOX, SEND_COUNT, SEND_KEY, SEND_START, STREAM_PLACES } from "./layout.js";
import { FlowCells } from "./memory.js";
import { cipher, keyOf, wipeWork } from "./mppe-work.js";

const SEND_PLACES = STREAM_PLACES + 2;

/**
 * What a stateful peer does at a flushed packet outside of the 256-packet rhythm: Linux changes the
 * key, the RFC's text starts the same key anew. Learned from the peer's own packets (DEVIATION 24).
 */
export type FlushDialect = { rekeys: boolean };

export class MppeSend {
  readonly #cells: FlowCells;
  readonly #bits: KeyBits;
  readonly #stateful: boolean;
  readonly #dialect: FlushDialect;
  #flushing = false;

  constructor(terms: EncryptionTerms, dialect: FlushDialect, cells = FlowCells.alone()) {
    this.#cells = cells;
    this.#bits = terms.bits;
    this.#stateful = terms.stateful;
    this.#dialect = dialect;
    const { octets } = cells.views;
    const key = new MppeKey(terms.sendStart, terms.bits);
    key.keep(octets, cells.at + SEND_KEY, cells.at + SEND_START);
    cipher.schedule(key.octets, key.octets.length);
    if (terms.stateful) cipher.keep(octets, cells.boxes + SEND_BOX, cells.at + SEND_PLACES);
    cells.setUint32(SEND_COUNT, COHERENCY_COUNTS - 1);
    key.wipe();
  }

  /** The peer lost its place (CCP Reset-Request): the next packet starts the tables anew. */
  flush(): void {
    this.#flushing = this.#stateful;
  }

  /** The next packet is not like the others. */
  get flushing(): boolean {
    return this.#flushing;
  }

  /** Writes the MPPE header at `at` and encrypts [at + 2, end) in place. */
  encrypt(octets: Uint8Array, at: number, end: number): void {
    const cells = this.#cells;
    const count = (cells.uint32(SEND_COUNT) + 1) % COHERENCY_COUNTS;
    const flag = (count & 0xff) === 0xff;
    const start = !this.#stateful || flag || this.#flushing;
    const steps = !this.#stateful || flag || (this.#flushing && this.#dialect.rekeys);
    cells.setUint32(SEND_COUNT, count);
    this.#flushing = false;
    this.#turn(start, steps);
    writeMppeHeader(octets, at, ENCRYPTED | (start ? FLUSHED : 0), count);
    cipher.apply(octets, at + MPPE_HEADER_OCTETS, end);
    if (!this.#stateful) return;
    cipher.keep(cells.views.octets, cells.boxes + SEND_BOX, cells.at + SEND_PLACES);
  }

  wipe(): void {
    this.#cells.wipe(SEND_KEY, 32);
    if (this.#stateful) this.#cells.wipeBox(SEND_BOX);
    this.#cells.wipe(SEND_PLACES, 2);
    wipeWork();
  }

  /** Puts the shared cipher where this stream stands: anew, with the next key if it `steps`. */
  #turn(start: boolean, steps: boolean): void {
    const { views, at, boxes } = this.#cells;
    if (!start) return cipher.take(views.octets, boxes + SEND_BOX, at + SEND_PLACES);
    const key = keyOf(this.#bits);
    key.take(views.octets, at + SEND_START, at + SEND_KEY);
    if (steps) key.step();
    key.keep(views.octets, at + SEND_KEY);
    cipher.schedule(key.octets, key.octets.length);
  }
}
