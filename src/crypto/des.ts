// FIPS 46-3 and RFC 2759 §8.6: one DES block under a key of 7 octets, as MS-CHAP uses it.
import { createCipheriv } from "node:crypto";

/** Spreads 56 key bits over 8 octets and sets each octet's odd parity (RFC 2433 §A.7). */
export function expandDesKey(key7: Uint8Array): Uint8Array {
  const key8 = new Uint8Array(8);
  for (let i = 0; i < 8; i++) {
    const before = i === 0 ? 0 : key7[i - 1]!;
    const here = i === 7 ? 0 : key7[i]!;
    const bits = ((before << (8 - i)) | (here >> i)) & 0xfe;
    let ones = 0;
    for (let bit = bits; bit !== 0; bit >>= 1) ones += bit & 1;
    key8[i] = bits | (1 - (ones & 1));
  }
  return key8;
}

/**
 * DES of one 8-octet block. OpenSSL 3 keeps single DES in its legacy provider, which is not loaded;
 * EDE with one key three times is the same cipher.
 */
export function desEncrypt(key8: Uint8Array, block: Uint8Array): Uint8Array {
  const key24 = new Uint8Array(24);
  for (let i = 0; i < 3; i++) key24.set(key8, 8 * i);
  const cipher = createCipheriv("des-ede3-ecb", key24, null).setAutoPadding(false);
  const encrypted = new Uint8Array(cipher.update(block));
  key24.fill(0);
  return encrypted;
}
