// RFC 1994 §4, RFC 2433, RFC 2759: CHAP-MD5, MS-CHAPv1 and MS-CHAPv2, the end that challenges.

import { type Decoded, decoded, malformed } from "../../base/decoded.js";
import { after, type Instant } from "../../base/instant.js";
import { pack, unpack } from "../../base/packed.js";
import {
  CHANGE_PASSWORD_OCTETS,
  ChapCode,
  decodeMsChapV1Response,
  decodeMsChapV2Response,
  decodeValueAndName,
  encodeMsChapFailure,
  encodeSuccess,
  encodeValueAndName,
} from "../../wire/ppp/chap.js";
import { sameOctets } from "../../wire/ppp/options.js";
import { encodePacket, PACKET_HEADER_OCTETS, type PppPacket } from "../../wire/ppp/packet.js";
import { Protocol } from "../../wire/ppp/protocols.js";
import type { AuthenticationMethod, Proof, Verdict } from "../access/ports.js";
import {
  type Authentication,
  type AuthenticationUser,
  CHANGE_PASSWORD_FAILED,
  DENIED,
  GRANTED,
  LATER,
  readName,
  showName,
} from "./authentication.js";
import { limitsOf, type PppContext } from "./context.js";

export type ChapMethod = Exclude<AuthenticationMethod, "pap">;

const CHALLENGE_OCTETS = { "chap-md5": 16, "ms-chap-v1": 8, "ms-chap-v2": 16 } as const;
const MD5_OCTETS = 16;
const text = new TextEncoder();
const NONE = new Uint8Array();

type State =
  /** `repeat`: our Challenge is sent again until it is answered; not while a retry is awaited. */
  | { readonly name: "waiting"; readonly repeat: boolean }
  | { readonly name: "verifying"; readonly userName: string }
  | { readonly name: "done" };
const DONE: State = { name: "done" };

export class ChapAuthenticator implements Authentication {
  readonly protocol = Protocol.chap;
  #state: State = DONE;
  #identifier: number;
  #challenge: Uint8Array = NONE;
  #triesLeft: number;
  #sendsLeft: number;
  /** What the last Response got, packed: its repetitions get the same. */
  #repliedTo = -1;
  #lastReply = "";

  constructor(
    readonly method: ChapMethod,
    readonly context: PppContext,
    readonly user: AuthenticationUser,
  ) {
    this.#sendsLeft = limitsOf(context).configureMax;
    this.#triesLeft = context.policy.authenticationTriesMax;
    this.#identifier = context.rng.magicNumber() & 255;
  }

  start(now: Instant): void {
    this.#freshChallenge();
    this.#state = { name: "waiting", repeat: true };
    this.#sendChallenge(now);
  }

  handle(packet: PppPacket, now: Instant): void {
    switch (packet.code) {
      case ChapCode.response:
        return this.#handleResponse(packet, now);
      case ChapCode.changePasswordV3:
        return this.#handleChangePassword(packet, now);
      default:
        return this.context.note("authentication-unexpected");
    }
  }

  handleVerdict(verdict: Verdict, now: Instant): void {
    const state = this.#state;
    if (state.name !== "verifying") return;
    if (!verdict.ok) return this.#refuse(state.userName, verdict.code, now);
    const success = this.#successOf(verdict.authenticatorResponse);
    // A verdict without what MS-CHAPv2 must prove to the peer is no verdict.
    if (success === undefined) return this.#refuse(state.userName, "unavailable", now);
    this.#done();
    this.#reply(ChapCode.success, success);
    const keys = this.method === "chap-md5" ? undefined : verdict.keys;
    this.user.authenticated(state.userName, keys, now);
  }

  handleTimeout(now: Instant): void {
    if (this.#state.name === "waiting" && this.#state.repeat) this.#sendChallenge(now);
  }

  end(): void {
    this.context.timers.clear("authentication-restart");
    this.#done();
  }

  #done(): void {
    this.#state = DONE;
    this.#challenge.fill(0);
    this.#challenge = NONE;
  }

  #handleResponse(packet: PppPacket, now: Instant): void {
    const { context } = this;
    // RFC 1994 §4.2: "whenever a Response packet is received with the same Identifier … the same
    // reply Code MUST be returned".
    if (this.#repliedTo === packet.identifier) {
      return context.send(this.protocol, unpack(this.#lastReply));
    }
    if (this.#state.name !== "waiting" || packet.identifier !== this.#identifier) {
      return context.note("authentication-unexpected");
    }
    const response = decodeValueAndName(packet.data);
    if (!response.ok) return context.note("authentication-malformed");
    context.timers.clear("authentication-restart");
    const userName = readName(response.value.name);
    const proof = this.#proofOf(response.value.value, packet.identifier);
    this.#state = { name: "verifying", userName: userName ?? showName(response.value.name) };
    if (userName !== undefined && proof.ok) {
      return this.user.askVerdict(userName, proof.value, now);
    }
    context.note(proof.ok ? "authentication-name" : "authentication-malformed");
    this.#refuse(this.#state.userName, 691, now);
  }

  /** Sizes are settled here, before any hash and any backend. */
  #proofOf(value: Uint8Array, identifier: number): Decoded<Proof> {
    const challenge = this.#challenge.slice();
    switch (this.method) {
      case "chap-md5":
        if (value.length !== MD5_OCTETS) return malformed("Value-Size", value.length);
        return decoded({ method: this.method, identifier, challenge, response: value.slice() });
      case "ms-chap-v1": {
        const v1 = decodeMsChapV1Response(value);
        if (!v1.ok) return v1;
        const { useNt } = v1.value;
        const lmResponse = v1.value.lmResponse.slice();
        const ntResponse = v1.value.ntResponse.slice();
        return decoded({ method: this.method, challenge, lmResponse, ntResponse, useNt });
      }
      case "ms-chap-v2": {
        const v2 = decodeMsChapV2Response(value);
        if (!v2.ok) return v2;
        return decoded({
          method: this.method,
          authenticatorChallenge: challenge,
          peerChallenge: v2.value.peerChallenge.slice(),
          ntResponse: v2.value.ntResponse.slice(),
        });
      }
    }
  }

  /** DEVIATION 47: no passwords are changed here; whoever asks is told so and gets no retry. */
  #handleChangePassword(packet: PppPacket, now: Instant): void {
    const { context } = this;
    context.note("change-password-refused");
    const expected = packet.data.length === CHANGE_PASSWORD_OCTETS - PACKET_HEADER_OCTETS;
    const state = this.#state;
    const inTurn = state.name === "waiting" && packet.identifier === this.#identifier;
    if (this.method !== "ms-chap-v2" || !expected || !inTurn) return;
    context.timers.clear("authentication-restart");
    this.#done();
    this.#reply(ChapCode.failure, this.#failureOf(CHANGE_PASSWORD_FAILED, false));
    this.user.terminate("authentication-failed", now);
  }

  #successOf(authenticatorResponse: string | undefined): Uint8Array | undefined {
    if (this.method !== "ms-chap-v2") return text.encode(GRANTED);
    if (authenticatorResponse === undefined) return undefined;
    return encodeSuccess(authenticatorResponse, GRANTED);
  }

  #refuse(userName: string, code: Exclude<Verdict, { ok: true }>["code"], now: Instant): void {
    this.#triesLeft--;
    const retry = code === 691 && this.#triesLeft > 0 && this.method !== "chap-md5";
    const answered = this.#identifier;
    if (retry) {
      // RFC 2759 §6: the next Response uses C as its challenge, and the Identifier after this one.
      this.#freshChallenge();
      this.#state = { name: "waiting", repeat: false };
    } else this.#done();
    const [wireCode, message] = code === "unavailable" ? [691, LATER] : [code, DENIED];
    this.#replyTo(answered, ChapCode.failure, this.#failureOf(wireCode, retry, message));
    if (code === "unavailable") return this.user.terminate("authentication-unavailable", now);
    this.user.refused(userName, code, now);
    if (!retry) this.user.terminate("authentication-failed", now);
  }

  #failureOf(code: number, retry: boolean, message = DENIED): Uint8Array {
    if (this.method === "chap-md5") return text.encode(message);
    const version = this.method === "ms-chap-v1" ? 2 : 3;
    // Without a retry the challenge is never used: a new one all the same, as RFC 2759 §6 has it.
    const challenge = retry
      ? this.#challenge
      : this.context.rng.challenge(CHALLENGE_OCTETS[this.method]);
    return encodeMsChapFailure({ code, retry, challenge, version, message });
  }

  /** RFC 1994 §2.3: unique; chance that repeats itself is helped on. */
  #freshChallenge(): void {
    const challenge = this.context.rng.challenge(CHALLENGE_OCTETS[this.method]);
    if (sameOctets(challenge, this.#challenge)) challenge[0] = challenge[0]! ^ 1;
    this.#challenge = challenge;
    this.#identifier = (this.#identifier + 1) & 255;
  }

  #sendChallenge(now: Instant): void {
    // DEVIATION 46: sent again as it was, so that an answer to the first one still counts. The
    // phase's deadline ends the waiting.
    if (this.#sendsLeft-- <= 0) return;
    this.context.timers.set("authentication-restart", after(now, limitsOf(this.context).restartMs));
    const name = text.encode(this.context.policy.name);
    const data = encodeValueAndName({ value: this.#challenge, name });
    this.context.send(this.protocol, encodePacket(ChapCode.challenge, this.#identifier, data));
  }

  #reply(code: number, data: Uint8Array): void {
    this.#replyTo(this.#identifier, code, data);
  }

  #replyTo(identifier: number, code: number, data: Uint8Array): void {
    const packet = encodePacket(code, identifier, data);
    this.#repliedTo = identifier;
    this.#lastReply = pack(packet);
    this.context.send(this.protocol, packet);
  }
}
