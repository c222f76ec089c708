import { read32 } from "./ip-octets.js";
import { LINK_LENGTH_OCTETS } from "./worker-link-codec.js";

export type FramerResult =
  | { readonly kind: "message"; readonly octets: Uint8Array }
  | { readonly kind: "need-more" }
  /** The stream cannot be read on: whoever wrote it is broken. */
  | { readonly kind: "malformed"; readonly length: number };

const NEED_MORE: FramerResult = { kind: "need-more" };

/** Cuts the link's stream into messages. Holds at most one unfinished message and one chunk. */
export class LinkFramer {
  #held: Uint8Array = new Uint8Array(0);
  #at = 0;
  #broken: FramerResult | undefined;

  constructor(readonly octetsMax: number) {}

  /** Takes a chunk of the stream; call `next` until it wants more before the next one. */
  push(chunk: Uint8Array): void {
    const left = this.#held.length - this.#at;
    if (left === 0) {
      this.#held = chunk;
    } else {
      const joined = new Uint8Array(left + chunk.length);
      joined.set(this.#held.subarray(this.#at));
      joined.set(chunk, left);
      this.#held = joined;
    }
    this.#at = 0;
  }

  /** The next message without its length. Its octets are a view: read them before the next push. */
  next(): FramerResult {
    if (this.#broken !== undefined) return this.#broken;
    const left = this.#held.length - this.#at;
    if (left < LINK_LENGTH_OCTETS) return NEED_MORE;
    const length = read32(this.#held, this.#at);
    if (length < 2 || length > this.octetsMax) {
      this.#broken = { kind: "malformed", length };
      this.#held = new Uint8Array(0);
      this.#at = 0;
      return this.#broken;
    }
    if (left < LINK_LENGTH_OCTETS + length) return NEED_MORE;
    const start = this.#at + LINK_LENGTH_OCTETS;
    this.#at = start + length;
    return { kind: "message", octets: this.#held.subarray(start, this.#at) };
  }
}
