// RFC 1334 §2: PAP, the end that is shown a password.
import type { Instant } from "../../base/instant.js";
import { sameOctets } from "../../wire/ppp/options.js";
import { encodePacket, type PppPacket } from "../../wire/ppp/packet.js";
import { decodeAuthenticateRequest, encodeMessage, PapCode } from "../../wire/ppp/pap.js";
import { Protocol } from "../../wire/ppp/protocols.js";
import type { Verdict } from "../access/ports.js";
import {
  type Authentication,
  type AuthenticationUser,
  DENIED,
  GRANTED,
  LATER,
  readName,
  showName,
} from "./authentication.js";
import type { PppContext } from "./context.js";

type State =
  | { readonly name: "waiting" }
  /** `identifier` follows retransmissions: peers number them anew. */
  | { readonly name: "verifying"; identifier: number; readonly asked: Uint8Array; userName: string }
  | { readonly name: "done"; readonly code: number; readonly told: string };

export class PapAuthenticator implements Authentication {
  readonly method = "pap";
  readonly protocol = Protocol.pap;
  #state: State = { name: "waiting" };
  #triesLeft: number;

  constructor(
    readonly context: PppContext,
    readonly user: AuthenticationUser,
  ) {
    this.#triesLeft = context.policy.authenticationTriesMax;
  }

  start(): void {
    // The peer speaks first.
  }

  handle(packet: PppPacket, now: Instant): void {
    const { context } = this;
    if (packet.code !== PapCode.authenticateRequest) {
      return context.note("authentication-unexpected");
    }
    const state = this.#state;
    // RFC 1334 §2.2.1: a repeated request, even in a later phase, gets the same reply.
    if (state.name === "done") return this.#reply(state.code, packet.identifier, state.told);
    if (state.name === "verifying") {
      if (!sameOctets(state.asked, packet.data)) return context.note("authentication-unexpected");
      state.identifier = packet.identifier;
      return;
    }
    const request = decodeAuthenticateRequest(packet.data);
    if (!request.ok) return context.note("authentication-malformed");
    const { peerId, password } = request.value;
    const userName = readName(peerId);
    const verifying = {
      name: "verifying" as const,
      identifier: packet.identifier,
      asked: packet.data.slice(),
      userName: userName ?? showName(peerId),
    };
    this.#state = verifying;
    if (userName === undefined) {
      context.note("authentication-name");
      return this.handleVerdict({ ok: false, code: 691 }, now);
    }
    this.user.askVerdict(userName, { method: "pap", password: password.slice() }, now);
  }

  handleVerdict(verdict: Verdict, now: Instant): void {
    const state = this.#state;
    if (state.name !== "verifying") return;
    state.asked.fill(0);
    if (verdict.ok) {
      this.#state = { name: "done", code: PapCode.authenticateAck, told: GRANTED };
      this.#reply(PapCode.authenticateAck, state.identifier, GRANTED);
      // RFC 3079 derives keys from MS-CHAP alone: a password shown in clear gives none.
      return this.user.authenticated(state.userName, undefined, now);
    }
    this.#triesLeft--;
    const unavailable = verdict.code === "unavailable";
    const last = unavailable || this.#triesLeft <= 0;
    const told = unavailable ? LATER : DENIED;
    this.#state = last
      ? { name: "done", code: PapCode.authenticateNak, told }
      : { name: "waiting" };
    this.#reply(PapCode.authenticateNak, state.identifier, told);
    if (verdict.code === "unavailable")
      return this.user.terminate("authentication-unavailable", now);
    this.user.refused(state.userName, verdict.code, now);
    if (last) this.user.terminate("authentication-failed", now);
  }

  handleTimeout(): void {
    // Nothing is sent again: the peer repeats its request.
  }

  end(): void {
    if (this.#state.name === "verifying") this.#state.asked.fill(0);
  }

  #reply(code: number, identifier: number, told: string): void {
    const message = new TextEncoder().encode(told);
    this.context.send(this.protocol, encodePacket(code, identifier, encodeMessage(message)));
  }
}
