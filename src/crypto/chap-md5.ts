// RFC 1994 §4.1: the response value of CHAP with MD5.
import { createHash } from "node:crypto";

/** MD5 of Identifier, secret and challenge: 16 octets. */
export function chapMd5(identifier: number, secret: Uint8Array, challenge: Uint8Array): Uint8Array {
  const hash = createHash("md5").update(Uint8Array.of(identifier)).update(secret);
  return new Uint8Array(hash.update(challenge).digest());
}
