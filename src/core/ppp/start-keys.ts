// RFC 3079: the start keys of a session in its own octets, wiped as soon as nothing needs them.
import type { MppeStartKeys } from "../access/ports.js";

export type OwnKeys = { -readonly [Strength in keyof MppeStartKeys]: MppeStartKeys[Strength] };

export function copyKeys({ bits128, bits64 }: MppeStartKeys): OwnKeys {
  const copy = (pair: MppeStartKeys["bits128"]) =>
    pair && { send: pair.send.slice(), receive: pair.receive.slice() };
  return { bits128: copy(bits128), bits64: copy(bits64) };
}

export function wipeKeys(keys: MppeStartKeys | undefined): void {
  wipePair(keys?.bits128);
  wipePair(keys?.bits64);
}

/** Those of MPPE-40 and MPPE-56. */
export function dropWeaker(keys: OwnKeys): void {
  wipePair(keys.bits64);
  keys.bits64 = undefined;
}

function wipePair(pair: MppeStartKeys["bits128"]): void {
  pair?.send.fill(0);
  pair?.receive.fill(0);
}
