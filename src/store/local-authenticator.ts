// RFC 1334 §2, RFC 1994 §4.1, RFC 2433 §6, RFC 2759 §6: what a peer showed against our own accounts.
// Known and unknown names cost the same work and get the same 691; another code is told only to who
// knew the password.
import { randomBytes } from "node:crypto";
import { never } from "../base/invariant.js";
import type { Ipv4 } from "../base/ip.js";
import type { FailureCode, MppeStartKeys, Proof, Verdict } from "../core/access/ports.js";
import { chapMd5 } from "../crypto/chap-md5.js";
import { equalInConstantTime } from "../crypto/equal.js";
import { startKeysMsChapV1, startKeysMsChapV2 } from "../crypto/mppe-keys.js";
import {
  authenticatorResponse,
  lmPasswordHash,
  lmResponseV1,
  ntPasswordHash,
  ntResponseV1,
  ntResponseV2,
} from "../crypto/ms-chap.js";
import { access as limits } from "../limits.js";
import { type TermDefaults, termsOf } from "./account-rules.js";
import { isWithin, parseHours } from "./allowed-hours.js";
import type { Account, AccountSecrets, Accounts, Answer, UnixMs } from "./port.js";
import { troubleOf } from "./store-trouble.js";
import { lookupNames, nameFault } from "./user-name.js";

/** One answer a request: an authenticator that can't answer says "unavailable", it never throws. */
export interface Authenticator {
  /** `source` is the peer's outer address: delays after failures are kept by name and source. */
  authenticate(name: string, proof: Proof, source: Ipv4): Promise<Verdict>;
}

export type LocalAuthenticatorTerms = {
  readonly accounts: Pick<Accounts, "secrets">;
  readonly defaults: () => TermDefaults;
  readonly clock?: () => UnixMs;
  readonly deadlineMs?: number;
  /** Told of troubles of the store: they are logged as what they are, the peer hears 691. */
  readonly report?: (failure: Extract<Answer<unknown>, { ok: false }>) => void;
};

type Known = {
  readonly ntHash: Uint8Array;
  readonly clearText: string | undefined;
  /** What the LM hash is made of where there is no clear text: so that the work is the same. */
  readonly nobodysText: string;
};

type Proven = {
  readonly proven: boolean;
  readonly authenticatorResponse?: string;
  readonly keys?: MppeStartKeys;
};

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function passwordOf(octets: Uint8Array): string | undefined {
  try {
    return decoder.decode(octets);
  } catch {
    return undefined;
  }
}

/** PAP: the NT hash is enough, the clear text need not be kept. */
function provePap(proof: Extract<Proof, { method: "pap" }>, { ntHash }: Known): Proven {
  const password = passwordOf(proof.password);
  const shown = ntPasswordHash(password ?? "");
  const equal = equalInConstantTime(shown, ntHash);
  shown.fill(0);
  return { proven: equal && password !== undefined };
}

/** Needs the clear text: an account that has none is compared with a secret nobody has. */
function proveChapMd5(
  { identifier, challenge, response }: Extract<Proof, { method: "chap-md5" }>,
  { clearText, ntHash }: Known,
): Proven {
  const secret = clearText === undefined ? ntHash.slice() : encoder.encode(clearText);
  const expected = chapMd5(identifier, secret, challenge);
  secret.fill(0);
  return { proven: equalInConstantTime(expected, response) && clearText !== undefined };
}

function proveMsChapV1(
  proof: Extract<Proof, { method: "ms-chap-v1" }>,
  { ntHash, clearText, nobodysText }: Known,
): Proven {
  const { challenge, useNt } = proof;
  const made = lmPasswordHash(clearText ?? nobodysText);
  const lmHash = clearText === undefined ? undefined : made;
  const nt = equalInConstantTime(ntResponseV1(challenge, ntHash), proof.ntResponse);
  const lmExpected = lmResponseV1(challenge, lmHash ?? ntHash);
  const lm = equalInConstantTime(lmExpected, proof.lmResponse) && lmHash !== undefined;
  const keys = startKeysMsChapV1({ ntHash, lmHash }, challenge);
  made.fill(0);
  return { proven: useNt ? nt : lm, keys };
}

function proveMsChapV2(
  name: string,
  proof: Extract<Proof, { method: "ms-chap-v2" }>,
  { ntHash }: Known,
): Proven {
  const { authenticatorChallenge, peerChallenge, ntResponse } = proof;
  const expected = ntResponseV2(authenticatorChallenge, peerChallenge, name, ntHash);
  return {
    proven: equalInConstantTime(expected, ntResponse),
    authenticatorResponse: authenticatorResponse(
      ntHash,
      ntResponse,
      peerChallenge,
      authenticatorChallenge,
      name,
    ),
    keys: startKeysMsChapV2(ntHash, ntResponse, "server"),
  };
}

function prove(name: string, proof: Proof, known: Known): Proven {
  switch (proof.method) {
    case "pap":
      return provePap(proof, known);
    case "chap-md5":
      return proveChapMd5(proof, known);
    case "ms-chap-v1":
      return proveMsChapV1(proof, known);
    case "ms-chap-v2":
      return proveMsChapV2(name, proof, known);
    default:
      return never(proof);
  }
}

/** Why an account whose password was right may not log in now. */
export function refusalNow(account: Account, now: UnixMs): FailureCode | undefined {
  if (!account.enabled) return 647;
  if (account.validFrom !== undefined && now < account.validFrom) return 648;
  if (account.validUntil !== undefined && now >= account.validUntil) return 648;
  if (!account.dialIn) return 649;
  if (account.hours === undefined) return undefined;
  const date = new Date(now);
  const minute = date.getHours() * 60 + date.getMinutes();
  return isWithin(parseHours(account.hours) ?? [], date.getDay(), minute) ? undefined : 646;
}

function wipeKeys(keys: MppeStartKeys | undefined): void {
  for (const pair of [keys?.bits128, keys?.bits64]) {
    pair?.send.fill(0);
    pair?.receive.fill(0);
  }
}

const REFUSED: Verdict = { ok: false, code: 691 };
const UNAVAILABLE: Verdict = { ok: false, code: "unavailable" };

export class LocalAuthenticator implements Authenticator {
  readonly #terms: LocalAuthenticatorTerms;
  /** Of nobody's account: a name that is not known is checked against it. */
  readonly #nobodysHash = new Uint8Array(randomBytes(16));
  readonly #nobodysText = randomBytes(16).toString("hex");
  #pending = 0;

  constructor(terms: LocalAuthenticatorTerms) {
    this.#terms = terms;
  }

  /** Requests the store has not answered yet; over backendPendingMax a new one is "unavailable". */
  get pending(): number {
    return this.#pending;
  }

  async authenticate(name: string, proof: Proof, _source: Ipv4): Promise<Verdict> {
    if (this.#pending >= limits.backendPendingMax) return UNAVAILABLE;
    this.#pending++;
    try {
      const names = lookupNames(name);
      const found = await this.#inTime(this.#terms.accounts.secrets(names));
      if (found === undefined) return UNAVAILABLE;
      if (!found.ok) {
        this.#terms.report?.(found);
        return UNAVAILABLE;
      }
      const fault = nameFault(names[0]);
      return this.#judge(name, proof, fault === undefined ? found.value : undefined);
    } finally {
      this.#pending--;
    }
  }

  /** Undefined after the deadline; an answer that comes later is dropped, its secret wiped. */
  async #inTime(
    asked: Promise<Answer<AccountSecrets | undefined>>,
  ): Promise<Answer<AccountSecrets | undefined> | undefined> {
    let late = false;
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => {
        late = true;
        resolve(undefined);
      }, this.#terms.deadlineMs ?? limits.backendDeadlineMs);
    });
    const safely = asked.then(
      (found) => {
        if (late && found.ok) found.value?.ntHash.fill(0);
        return found;
      },
      (failure: unknown) => troubleOf(failure),
    );
    const first = await Promise.race([safely, deadline]);
    clearTimeout(timer);
    return first;
  }

  #judge(name: string, proof: Proof, found: AccountSecrets | undefined): Verdict {
    const ntHash = found?.ntHash ?? this.#nobodysHash.slice();
    const clearText = found === undefined ? this.#nobodysText : found.clearText;
    const shown = prove(name, proof, { ntHash, clearText, nobodysText: this.#nobodysText });
    ntHash.fill(0);
    if (!shown.proven || found === undefined) {
      wipeKeys(shown.keys);
      return REFUSED;
    }
    const code = refusalNow(found.account, (this.#terms.clock ?? Date.now)());
    if (code !== undefined) {
      wipeKeys(shown.keys);
      return { ok: false, code };
    }
    return {
      ok: true,
      account: termsOf(found.account, this.#terms.defaults()),
      ...(shown.authenticatorResponse === undefined
        ? {}
        : { authenticatorResponse: shown.authenticatorResponse }),
      ...(shown.keys === undefined ? {} : { keys: shown.keys }),
    };
  }
}
