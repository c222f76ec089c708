// RFC 1320: the MD4 digest, which NT password hashes are made of and OpenSSL 3 no longer offers.

const ROUND2 = [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15] as const;
const ROUND3 = [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15] as const;
const SHIFT1 = [3, 7, 11, 19] as const;
const SHIFT2 = [3, 5, 9, 13] as const;
const SHIFT3 = [3, 9, 11, 15] as const;

function rotate(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}

/** Mixes one block of 16 words into `state` (RFC 1320 §3.4). */
function mix(state: Int32Array, words: Int32Array): void {
  let a = state[0]!;
  let b = state[1]!;
  let c = state[2]!;
  let d = state[3]!;
  for (let step = 0; step < 48; step++) {
    const at = step & 15;
    let sum: number;
    if (step < 16) sum = rotate((a + ((b & c) | (~b & d)) + words[at]!) | 0, SHIFT1[at & 3]!);
    else if (step < 32) {
      const majority = (b & c) | (b & d) | (c & d);
      sum = rotate((a + majority + words[ROUND2[at]!]! + 0x5a827999) | 0, SHIFT2[at & 3]!);
    } else {
      sum = rotate((a + (b ^ c ^ d) + words[ROUND3[at]!]! + 0x6ed9eba1) | 0, SHIFT3[at & 3]!);
    }
    a = d;
    d = c;
    c = b;
    b = sum;
  }
  state[0] = state[0]! + a;
  state[1] = state[1]! + b;
  state[2] = state[2]! + c;
  state[3] = state[3]! + d;
}

/** The 16-octet digest of `message`. */
export function md4(message: Uint8Array): Uint8Array {
  const padded = new Uint8Array((((message.length + 8) >> 6) + 1) << 6);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, (message.length << 3) >>> 0, true);
  view.setUint32(padded.length - 4, message.length >>> 29, true);
  const state = Int32Array.of(0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476);
  const words = new Int32Array(16);
  for (let block = 0; block < padded.length; block += 64) {
    for (let i = 0; i < 16; i++) words[i] = view.getInt32(block + 4 * i, true);
    mix(state, words);
  }
  // The message is a password or its hash: no copy of it stays behind.
  padded.fill(0);
  words.fill(0);
  const digest = new Uint8Array(16);
  const out = new DataView(digest.buffer);
  for (let i = 0; i < 4; i++) out.setInt32(4 * i, state[i]!, true);
  return digest;
}
