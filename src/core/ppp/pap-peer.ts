// RFC 1334 §2: PAP, the end that shows its password.
import { after, type Instant } from "../../base/instant.js";
import { encodePacket, type PppPacket } from "../../wire/ppp/packet.js";
import { decodeMessage, encodeAuthenticateRequest, PapCode } from "../../wire/ppp/pap.js";
import { Protocol } from "../../wire/ppp/protocols.js";
import { type Authentication, type AuthenticationUser, LATER } from "./authentication.js";
import { limitsOf, type PppContext } from "./context.js";
import type { PppCredentials } from "./ports.js";

export class PapPeer implements Authentication {
  readonly method = "pap";
  readonly protocol = Protocol.pap;
  #identifier = 0;
  #sendsLeft: number;
  #done = false;
  readonly name: string;
  readonly #request: Uint8Array;

  constructor(
    readonly context: PppContext,
    readonly user: AuthenticationUser,
    credentials: PppCredentials,
  ) {
    this.#sendsLeft = limitsOf(context).configureMax;
    this.name = credentials.name;
    const text = new TextEncoder();
    this.#request = encodeAuthenticateRequest({
      peerId: text.encode(credentials.name).subarray(0, 255),
      password: text.encode(credentials.password).subarray(0, 255),
    });
  }

  start(now: Instant): void {
    this.#send(now);
  }

  handle(packet: PppPacket, now: Instant): void {
    const { context, user } = this;
    const known =
      packet.code === PapCode.authenticateAck || packet.code === PapCode.authenticateNak;
    if (!known || this.#done || packet.identifier !== this.#identifier) {
      return context.note("authentication-unexpected");
    }
    this.#done = true;
    this.end();
    if (packet.code === PapCode.authenticateAck) {
      return user.authenticated(this.name, undefined, now);
    }
    const told = decodeMessage(packet.data);
    // Nothing is known of the password then.
    if (told.ok && new TextDecoder().decode(told.value) === LATER) {
      return user.terminate("authentication-unavailable", now);
    }
    user.refused(this.name, 691, now);
    user.terminate("authentication-failed", now);
  }

  handleVerdict(): void {
    // Asks no backend.
  }

  handleTimeout(now: Instant): void {
    if (!this.#done) this.#send(now);
  }

  end(): void {
    this.context.timers.clear("authentication-restart");
    this.#request.fill(0);
  }

  #send(now: Instant): void {
    if (this.#sendsLeft-- <= 0) return;
    this.#identifier = (this.#identifier + 1) & 255;
    this.context.timers.set("authentication-restart", after(now, limitsOf(this.context).restartMs));
    this.context.send(
      this.protocol,
      encodePacket(PapCode.authenticateRequest, this.#identifier, this.#request),
    );
  }
}
