// RFC 2637 §1.4, §2: cuts TCP's octets into control messages. A whole message is handed out as a view
// of the chunk; of an unfinished one at most the largest message (220 octets) is held.
import type { Malformed } from "../../base/decoded.js";
import { control } from "../../limits.js";
import { HEADER_OCTETS } from "../../wire/pptp/field-table.js";
import { decodeControlHeader } from "../../wire/pptp/index.js";

export type Frame =
  /** Valid until the next call. */
  | { readonly kind: "message"; readonly octets: Uint8Array }
  /** The chunk is used up. */
  | { readonly kind: "need-more" }
  /** For ever: the place of the next message is unknown (§1.4: never resynchronised). */
  | { readonly kind: "malformed"; readonly malformed: Malformed };

const NEED_MORE: Frame = { kind: "need-more" };
const NOTHING: Uint8Array = new Uint8Array(0);

/** `feed` a chunk, then `next` until it needs more: each message takes at least 12 octets of it. */
export class Framer {
  /** There while a message is unfinished. */
  #held = NOTHING;
  #heldOctets = 0;
  #chunk: Uint8Array = NOTHING;
  #malformed: Malformed | undefined;

  /** Octets of an unfinished message. */
  get heldOctets(): number {
    return this.#heldOctets;
  }

  /** The chunk before must have been used up. */
  feed(chunk: Uint8Array): void {
    this.#chunk = chunk;
  }

  next(): Frame {
    if (this.#malformed !== undefined) return { kind: "malformed", malformed: this.#malformed };
    if (this.#heldOctets === 0 && this.#chunk.length >= HEADER_OCTETS) return this.#direct();
    if (!this.#hold(HEADER_OCTETS)) return NEED_MORE;
    const header = decodeControlHeader(this.#held.subarray(0, HEADER_OCTETS));
    if (!header.ok) return this.#stop(header);
    const { length } = header.value;
    if (!this.#hold(length)) return NEED_MORE;
    this.#heldOctets = 0;
    const octets = this.#held.subarray(0, length);
    this.#held = NOTHING;
    return { kind: "message", octets };
  }

  #direct(): Frame {
    const header = decodeControlHeader(this.#chunk);
    if (!header.ok) return this.#stop(header);
    const { length } = header.value;
    if (this.#chunk.length < length) {
      this.#hold(length);
      return NEED_MORE;
    }
    const octets = this.#chunk.subarray(0, length);
    this.#chunk = this.#chunk.subarray(length);
    return { kind: "message", octets };
  }

  /** Moves octets from the chunk until `length` are held; false when the chunk is too short. */
  #hold(length: number): boolean {
    const taken = Math.min(Math.max(length - this.#heldOctets, 0), this.#chunk.length);
    if (taken > 0 && this.#held.length === 0) this.#held = new Uint8Array(control.messageOctetsMax);
    this.#held.set(this.#chunk.subarray(0, taken), this.#heldOctets);
    this.#heldOctets += taken;
    // No view of a used-up chunk stays behind: it would keep the socket's whole buffer alive.
    this.#chunk = taken === this.#chunk.length ? NOTHING : this.#chunk.subarray(taken);
    return this.#heldOctets >= length;
  }

  #stop(malformed: Malformed): Frame {
    this.#malformed = malformed;
    this.#heldOctets = 0;
    this.#held = NOTHING;
    this.#chunk = NOTHING;
    return { kind: "malformed", malformed };
  }
}
