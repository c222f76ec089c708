// THREATS 6a: PPP's own protocols are never encrypted, so whoever knows a peer's address can forge what
// ends or restarts them. DEVIATION 53: it waits while we look whether the peer still is as it was.
import { after, type Instant } from "../../base/instant.js";
import { LcpCode } from "../../wire/ppp/lcp.js";
import type { PppPacket } from "../../wire/ppp/packet.js";
import { Protocol } from "../../wire/ppp/protocols.js";
import { limitsOf } from "./context.js";
import type { PppPolicy } from "./ports.js";
import { RateLimit } from "./rate-limit.js";
import type { TimerName } from "./timers.js";

/** Each is the other's way out of a lost packet. */
const QUESTIONS = 2;

export type Doubted = { readonly protocol: number; readonly packet: PppPacket };

/**
 * What shows that the peer is as it was. `link`: it answers LCP Echo, as none does that ended or
 * restarted LCP. `data`: it sends encrypted, or acknowledges a reset, as none does without its keys.
 */
export type Sign = "link" | "data";

/** The session, as its doubt sees it. */
export interface DoubtUser {
  readonly policy: Pick<PppPolicy, "limits">;
  readonly timers: {
    set(timer: TimerName, at: Instant): void;
    clear(timer: TimerName): void;
  };
  note(reason: "request-doubted" | "request-forged"): void;
  /** Asks so that only the peer can answer; `again`: the same question. */
  question(again: boolean, now: Instant): void;
}

export class Doubt {
  #held: Doubted | undefined;
  #asked = 0;
  /** No longer doubted: on its way to whom it is for. */
  #believed: PppPacket | undefined;
  /** Made when first asked. */
  #questions: RateLimit | undefined;

  constructor(readonly user: DoubtUser) {}

  get #waitMs(): number {
    return limitsOf(this.user).doubtMs;
  }

  /** The peer said that it ends the link. */
  get endsLink(): boolean {
    const { protocol, packet } = this.#held ?? {};
    return protocol === Protocol.lcp && packet?.code === LcpCode.terminateRequest;
  }

  /** Whether `packet`, which would end or restart what is Opened, waits. */
  holds(protocol: number, packet: PppPacket, now: Instant): boolean {
    if (packet === this.#believed || this.#waitMs <= 0) return false;
    this.user.note("request-doubted");
    // What goes beyond the first is lost: who means it says it again. What is said of the link counts for
    // what is above it too.
    const first = this.#held === undefined;
    const wider = protocol === Protocol.lcp && this.#held?.protocol !== protocol;
    if (!first && !wider) return true;
    this.#questions ??= new RateLimit(limitsOf(this.user).doubtsPerSecond);
    if (!this.#questions.take(now)) return true;
    this.#held = { protocol, packet: { ...packet, data: packet.data.slice() } };
    this.#asked = 0;
    this.#ask(now);
    return true;
  }

  /** The peer is as it was: what waits was not its own. */
  proven(sign: Sign): void {
    if (this.#held === undefined) return;
    const { protocol, packet } = this.#held;
    const restarts = packet.code === LcpCode.configureRequest && protocol !== Protocol.lcp;
    if (sign === "link" && restarts) return;
    this.user.note("request-forged");
    this.clear();
  }

  /** The timer `doubt`: asked once more, or what waited counts: `then` gives it to whom it is for. */
  handleTimeout(now: Instant, then: (doubted: Doubted) => void): void {
    const held = this.#held;
    if (held === undefined) return;
    if (this.#asked < QUESTIONS) return this.#ask(now);
    this.clear();
    this.#believed = held.packet;
    then(held);
    this.#believed = undefined;
  }

  clear(): void {
    this.#held = undefined;
    this.user.timers.clear("doubt");
  }

  #ask(now: Instant): void {
    this.user.timers.set("doubt", after(now, this.#waitMs / QUESTIONS));
    this.user.question(this.#asked++ > 0, now);
  }
}
