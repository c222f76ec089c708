// RFC 2433 appendix A (MS-CHAPv1) and RFC 2759 §8 (MS-CHAPv2): hashes, challenges and responses.
import { createHash } from "node:crypto";
import { desEncrypt, expandDesKey } from "./des.js";
import { md4 } from "./md4.js";

const text = new TextEncoder();
const LM_CONSTANT = text.encode("KGS!@#$%");
const SERVER_MAGIC = text.encode("Magic server to client signing constant");
const PAD_MAGIC = text.encode("Pad to make it do more than one iteration");

/** RFC 2759 §8.3: MD4 of the password in UTF-16, low octet first. 16 octets. */
export function ntPasswordHash(password: string): Uint8Array {
  const octets = new Uint8Array(2 * password.length);
  for (let i = 0; i < password.length; i++) {
    const unit = password.charCodeAt(i);
    octets[2 * i] = unit & 255;
    octets[2 * i + 1] = unit >> 8;
  }
  const hash = md4(octets);
  octets.fill(0);
  return hash;
}

/**
 * RFC 2433 §A.2: the LAN Manager hash of the first 14 octets. 16 octets. The RFC leaves the OEM
 * character set open: ASCII letters become capitals, anything else stays as its UTF-8 octets.
 */
export function lmPasswordHash(password: string): Uint8Array {
  const capitals = password.replace(/[a-z]/g, (letter) => letter.toUpperCase());
  const key14 = new Uint8Array(14);
  key14.set(text.encode(capitals).subarray(0, 14));
  const hash = new Uint8Array(16);
  for (let half = 0; half < 2; half++) {
    const key8 = expandDesKey(key14.subarray(7 * half, 7 * half + 7));
    hash.set(desEncrypt(key8, LM_CONSTANT), 8 * half);
    key8.fill(0);
  }
  key14.fill(0);
  return hash;
}

/** RFC 2759 §8.5: three DES encryptions of the challenge under thirds of the padded hash. */
function challengeResponse(challenge8: Uint8Array, hash16: Uint8Array): Uint8Array {
  const key21 = new Uint8Array(21);
  key21.set(hash16);
  const response = new Uint8Array(24);
  for (let third = 0; third < 3; third++) {
    const key8 = expandDesKey(key21.subarray(7 * third, 7 * third + 7));
    response.set(desEncrypt(key8, challenge8), 8 * third);
    key8.fill(0);
  }
  key21.fill(0);
  return response;
}

/** RFC 2433 §A.4: the Windows NT response of MS-CHAPv1, 24 octets. */
export function ntResponseV1(challenge8: Uint8Array, ntHash: Uint8Array): Uint8Array {
  return challengeResponse(challenge8, ntHash);
}

/** RFC 2433 §A.1: the LAN Manager response of MS-CHAPv1, 24 octets. */
export function lmResponseV1(challenge8: Uint8Array, lmHash: Uint8Array): Uint8Array {
  return challengeResponse(challenge8, lmHash);
}

/**
 * RFC 2759 §8.2: the 8 octets that both 16-octet challenges and the name become. A leading
 * `DOMAIN\` is no part of the name ("only the user name, without the domain").
 */
export function challengeHash(
  peerChallenge: Uint8Array,
  authenticatorChallenge: Uint8Array,
  userName: string,
): Uint8Array {
  const name = userName.slice(userName.lastIndexOf("\\") + 1);
  const hash = createHash("sha1").update(peerChallenge).update(authenticatorChallenge);
  return new Uint8Array(hash.update(name).digest().subarray(0, 8));
}

/** RFC 2759 §8.1 GenerateNTResponse: 24 octets. */
export function ntResponseV2(
  authenticatorChallenge: Uint8Array,
  peerChallenge: Uint8Array,
  userName: string,
  ntHash: Uint8Array,
): Uint8Array {
  const challenge8 = challengeHash(peerChallenge, authenticatorChallenge, userName);
  return challengeResponse(challenge8, ntHash);
}

/**
 * RFC 2759 §8.7 GenerateAuthenticatorResponse: 40 upper-case hexadecimal digits, what follows `S=`
 * in the Success packet.
 */
export function authenticatorResponse(
  ntHash: Uint8Array,
  ntResponse: Uint8Array,
  peerChallenge: Uint8Array,
  authenticatorChallenge: Uint8Array,
  userName: string,
): string {
  const ntHashHash = md4(ntHash);
  const signed = createHash("sha1").update(ntHashHash).update(ntResponse).update(SERVER_MAGIC);
  ntHashHash.fill(0);
  const challenge8 = challengeHash(peerChallenge, authenticatorChallenge, userName);
  const sealed = createHash("sha1").update(signed.digest()).update(challenge8).update(PAD_MAGIC);
  return sealed.digest("hex").toUpperCase();
}
