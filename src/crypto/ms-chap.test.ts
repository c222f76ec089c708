import { describe, expect, test } from "vitest";
import { cryptoVector, octets } from "../../test/vectors/vectors.js";
import { toHex } from "../base/hex.js";
import { md4 } from "./md4.js";
import {
  authenticatorResponse,
  challengeHash,
  lmPasswordHash,
  lmResponseV1,
  ntPasswordHash,
  ntResponseV1,
  ntResponseV2,
} from "./ms-chap.js";

describe("MS-CHAPv1", () => {
  const { input, output } = cryptoVector("mschapv1-nt");

  test("NT hash and response: RFC 2433 §B.2", () => {
    const ntHash = ntPasswordHash(String(input.password));
    expect(toHex(ntHash)).toBe(output.nt_hash);
    expect(toHex(ntResponseV1(octets(input.challenge8), ntHash))).toBe(output.nt_response);
  });

  test("LM hash: RFC 3079 §2.5", () => {
    const known = cryptoVector("mppe-mschapv1-40").input;
    expect(toHex(lmPasswordHash(String(known.password)))).toBe(known.lm_hash);
  });

  test("LM hash: case and all beyond 14 octets make no difference, the empty one is well known", () => {
    expect(lmPasswordHash("CLIENTpass")).toEqual(lmPasswordHash("clientPASS"));
    expect(lmPasswordHash("0123456789abcdXYZ")).toEqual(lmPasswordHash("0123456789abcd"));
    expect(toHex(lmPasswordHash(""))).toBe("aad3b435b51404eeaad3b435b51404ee");
  });

  test("LM response: the cipher of the NT response under the LM hash", () => {
    const hash = lmPasswordHash("clientPass");
    const challenge = octets(input.challenge8);
    expect(lmResponseV1(challenge, hash)).toEqual(ntResponseV1(challenge, hash));
    expect(toHex(lmResponseV1(challenge, hash))).not.toBe(output.nt_response);
  });
});

describe("MS-CHAPv2: RFC 2759 §9.2", () => {
  const { input, output } = cryptoVector("mschapv2");
  const user = String(input.username);
  const theirs = octets(input.authenticator_challenge);
  const peers = octets(input.peer_challenge);
  const ntHash = ntPasswordHash(String(input.password));

  test("password hash and its hash", () => {
    expect(toHex(ntHash)).toBe(output.nt_hash);
    expect(toHex(md4(ntHash))).toBe(output.nt_hash_hash);
  });

  test("challenge hash, with and without a domain before the name", () => {
    expect(toHex(challengeHash(peers, theirs, user))).toBe(output.challenge_hash8);
    expect(toHex(challengeHash(peers, theirs, `OFFICE\\${user}`))).toBe(output.challenge_hash8);
    expect(toHex(challengeHash(peers, theirs, "user"))).not.toBe(output.challenge_hash8);
  });

  test("NT response", () => {
    expect(toHex(ntResponseV2(theirs, peers, user, ntHash))).toBe(output.nt_response);
  });

  test("authenticator response", () => {
    const response = octets(output.nt_response);
    const digits = authenticatorResponse(ntHash, response, peers, theirs, user);
    expect(`S=${digits}`).toBe(output.authenticator_response);
  });
});

test("a password beyond ASCII is hashed as UTF-16: two octets a unit, low octet first", () => {
  const units = Uint8Array.of(0xfc, 0x00, 0xac, 0x20, 0x3d, 0xd8, 0x00, 0xde);
  expect(ntPasswordHash("ü€😀")).toEqual(md4(units));
});
