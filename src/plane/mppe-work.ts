// What one MPPE packet needs and no flow has to hold: a key under way and an RC4 table, shared by all.
import { type KeyBits, MppeKey } from "../crypto/mppe-keys.js";
import { Rc4 } from "../crypto/rc4.js";

const blank = new Uint8Array(16);
const keys: Readonly<Record<KeyBits, MppeKey>> = {
  40: new MppeKey(blank, 40),
  56: new MppeKey(blank, 56),
  128: new MppeKey(blank, 128),
};

/** Taken and kept within one packet. */
export const cipher = new Rc4();

export function keyOf(bits: KeyBits): MppeKey {
  return keys[bits];
}

export function wipeWork(): void {
  for (const key of Object.values(keys)) key.wipe();
  cipher.wipe();
}
