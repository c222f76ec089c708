import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../base/hex.js";
import type { Proof } from "../core/access/ports.js";
import { chapMd5 } from "../crypto/chap-md5.js";
import {
  lmPasswordHash,
  lmResponseV1,
  ntPasswordHash,
  ntResponseV1,
  ntResponseV2,
} from "../crypto/ms-chap.js";
import { access } from "../limits.js";
import { NO_LIMITS } from "./account-rules.js";
import { LocalAuthenticator, type LocalAuthenticatorTerms } from "./local-authenticator.js";
import type { Account, AccountSecrets, Answer } from "./port.js";
import { troubleWith } from "./store-trouble.js";

const SOURCE = 0x0a000001;
const defaults = {
  sessionsMax: 1,
  atSessionLimit: "refuse-new" as const,
  sessionSecondsMax: undefined,
  idleSecondsMax: undefined,
  octetsMax: undefined,
};

function secretsOf(
  name: string,
  password: string,
  more: Partial<Account> & { clear?: boolean } = {},
): AccountSecrets {
  const { clear = false, ...changes } = more;
  return {
    account: {
      ...NO_LIMITS,
      accountId: 7,
      name,
      enabled: true,
      createdAt: 0,
      changedAt: 0,
      hasClearText: clear,
      ...changes,
    },
    ntHash: ntPasswordHash(password),
    clearText: clear ? password : undefined,
  };
}

function over(
  known: () => AccountSecrets | undefined,
  terms: Partial<LocalAuthenticatorTerms> = {},
): LocalAuthenticator {
  return new LocalAuthenticator({
    accounts: {
      secrets: async (names) => {
        const one = known();
        const match = one !== undefined && names.includes(one.account.name);
        return { ok: true, value: match ? one : undefined };
      },
    },
    defaults: () => defaults,
    ...terms,
  });
}

const hex = (text: string) => fromHex(text)!;
/** RFC 2759 §9.2. */
const VECTOR = {
  method: "ms-chap-v2",
  authenticatorChallenge: hex("5B5D7C7D7B3F2F3E3C2C602132262628"),
  peerChallenge: hex("21402324255E262A28295F2B3A337C7E"),
  ntResponse: hex("82309ECD8D708B5EA08FAA3981CD83544233114A3D85D6DF"),
} as const satisfies Proof;
const challenge8 = hex("102DB5DF085D3041");

function proofs(name: string, password: string): Record<Proof["method"], Proof> {
  const ntHash = ntPasswordHash(password);
  const { authenticatorChallenge, peerChallenge } = VECTOR;
  return {
    pap: { method: "pap", password: Buffer.from(password) },
    "chap-md5": {
      method: "chap-md5",
      identifier: 5,
      challenge: challenge8,
      response: chapMd5(5, Buffer.from(password), challenge8),
    },
    "ms-chap-v1": {
      method: "ms-chap-v1",
      challenge: challenge8,
      lmResponse: new Uint8Array(24),
      ntResponse: ntResponseV1(challenge8, ntHash),
      useNt: true,
    },
    "ms-chap-v2": {
      method: "ms-chap-v2",
      authenticatorChallenge,
      peerChallenge,
      ntResponse: ntResponseV2(authenticatorChallenge, peerChallenge, name, ntHash),
    },
  };
}
const METHODS = ["pap", "chap-md5", "ms-chap-v1", "ms-chap-v2"] as const;

describe("local authenticator", () => {
  it("MS-CHAPv2, RFC 2759 §9.2: the RFC's response is answered with its S= and RFC 3079's keys", async () => {
    const verdict = await over(() => secretsOf("User", "clientPass")).authenticate(
      "User",
      VECTOR,
      SOURCE,
    );
    expect(verdict).toMatchObject({
      ok: true,
      authenticatorResponse: "407A5589115FD0D6209F510FE9C04566932CDA56",
      account: { accountId: 7, name: "User", ...defaults },
    });
    const keys = verdict.ok ? verdict.keys : undefined;
    expect(toHex(keys!.bits128!.send)).toBe("8b7cdc149b993a1ba118cb153f56dccb");
    expect(toHex(keys!.bits128!.receive)).toBe("d5f0e9521e3ea9589645e86051c82226");
  });
  it.each(METHODS)("%s: the right password is let in, a wrong one is 691", async (method) => {
    const auth = over(() => secretsOf("anna", "pässword", { clear: true }));
    const right = proofs("anna", "pässword")[method];
    expect((await auth.authenticate("anna", right, SOURCE)).ok).toBe(true);
    const wrong = proofs("anna", "passwort")[method];
    expect(await auth.authenticate("anna", wrong, SOURCE)).toEqual({ ok: false, code: 691 });
  });
  it.each(METHODS)("%s: an unknown name is 691 too, with no keys and no S=", async (method) => {
    const auth = over(() => undefined);
    const verdict = await auth.authenticate("nobody", proofs("nobody", "x")[method], SOURCE);
    expect(verdict).toEqual({ ok: false, code: 691 });
  });
  it("without clear text PAP and the NT responses work, CHAP-MD5 does not", async () => {
    const auth = over(() => secretsOf("anna", "pw"));
    const all = proofs("anna", "pw");
    for (const method of ["pap", "ms-chap-v1", "ms-chap-v2"] as const) {
      expect((await auth.authenticate("anna", all[method], SOURCE)).ok).toBe(true);
    }
    expect((await auth.authenticate("anna", all["chap-md5"], SOURCE)).ok).toBe(false);
    const ofTheHash: Proof = {
      method: "chap-md5",
      identifier: 5,
      challenge: challenge8,
      response: chapMd5(5, ntPasswordHash("pw"), challenge8),
    };
    expect((await auth.authenticate("anna", ofTheHash, SOURCE)).ok).toBe(false);
  });
  it("MS-CHAPv1: the LM response counts when the peer says so, and needs clear text", async () => {
    const lm = (hash: Uint8Array): Proof => ({
      method: "ms-chap-v1",
      challenge: challenge8,
      lmResponse: lmResponseV1(challenge8, hash),
      ntResponse: new Uint8Array(24),
      useNt: false,
    });
    const proof = lm(lmPasswordHash("pw"));
    const kept = over(() => secretsOf("anna", "pw", { clear: true }));
    const verdict = await kept.authenticate("anna", proof, SOURCE);
    expect(verdict.ok && verdict.keys?.bits64?.send).toEqual(lmPasswordHash("pw").slice(0, 8));
    const notKept = over(() => secretsOf("anna", "pw"));
    expect((await notKept.authenticate("anna", proof, SOURCE)).ok).toBe(false);
    const withNtHash = lm(ntPasswordHash("pw"));
    expect((await notKept.authenticate("anna", withNtHash, SOURCE)).ok).toBe(false);
    expect((await kept.authenticate("anna", withNtHash, SOURCE)).ok).toBe(false);
  });
  it("MS-CHAPv1 keys: 128 bits from the NT hash, 64 only where the clear text is kept", async () => {
    const proof = proofs("anna", "pw")["ms-chap-v1"];
    const verdict = await over(() => secretsOf("anna", "pw")).authenticate("anna", proof, SOURCE);
    expect(verdict.ok && verdict.keys).toMatchObject({ bits64: undefined });
    expect(verdict.ok && verdict.keys?.bits128?.send).toHaveLength(16);
  });
  it("DOMAIN\\user is looked up as given, then without its domain, and hashed without it", async () => {
    const proof = proofs("anna", "pw")["ms-chap-v2"];
    for (const account of ["anna", "ACME\\anna"]) {
      const auth = over(() => secretsOf(account, "pw"));
      expect((await auth.authenticate("ACME\\anna", proof, SOURCE)).ok).toBe(true);
    }
  });
  it("a name that no account can have is 691, whatever the store says", async () => {
    const name = "anna\u0000";
    const auth = over(() => secretsOf(name, "pw"));
    const verdict = await auth.authenticate(name, proofs(name, "pw").pap, SOURCE);
    expect(verdict).toEqual({ ok: false, code: 691 });
  });
  it("octets that are not UTF-8, and none, are no password", async () => {
    const auth = over(() => secretsOf("anna", ""));
    for (const password of [Uint8Array.of(0xff), Uint8Array.of(0xc3)]) {
      const verdict = await auth.authenticate("anna", { method: "pap", password }, SOURCE);
      expect(verdict.ok).toBe(false);
    }
  });
  const now = new Date(2026, 10, 23, 12, 0).getTime(); // A Monday, in local time.
  it.each([
    ["disabled", { enabled: false }, 647],
    ["not valid yet", { validFrom: now + 1 }, 648],
    ["expired at that moment", { validUntil: now }, 648],
    ["no dial-in", { dialIn: false }, 649],
    ["outside its hours", { hours: "tue-sun 00:00-24:00" }, 646],
    ["disabled and expired", { enabled: false, validUntil: 1 }, 647],
    ["all is fine", { validFrom: now, validUntil: now + 1, hours: "mon 12:00-12:01" }, undefined],
  ])("%s: told only to who knew the password", async (_, changes, code) => {
    const auth = over(() => secretsOf("anna", "pw", { clear: true, ...changes }), {
      clock: () => now,
    });
    for (const method of METHODS) {
      const verdict = await auth.authenticate("anna", proofs("anna", "pw")[method], SOURCE);
      expect(verdict.ok ? undefined : verdict.code).toBe(code);
      expect("keys" in verdict).toBe(code === undefined && method.startsWith("ms"));
      const guess = await auth.authenticate("anna", proofs("anna", "guess")[method], SOURCE);
      expect(guess).toEqual({ ok: false, code: 691 });
    }
  });
  it("the hash is wiped, known or not, right or wrong", async () => {
    for (const password of ["pw", "guess"]) {
      const known = secretsOf("anna", "pw");
      await over(() => known).authenticate("anna", proofs("anna", password).pap, SOURCE);
      expect(known.ntHash).toEqual(new Uint8Array(16));
    }
  });
});

describe("local authenticator, the store in trouble", () => {
  const proof = proofs("anna", "pw").pap;
  it("a trouble is unavailable, and reported as what it is", async () => {
    const reported: string[] = [];
    const auth = new LocalAuthenticator({
      accounts: { secrets: async () => troubleWith("corrupt", "malformed") },
      defaults: () => defaults,
      report: (failure) => reported.push(failure.message),
    });
    expect(await auth.authenticate("anna", proof, SOURCE)).toEqual({
      ok: false,
      code: "unavailable",
    });
    expect(reported).toEqual(["malformed"]);
  });
  it("no answer by the deadline is unavailable; a later one is dropped and wiped", async () => {
    const known = secretsOf("anna", "pw");
    let late: ((answer: Answer<AccountSecrets | undefined>) => void) | undefined;
    const auth = new LocalAuthenticator({
      accounts: {
        secrets: () =>
          new Promise((resolve) => {
            late = resolve;
          }),
      },
      defaults: () => defaults,
      deadlineMs: 1,
    });
    expect(await auth.authenticate("anna", proof, SOURCE)).toMatchObject({ code: "unavailable" });
    expect(auth.pending).toBe(0);
    late?.({ ok: true, value: known });
    await new Promise((resolve) => setImmediate(resolve));
    expect(known.ntHash).toEqual(new Uint8Array(16));
  });
  it("a store that throws is unavailable too", async () => {
    const auth = new LocalAuthenticator({
      accounts: { secrets: () => Promise.reject(new Error("x")) },
      defaults: () => defaults,
    });
    expect(await auth.authenticate("anna", proof, SOURCE)).toMatchObject({ code: "unavailable" });
    expect(auth.pending).toBe(0);
  });
  it("more than backendPendingMax at once: unavailable without asking", async () => {
    let asked = 0;
    let answerAll = () => {};
    const gate = new Promise<void>((resolve) => {
      answerAll = resolve;
    });
    const auth = new LocalAuthenticator({
      accounts: {
        secrets: async () => {
          asked++;
          await gate;
          return { ok: true, value: undefined };
        },
      },
      defaults: () => defaults,
    });
    const waiting = Array.from({ length: access.backendPendingMax }, () =>
      auth.authenticate("anna", proof, SOURCE),
    );
    expect(await auth.authenticate("anna", proof, SOURCE)).toMatchObject({ code: "unavailable" });
    expect(asked).toBe(access.backendPendingMax);
    answerAll();
    await Promise.all(waiting);
    expect(auth.pending).toBe(0);
  });
});
