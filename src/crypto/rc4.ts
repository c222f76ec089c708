// RC4 as MPPE uses it (RFC 3078 §6). Own code: OpenSSL 3 keeps it out of its default provider.

/**
 * One key stream, meant to be reused: `schedule` starts it anew, and nothing allocates after the
 * constructor. Every caller hands in plain Uint8Arrays; mixing kinds of typed array in here costs
 * half of the speed.
 */
export class Rc4 {
  readonly #box = new Int32Array(256);
  #i = 0;
  #j = 0;

  /** Starts the stream of the first `length` octets of `key`, 1..256. */
  schedule(key: Uint8Array, length: number): void {
    const box = this.#box;
    for (let i = 0; i < 256; i++) box[i] = i;
    for (let i = 0, j = 0, k = 0; i < 256; i++) {
      const swapped = box[i]!;
      j = (j + swapped + key[k]!) & 255;
      box[i] = box[j]!;
      box[j] = swapped;
      if (++k === length) k = 0;
    }
    this.#i = 0;
    this.#j = 0;
  }

  /** Encrypts or decrypts `octets[offset..end)` in place, going on where the last call ended. */
  apply(octets: Uint8Array, offset: number, end: number): void {
    const box = this.#box;
    let i = this.#i;
    let j = this.#j;
    for (let at = offset; at < end; at++) {
      i = (i + 1) & 255;
      const a = box[i]!;
      j = (j + a) & 255;
      const b = box[j]!;
      box[i] = b;
      box[j] = a;
      octets[at] = octets[at]! ^ box[(a + b) & 255]!;
    }
    this.#i = i;
    this.#j = j;
  }

  /** Takes the table (256 octets at `box`) and the place in the stream (2 at `places`) kept before. */
  take(octets: Uint8Array, box: number, places: number): void {
    for (let i = 0; i < 256; i++) this.#box[i] = octets[box + i]!;
    this.#i = octets[places]!;
    this.#j = octets[places + 1]!;
  }

  keep(octets: Uint8Array, box: number, places: number): void {
    for (let i = 0; i < 256; i++) octets[box + i] = this.#box[i]!;
    octets[places] = this.#i;
    octets[places + 1] = this.#j;
  }

  wipe(): void {
    this.#box.fill(0);
    this.#i = 0;
    this.#j = 0;
  }
}
