// One log-in, for what only shows after it. MS-CHAPv2 alone: a method that proves the server to us, and
// the only one whose answer is given to a server that is being looked at. No network phase: what the
// session would send of CCP, IPCP and IPV6CP is not sent.

import type { EndCause } from "../../core/access/ports.js";
import type { PppCredentials } from "../../core/ppp/ports.js";
import { PppSession } from "../../core/ppp/session.js";
import { probe as bounds } from "../../limits.js";
import { monotonicNow } from "../../os/clock.js";
import { systemRng } from "../../os/entropy.js";
import { decodeFrame } from "../../wire/ppp/frame.js";
import { decodePacket } from "../../wire/ppp/packet.js";
import { Protocol } from "../../wire/ppp/protocols.js";
import { clientPolicy } from "../policy.js";
import type { Encryption } from "./facts.js";
import type { PppLine } from "./ppp-line.js";
import { StrengthWalk } from "./strength-walk.js";

const SPOKEN: readonly number[] = [Protocol.lcp, Protocol.chap];

export async function logIn(line: PppLine, credentials: PppCredentials): Promise<Encryption> {
  const policy = clientPolicy({ authentication: ["ms-chap-v2"], encryption: "required" });
  const now = monotonicNow();
  const rng = systemRng();
  const session = new PppSession({ role: "peer", policy, credentials, rng, now });
  const talk = new LogIn(line, session);
  session.start(now);
  talk.drain();
  const end = now + bounds.logInMs;
  while (!talk.over && monotonicNow() < end) await talk.step(end);
  session.terminate("shutdown", monotonicNow());
  talk.drain();
  session.abort("shutdown");
  return talk.result;
}

class LogIn {
  readonly #walk = new StrengthWalk();
  #failure: Exclude<Encryption, { seen: true }>["why"] | undefined;
  #authenticated = false;
  #heardCcp = false;
  #sentAt = 0;
  /** Of a server that ended the session, what is on its way still counts. */
  #lastWordBy = Number.POSITIVE_INFINITY;

  constructor(
    readonly line: PppLine,
    readonly session: PppSession,
  ) {}

  get over(): boolean {
    return this.#failure !== undefined || this.#walk.done || monotonicNow() >= this.#lastWordBy;
  }

  get #asking(): boolean {
    return this.#authenticated && this.#lastWordBy === Number.POSITIVE_INFINITY;
  }

  get result(): Encryption {
    if (this.#failure !== undefined) return { seen: false, why: this.#failure };
    if (!this.#authenticated) return { seen: false, why: "out-of-time" };
    if (!this.#heardCcp) return { seen: false, why: "no-ccp" };
    return { seen: true, strengths: this.#walk.result };
  }

  async step(end: number): Promise<void> {
    const { session, line } = this;
    const due = session.pollTimeout()?.at ?? end;
    const asked = this.#asking ? this.#sentAt + bounds.requestMs : this.#lastWordBy;
    const frame = await line.next(Math.min(due, end, asked) - monotonicNow());
    const now = monotonicNow();
    if (frame?.protocol === Protocol.ccp) this.#ccp(frame.information);
    else if (frame !== undefined) session.handleFrame(frame.protocol, frame.information, now);
    session.handleTimeout(now);
    this.drain();
    if (this.#asking && now >= this.#sentAt + bounds.requestMs) this.#ask();
  }

  drain(): void {
    const { session, line } = this;
    for (let output = session.pollOutput(); output !== undefined; output = session.pollOutput()) {
      if (output.kind === "Authenticated") {
        this.#authenticated = true;
        this.#ask();
      } else if (output.kind === "Ended") {
        this.#ended(output.cause);
      } else if (output.kind === "Send") {
        const frame = decodeFrame(output.frame);
        if (frame.ok && SPOKEN.includes(frame.value.protocol)) line.sendFrame(output.frame);
      }
    }
  }

  #ended(cause: EndCause): void {
    if (this.#authenticated) this.#lastWordBy = monotonicNow() + bounds.requestMs;
    else if (this.#failure === undefined) {
      this.#failure = cause === "server-not-proven" ? "not-proven" : "refused";
    }
  }

  #ask(): void {
    const request = this.#walk.request();
    this.#sentAt = monotonicNow();
    if (request !== undefined) this.line.send(Protocol.ccp, request);
  }

  #ccp(information: Uint8Array): void {
    const packet = decodePacket(information);
    if (!packet.ok) return;
    this.#heardCcp = true;
    if (this.#walk.handle(packet.value) && this.#asking) this.#ask();
  }
}
