// RFC 3078 §7, §8: encryption of what we send, stateless or stateful, 40, 56 or 128 bits.
import { MppeKey } from "../crypto/mppe-keys.js";
import { Rc4 } from "../crypto/rc4.js";
import {
  COHERENCY_COUNTS,
  ENCRYPTED,
  FLUSHED,
  MPPE_HEADER_OCTETS,
  writeMppeHeader,
} from "../wire/mppe.js";
import type { EncryptionTerms } from "../wire/worker-link.js";

/**
 * What a stateful peer does at a flushed packet outside of the 256-packet rhythm: Linux changes the
 * key, the RFC's text starts the same key anew. Learned from the peer's own packets (DEVIATION 24).
 */
export type FlushDialect = { rekeys: boolean };

export class MppeSend {
  readonly #key: MppeKey;
  readonly #cipher = new Rc4();
  readonly #stateful: boolean;
  readonly #dialect: FlushDialect;
  #count = COHERENCY_COUNTS - 1;
  #flushing = false;

  constructor(terms: EncryptionTerms, dialect: FlushDialect) {
    this.#key = new MppeKey(terms.sendStart, terms.bits);
    this.#stateful = terms.stateful;
    this.#dialect = dialect;
    this.#cipher.schedule(this.#key.octets, this.#key.octets.length);
  }

  /** The peer lost its place (CCP Reset-Request): the next packet starts the tables anew. */
  flush(): void {
    this.#flushing = this.#stateful;
  }

  /** Writes the MPPE header at `at` and encrypts [at + 2, end) in place. */
  encrypt(octets: Uint8Array, at: number, end: number): void {
    this.#count = (this.#count + 1) % COHERENCY_COUNTS;
    const flag = (this.#count & 0xff) === 0xff;
    const start = !this.#stateful || flag || this.#flushing;
    if (!this.#stateful || flag || (this.#flushing && this.#dialect.rekeys)) this.#key.step();
    if (start) this.#cipher.schedule(this.#key.octets, this.#key.octets.length);
    this.#flushing = false;
    writeMppeHeader(octets, at, ENCRYPTED | (start ? FLUSHED : 0), this.#count);
    this.#cipher.apply(octets, at + MPPE_HEADER_OCTETS, end);
  }

  wipe(): void {
    this.#key.wipe();
    this.#cipher.wipe();
  }
}
