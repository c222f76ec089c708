// FIPS 180-4 §6.1: SHA-1 without allocation, for the key change MPPE pays with every packet
// (RFC 3078 §7.3). node:crypto gives the same digest at three times the cost and an object a call.

const words = new Int32Array(80);
const state = new Int32Array(5);

function mix(): void {
  for (let t = 16; t < 80; t++) {
    const word = words[t - 3]! ^ words[t - 8]! ^ words[t - 14]! ^ words[t - 16]!;
    words[t] = (word << 1) | (word >>> 31);
  }
  let a = state[0]!;
  let b = state[1]!;
  let c = state[2]!;
  let d = state[3]!;
  let e = state[4]!;
  for (let t = 0; t < 80; t++) {
    let f: number;
    if (t < 20) f = ((b & c) | (~b & d)) + 0x5a827999;
    else if (t < 40) f = (b ^ c ^ d) + 0x6ed9eba1;
    else if (t < 60) f = ((b & c) | (b & d) | (c & d)) - 0x70e44324;
    else f = (b ^ c ^ d) - 0x359d3e2a;
    const next = (((a << 5) | (a >>> 27)) + f + e + words[t]!) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  state[0] = state[0]! + a;
  state[1] = state[1]! + b;
  state[2] = state[2]! + c;
  state[3] = state[3]! + d;
  state[4] = state[4]! + e;
}

/** Octet `at` of the padded message, without building it. */
function padded(message: Uint8Array, length: number, at: number): number {
  if (at < length) return message[at]!;
  return at === length ? 0x80 : 0;
}

/** Writes the 20-octet digest of the first `length` octets of `message` (< 2^28) into `digest`. */
export function sha1(message: Uint8Array, length: number, digest: Uint8Array): void {
  state[0] = 0x67452301;
  state[1] = 0xefcdab89 | 0;
  state[2] = 0x98badcfe | 0;
  state[3] = 0x10325476;
  state[4] = 0xc3d2e1f0 | 0;
  const end = (((length + 8) >> 6) + 1) << 6;
  for (let block = 0; block < end; block += 64) {
    for (let t = 0; t < 16; t++) {
      const at = block + 4 * t;
      words[t] =
        at + 4 <= length
          ? (message[at]! << 24) |
            (message[at + 1]! << 16) |
            (message[at + 2]! << 8) |
            message[at + 3]!
          : (padded(message, length, at) << 24) |
            (padded(message, length, at + 1) << 16) |
            (padded(message, length, at + 2) << 8) |
            padded(message, length, at + 3);
    }
    if (block + 64 === end) words[15] = length << 3;
    mix();
  }
  for (let i = 0; i < 5; i++) {
    const word = state[i]!;
    digest[4 * i] = word >>> 24;
    digest[4 * i + 1] = word >>> 16;
    digest[4 * i + 2] = word >>> 8;
    digest[4 * i + 3] = word;
  }
}

/** Clears what the last message left in the working words: call it when a key is given back. */
export function wipeSha1(): void {
  words.fill(0);
  state.fill(0);
}
