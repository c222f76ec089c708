// RC4, SHA-1 and the key change of RFC 3078 §7.3, in the lane. One RC4 table of 32-bit words serves
// every stateless packet; a stateful flow's own table is an octet an entry in its record.
import { BITS_40, BITS_56 } from "../layout";
import { BOX, DIGEST, TRIAL_KEY, WORDS } from "./cells";

/** RC4's i and j after the last call. */
export let streamI: u32 = 0;
export let streamJ: u32 = 0;

export function setStream(i: u32, j: u32): void {
  streamI = i;
  streamJ = j;
}

/** Starts the table anew with the `length` (8 or 16) octets at `key`. */
export function schedule(key: usize, length: u32): void {
  let value: u64 = 0x00000001_00000000;
  for (let at: usize = BOX; at < BOX + 1024; at += 8) {
    store<u64>(at, value);
    value += 0x00000002_00000002;
  }
  const mask = length - 1;
  let j: u32 = 0;
  for (let i: u32 = 0; i < 256; i += 4) {
    const at: usize = BOX + (i << 2);
    let one = load<u32>(at);
    j = (j + one + load<u8>(key + (i & mask))) & 255;
    store<u32>(at, load<u32>(BOX + (j << 2)));
    store<u32>(BOX + (j << 2), one);
    one = load<u32>(at, 4);
    j = (j + one + load<u8>(key + (i & mask), 1)) & 255;
    store<u32>(at, load<u32>(BOX + (j << 2)), 4);
    store<u32>(BOX + (j << 2), one);
    one = load<u32>(at, 8);
    j = (j + one + load<u8>(key + (i & mask), 2)) & 255;
    store<u32>(at, load<u32>(BOX + (j << 2)), 8);
    store<u32>(BOX + (j << 2), one);
    one = load<u32>(at, 12);
    j = (j + one + load<u8>(key + (i & mask), 3)) & 255;
    store<u32>(at, load<u32>(BOX + (j << 2)), 12);
    store<u32>(BOX + (j << 2), one);
  }
  streamI = 0;
  streamJ = 0;
}

/** Encrypts or decrypts `length` octets from `from` to `to`, which may be the same place. */
export function apply(from: usize, to: usize, length: u32): void {
  let i = streamI;
  let j = streamJ;
  const last = from + length;
  while (from + 4 <= last) {
    i = (i + 1) & 255;
    let a = load<u32>(BOX + (i << 2));
    j = (j + a) & 255;
    let b = load<u32>(BOX + (j << 2));
    store<u32>(BOX + (i << 2), b);
    store<u32>(BOX + (j << 2), a);
    let word = load<u32>(BOX + (((a + b) & 255) << 2));
    i = (i + 1) & 255;
    a = load<u32>(BOX + (i << 2));
    j = (j + a) & 255;
    b = load<u32>(BOX + (j << 2));
    store<u32>(BOX + (i << 2), b);
    store<u32>(BOX + (j << 2), a);
    word |= load<u32>(BOX + (((a + b) & 255) << 2)) << 8;
    i = (i + 1) & 255;
    a = load<u32>(BOX + (i << 2));
    j = (j + a) & 255;
    b = load<u32>(BOX + (j << 2));
    store<u32>(BOX + (i << 2), b);
    store<u32>(BOX + (j << 2), a);
    word |= load<u32>(BOX + (((a + b) & 255) << 2)) << 16;
    i = (i + 1) & 255;
    a = load<u32>(BOX + (i << 2));
    j = (j + a) & 255;
    b = load<u32>(BOX + (j << 2));
    store<u32>(BOX + (i << 2), b);
    store<u32>(BOX + (j << 2), a);
    word |= load<u32>(BOX + (((a + b) & 255) << 2)) << 24;
    store<u32>(to, load<u32>(from) ^ word);
    from += 4;
    to += 4;
  }
  while (from < last) {
    i = (i + 1) & 255;
    const a = load<u32>(BOX + (i << 2));
    j = (j + a) & 255;
    const b = load<u32>(BOX + (j << 2));
    store<u32>(BOX + (i << 2), b);
    store<u32>(BOX + (j << 2), a);
    store<u8>(to++, load<u8>(from++) ^ <u8>load<u32>(BOX + (((a + b) & 255) << 2)));
  }
  streamI = i;
  streamJ = j;
}

/** Takes a stateful flow's table (an octet an entry) and the places in its stream. */
export function takeBox(box: usize, places: usize): void {
  for (let i: usize = 0; i < 256; i += 4) {
    const four = load<u32>(box + i);
    const at: usize = BOX + (i << 2);
    store<u32>(at, four & 255);
    store<u32>(at, (four >> 8) & 255, 4);
    store<u32>(at, (four >> 16) & 255, 8);
    store<u32>(at, four >> 24, 12);
  }
  streamI = load<u8>(places);
  streamJ = load<u8>(places, 1);
}

export function keepBox(box: usize, places: usize): void {
  for (let i: usize = 0; i < 256; i += 4) {
    const at: usize = BOX + (i << 2);
    store<u32>(
      box + i,
      load<u32>(at) | (load<u32>(at, 4) << 8) | (load<u32>(at, 8) << 16) | (load<u32>(at, 12) << 24),
    );
  }
  store<u8>(places, <u8>streamI);
  store<u8>(places, <u8>streamJ, 1);
}

let a: u32 = 0;
let b: u32 = 0;
let c: u32 = 0;
let d: u32 = 0;
let e: u32 = 0;

/** One block of SHA-1 whose first 16 words stand at WORDS; a..e are the state. */
function mix(): void {
  for (let at: usize = WORDS + 64; at < WORDS + 320; at += 4) {
    store<u32>(
      at,
      rotl<u32>(load<u32>(at - 12) ^ load<u32>(at - 32) ^ load<u32>(at - 56) ^ load<u32>(at - 64), 1),
    );
  }
  let v = a;
  let w = b;
  let x = c;
  let y = d;
  let z = e;
  let at: usize = WORDS;
  for (; at < WORDS + 80; at += 20) {
    z += rotl<u32>(v, 5) + ((w & (x ^ y)) ^ y) + 0x5a827999 + load<u32>(at);
    w = rotl<u32>(w, 30);
    y += rotl<u32>(z, 5) + ((v & (w ^ x)) ^ x) + 0x5a827999 + load<u32>(at, 4);
    v = rotl<u32>(v, 30);
    x += rotl<u32>(y, 5) + ((z & (v ^ w)) ^ w) + 0x5a827999 + load<u32>(at, 8);
    z = rotl<u32>(z, 30);
    w += rotl<u32>(x, 5) + ((y & (z ^ v)) ^ v) + 0x5a827999 + load<u32>(at, 12);
    y = rotl<u32>(y, 30);
    v += rotl<u32>(w, 5) + ((x & (y ^ z)) ^ z) + 0x5a827999 + load<u32>(at, 16);
    x = rotl<u32>(x, 30);
  }
  for (; at < WORDS + 160; at += 20) {
    z += rotl<u32>(v, 5) + (w ^ x ^ y) + 0x6ed9eba1 + load<u32>(at);
    w = rotl<u32>(w, 30);
    y += rotl<u32>(z, 5) + (v ^ w ^ x) + 0x6ed9eba1 + load<u32>(at, 4);
    v = rotl<u32>(v, 30);
    x += rotl<u32>(y, 5) + (z ^ v ^ w) + 0x6ed9eba1 + load<u32>(at, 8);
    z = rotl<u32>(z, 30);
    w += rotl<u32>(x, 5) + (y ^ z ^ v) + 0x6ed9eba1 + load<u32>(at, 12);
    y = rotl<u32>(y, 30);
    v += rotl<u32>(w, 5) + (x ^ y ^ z) + 0x6ed9eba1 + load<u32>(at, 16);
    x = rotl<u32>(x, 30);
  }
  for (; at < WORDS + 240; at += 20) {
    z += rotl<u32>(v, 5) + ((w & x) | (y & (w | x))) + 0x8f1bbcdc + load<u32>(at);
    w = rotl<u32>(w, 30);
    y += rotl<u32>(z, 5) + ((v & w) | (x & (v | w))) + 0x8f1bbcdc + load<u32>(at, 4);
    v = rotl<u32>(v, 30);
    x += rotl<u32>(y, 5) + ((z & v) | (w & (z | v))) + 0x8f1bbcdc + load<u32>(at, 8);
    z = rotl<u32>(z, 30);
    w += rotl<u32>(x, 5) + ((y & z) | (v & (y | z))) + 0x8f1bbcdc + load<u32>(at, 12);
    y = rotl<u32>(y, 30);
    v += rotl<u32>(w, 5) + ((x & y) | (z & (x | y))) + 0x8f1bbcdc + load<u32>(at, 16);
    x = rotl<u32>(x, 30);
  }
  for (; at < WORDS + 320; at += 20) {
    z += rotl<u32>(v, 5) + (w ^ x ^ y) + 0xca62c1d6 + load<u32>(at);
    w = rotl<u32>(w, 30);
    y += rotl<u32>(z, 5) + (v ^ w ^ x) + 0xca62c1d6 + load<u32>(at, 4);
    v = rotl<u32>(v, 30);
    x += rotl<u32>(y, 5) + (z ^ v ^ w) + 0xca62c1d6 + load<u32>(at, 8);
    z = rotl<u32>(z, 30);
    w += rotl<u32>(x, 5) + (y ^ z ^ v) + 0xca62c1d6 + load<u32>(at, 12);
    y = rotl<u32>(y, 30);
    v += rotl<u32>(w, 5) + (x ^ y ^ z) + 0xca62c1d6 + load<u32>(at, 16);
    x = rotl<u32>(x, 30);
  }
  a += v;
  b += w;
  c += x;
  d += y;
  e += z;
}

function begin(): void {
  a = 0x67452301;
  b = 0xefcdab89;
  c = 0x98badcfe;
  d = 0x10325476;
  e = 0xc3d2e1f0;
}

@inline
function put(word: usize, octets: u32): void {
  store<u32>(WORDS + (word << 2), octets);
}

@inline
function fill(from: usize, to: usize, word: u32): void {
  for (let at = from; at < to; at++) put(at, word);
}

/** SHA-1 of start, SHApad1, session, SHApad2 (RFC 3079 §3.4) with keys of 16 octets. */
function digest16(start: usize, session: usize): void {
  begin();
  for (let i: usize = 0; i < 16; i += 4) put(i >> 2, bswap<u32>(load<u32>(start + i)));
  fill(4, 14, 0);
  put(14, bswap<u32>(load<u32>(session)));
  put(15, bswap<u32>(load<u32>(session, 4)));
  mix();
  put(0, bswap<u32>(load<u32>(session, 8)));
  put(1, bswap<u32>(load<u32>(session, 12)));
  fill(2, 12, 0xf2f2f2f2);
  put(12, 0x80000000);
  put(13, 0);
  put(14, 0);
  put(15, 112 * 8);
  mix();
}

/** The same with keys of 8 octets: a message of 96. */
function digest8(start: usize, session: usize): void {
  begin();
  put(0, bswap<u32>(load<u32>(start)));
  put(1, bswap<u32>(load<u32>(start, 4)));
  fill(2, 12, 0);
  put(12, bswap<u32>(load<u32>(session)));
  put(13, bswap<u32>(load<u32>(session, 4)));
  fill(14, 16, 0xf2f2f2f2);
  mix();
  fill(0, 8, 0xf2f2f2f2);
  put(8, 0x80000000);
  fill(9, 15, 0);
  put(15, 96 * 8);
  mix();
}

@inline
export function keyOctets(flags: u32): u32 {
  return (flags & (BITS_40 | BITS_56)) === 0 ? 16 : 8;
}

/** RFC 3078 §7.3: the session key after the one at `session`, to TRIAL_KEY; the table starts with it. */
export function changeKey(start: usize, session: usize, flags: u32): void {
  const length = keyOctets(flags);
  if (length === 16) digest16(start, session);
  else digest8(start, session);
  store<u32>(DIGEST, bswap<u32>(a));
  store<u32>(DIGEST, bswap<u32>(b), 4);
  store<u32>(DIGEST, bswap<u32>(c), 8);
  store<u32>(DIGEST, bswap<u32>(d), 12);
  schedule(DIGEST, length);
  apply(DIGEST, TRIAL_KEY, length);
  if ((flags & BITS_40) !== 0) {
    store<u8>(TRIAL_KEY, 0xd1);
    store<u8>(TRIAL_KEY, 0x26, 1);
    store<u8>(TRIAL_KEY, 0x9e, 2);
  } else if ((flags & BITS_56) !== 0) store<u8>(TRIAL_KEY, 0xd1);
  schedule(TRIAL_KEY, length);
}

export function keepKey(session: usize, flags: u32): void {
  store<u64>(session, load<u64>(TRIAL_KEY));
  if (keyOctets(flags) === 16) store<u64>(session, load<u64>(TRIAL_KEY, 8), 8);
}
