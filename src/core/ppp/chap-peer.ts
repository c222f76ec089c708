// RFC 1994 §4, RFC 2433, RFC 2759: CHAP-MD5, MS-CHAPv1 and MS-CHAPv2, the end that is challenged.
import { after, type Instant } from "../../base/instant.js";
import { never } from "../../base/invariant.js";
import { chapMd5 } from "../../crypto/chap-md5.js";
import { equalInConstantTime } from "../../crypto/equal.js";
import { startKeysMsChapV1, startKeysMsChapV2 } from "../../crypto/mppe-keys.js";
import {
  authenticatorResponse,
  lmPasswordHash,
  ntPasswordHash,
  ntResponseV1,
  ntResponseV2,
} from "../../crypto/ms-chap.js";
import {
  ChapCode,
  decodeAuthenticatorResponse,
  decodeMsChapFailure,
  decodeValueAndName,
  encodeMsChapV1Response,
  encodeMsChapV2Response,
  encodeValueAndName,
} from "../../wire/ppp/chap.js";
import { sameOctets } from "../../wire/ppp/options.js";
import { encodePacket, type PppPacket } from "../../wire/ppp/packet.js";
import { Protocol } from "../../wire/ppp/protocols.js";
import type { FailureCode, MppeStartKeys } from "../access/ports.js";
import { type Authentication, type AuthenticationUser, LATER } from "./authentication.js";
import type { ChapMethod } from "./chap-authenticator.js";
import { limitsOf, type PppContext } from "./context.js";
import type { PppCredentials } from "./ports.js";
import { wipeKeys } from "./start-keys.js";

const CHALLENGE_OCTETS = { "ms-chap-v1": 8, "ms-chap-v2": 16 } as const;
const text = new TextEncoder();

/** One answer to one Challenge. */
type Answer = {
  readonly identifier: number;
  readonly challenge: Uint8Array;
  readonly packet: Uint8Array;
  /** What `S=` must be (MS-CHAPv2). */
  readonly proof: string | undefined;
  readonly keys: MppeStartKeys | undefined;
  settled: boolean;
};

export class ChapPeer implements Authentication {
  readonly protocol = Protocol.chap;
  readonly #name: string;
  readonly #secret: Uint8Array;
  readonly #ntHash: Uint8Array;
  readonly #lmHash: Uint8Array;
  #answer: Answer | undefined;
  #authenticated = false;
  #sendsLeft: number;

  constructor(
    readonly method: ChapMethod,
    readonly context: PppContext,
    readonly user: AuthenticationUser,
    credentials: PppCredentials,
  ) {
    this.#sendsLeft = limitsOf(context).configureMax;
    this.#name = credentials.name;
    this.#secret = text.encode(credentials.password);
    this.#ntHash = ntPasswordHash(credentials.password);
    this.#lmHash = lmPasswordHash(credentials.password);
  }

  start(): void {
    // The authenticator speaks first.
  }

  handle(packet: PppPacket, now: Instant): void {
    switch (packet.code) {
      case ChapCode.challenge:
        return this.#handleChallenge(packet, now);
      case ChapCode.success:
        return this.#handleSuccess(packet, now);
      case ChapCode.failure:
        return this.#handleFailure(packet, now);
      default:
        return this.context.note("authentication-unexpected");
    }
  }

  handleVerdict(): void {
    // Asks no backend.
  }

  /** DEVIATION 45: a Response may be lost like anything else; each one is answered alike. */
  handleTimeout(now: Instant): void {
    if (this.#answer !== undefined && !this.#answer.settled) this.#send(this.#answer, now);
  }

  end(): void {
    this.context.timers.clear("authentication-restart");
    this.#secret.fill(0);
    this.#ntHash.fill(0);
    this.#lmHash.fill(0);
    wipeKeys(this.#answer?.keys);
  }

  #handleChallenge(packet: PppPacket, now: Instant): void {
    const challenge = decodeValueAndName(packet.data);
    const size = this.method === "chap-md5" ? undefined : CHALLENGE_OCTETS[this.method];
    if (!challenge.ok || (size !== undefined && challenge.value.value.length !== size)) {
      return this.context.note("authentication-malformed");
    }
    const { value } = challenge.value;
    const before = this.#answer;
    if (before?.identifier === packet.identifier && sameOctets(before.challenge, value)) {
      // Our Response was lost, or crossed this retransmission.
      return this.context.send(this.protocol, before.packet);
    }
    wipeKeys(before?.keys);
    this.#answer = this.#respond(packet.identifier, value.slice());
    this.#sendsLeft = limitsOf(this.context).configureMax;
    this.#send(this.#answer, now);
  }

  #handleSuccess(packet: PppPacket, now: Instant): void {
    const answer = this.#answer;
    if (answer === undefined || answer.settled || packet.identifier !== answer.identifier) {
      return this.context.note("authentication-unexpected");
    }
    answer.settled = true;
    this.context.timers.clear("authentication-restart");
    if (answer.proof !== undefined) {
      const shown = decodeAuthenticatorResponse(packet.data);
      const proven =
        shown.ok && equalInConstantTime(text.encode(shown.value), text.encode(answer.proof));
      // RFC 2759 §5: the peer MUST end the session when S= is missing or wrong.
      if (!proven) return this.user.terminate("server-not-proven", now);
    }
    // A challenge in the network phase proves the peer once more and changes nothing.
    if (this.#authenticated) return;
    this.#authenticated = true;
    this.user.authenticated(this.#name, answer.keys, now);
  }

  #handleFailure(packet: PppPacket, now: Instant): void {
    const answer = this.#answer;
    if (answer === undefined || answer.settled || packet.identifier !== answer.identifier) {
      return this.context.note("authentication-unexpected");
    }
    answer.settled = true;
    this.context.timers.clear("authentication-restart");
    const told = decodeMsChapFailure(packet.data);
    const plain = this.method === "chap-md5";
    const message = plain ? new TextDecoder().decode(packet.data) : told.message;
    // Nothing is known of the password then.
    if (message === LATER) return this.user.terminate("authentication-unavailable", now);
    // Another try with the same password would end the same way.
    this.user.refused(this.#name, failureCode(plain ? undefined : told.code), now);
    this.user.terminate("authentication-failed", now);
  }

  #respond(identifier: number, challenge: Uint8Array): Answer {
    const { value, proof, keys } = this.#valueOf(identifier, challenge);
    const data = encodeValueAndName({ value, name: text.encode(this.#name) });
    const packet = encodePacket(ChapCode.response, identifier, data);
    return { identifier, challenge, packet, proof, keys, settled: false };
  }

  #valueOf(
    identifier: number,
    challenge: Uint8Array,
  ): { value: Uint8Array; proof?: string; keys?: MppeStartKeys } {
    const ntHash = this.#ntHash;
    switch (this.method) {
      case "chap-md5":
        return { value: chapMd5(identifier, this.#secret, challenge) };
      case "ms-chap-v1": {
        // RFC 2433 §5: the LM response SHOULD be zero.
        const lmResponse = new Uint8Array(24);
        const ntResponse = ntResponseV1(challenge, ntHash);
        return {
          value: encodeMsChapV1Response({ lmResponse, ntResponse, useNt: true }),
          keys: startKeysMsChapV1({ ntHash, lmHash: this.#lmHash }, challenge),
        };
      }
      case "ms-chap-v2": {
        const peerChallenge = this.context.rng.challenge(16);
        const ntResponse = ntResponseV2(challenge, peerChallenge, this.#name, ntHash);
        return {
          value: encodeMsChapV2Response({ peerChallenge, ntResponse }),
          proof: authenticatorResponse(ntHash, ntResponse, peerChallenge, challenge, this.#name),
          keys: startKeysMsChapV2(ntHash, ntResponse, "client"),
        };
      }
      default:
        return never(this.method);
    }
  }

  #send(answer: Answer, now: Instant): void {
    if (this.#sendsLeft-- <= 0) return;
    this.context.timers.set("authentication-restart", after(now, limitsOf(this.context).restartMs));
    this.context.send(this.protocol, answer.packet);
  }
}

function failureCode(told: number | undefined): FailureCode {
  return told === 646 || told === 647 || told === 648 || told === 649 ? told : 691;
}
