// What the parts of one PPP session share: policy, chance, timers, and the way out.
import type { Instant } from "../../base/instant.js";
import type { Rng } from "../../base/rng.js";
import { type Bounds, ppp } from "../../limits.js";
import type { PppPacket } from "../../wire/ppp/packet.js";
import type { Sign } from "./doubt.js";
import type { PppOutput, PppPolicy, PppRole } from "./ports.js";
import type { RateLimit } from "./rate-limit.js";
import type { PppTimers } from "./timers.js";

/** Reasons of `Noted`: the bounded set. */
export type Note =
  | "malformed-frame"
  | "malformed-packet"
  | "malformed-options"
  | "oversized-packet"
  | "before-lcp-opened"
  | "before-network-phase"
  | "data-in-control"
  | "unknown-protocol"
  | "protocol-not-agreed"
  | "unknown-code"
  | "wrong-identifier"
  | "cannot-happen"
  | "options-not-ours"
  | "request-repeated"
  | "renegotiation-refused"
  | "reject-suppressed"
  | "code-rejected"
  | "protocol-rejected"
  | "echo-malformed"
  | "echo-looped"
  | "echo-suppressed"
  | "echo-unasked"
  | "resync-suppressed"
  | "request-doubted"
  | "request-forged"
  | "discard-request"
  | "identification"
  | "time-remaining"
  | "lcp-never-answered"
  | "authentication-none-left"
  | "authentication-rejected"
  | "authentication-not-offered"
  | "authentication-malformed"
  | "authentication-name"
  | "authentication-unexpected"
  | "authentication-unavailable"
  | "change-password-refused"
  | "stale-verdict"
  | "stale-addresses"
  | "network-held"
  | "network-failed"
  | "encryption-without-keys"
  | "reset-suppressed"
  | "reset-unasked"
  | "phase-timeout"
  | "packets-per-phase";

export interface PppContext {
  readonly role: PppRole;
  readonly policy: PppPolicy;
  readonly rng: Rng;
  readonly timers: PppTimers;
  /** DEVIATION 50: Code-Reject and Protocol-Reject together (G-21). */
  readonly rejects: RateLimit;
  /** The largest information field we may send now: the peer's MRU, our own cap. */
  peersMru(): number;
  /** `information` of one frame of `protocol`. */
  send(protocol: number, information: Uint8Array): void;
  emit(output: PppOutput): void;
  note(reason: Note): void;
  /** DEVIATION 53: `packet` would end or restart what is Opened. True: it may be forged, and waits. */
  doubts(protocol: number, packet: PppPacket, now: Instant): boolean;
  /** DEVIATION 43: Opened, and the peer starts over: false drops its packet (G-15). */
  mayRenegotiate(protocol: number, now: Instant): boolean;
  /** The peer showed that it is as it was. */
  proven(sign: Sign): void;
}

/** The bounds of this session: as configured when it began. */
export function limitsOf({
  policy,
}: {
  readonly policy: Pick<PppPolicy, "limits">;
}): Bounds<typeof ppp> {
  return policy.limits ?? ppp;
}
