// The Authenticate phase (RFC 1661 §3.5): what the four methods have in common, in either role.
import type { Instant } from "../../base/instant.js";
import { printable } from "../../base/printable.js";
import { ppp } from "../../limits.js";
import type { PppPacket } from "../../wire/ppp/packet.js";
import type {
  AuthenticationMethod,
  EndCause,
  FailureCode,
  MppeStartKeys,
  Proof,
  Verdict,
} from "../access/ports.js";

/** The session, as its authentication sees it. */
export interface AuthenticationUser {
  /** Asks the backend; `handleVerdict` brings the answer, "unavailable" when it is late. */
  askVerdict(name: string, proof: Proof, now: Instant): void;
  authenticated(name: string, keys: MppeStartKeys | undefined, now: Instant): void;
  /** One log-in failed; another may be allowed, which gets the phase's time anew. */
  refused(name: string, code: FailureCode, now: Instant): void;
  terminate(cause: EndCause, now: Instant): void;
}

/** One method in one role, from LCP Opened until LCP leaves it. */
export interface Authentication {
  readonly method: AuthenticationMethod;
  /** PAP's or CHAP's protocol number. */
  readonly protocol: number;
  start(now: Instant): void;
  handle(packet: PppPacket, now: Instant): void;
  handleVerdict(verdict: Verdict, now: Instant): void;
  /** The timer `authentication-restart`. */
  handleTimeout(now: Instant): void;
  /** Secrets are wiped. */
  end(): void;
}

/** Told to the peer in Success and Failure texts. */
export const GRANTED = "Access granted";
export const DENIED = "Access denied";
/** RFC 2759 §6 has no code for it: nobody looked whether the password is right. Another try may be. */
export const LATER = "Try again later";

/** RFC 2759 §6 ERROR_CHANGING_PASSWORD: only ever told, never a verdict. */
export const CHANGE_PASSWORD_FAILED = 709;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Valid UTF-8 without control characters, bounded; undefined for anything else. */
export function readName(octets: Uint8Array): string | undefined {
  if (octets.length === 0 || octets.length > ppp.nameOctetsMax) return undefined;
  try {
    const name = utf8.decode(octets);
    return /\p{Cc}/u.test(name) ? undefined : name;
  } catch {
    return undefined;
  }
}

/** A name that is none, for the log. */
export function showName(octets: Uint8Array): string {
  let text = "";
  for (const octet of octets.subarray(0, 65)) text += String.fromCharCode(octet);
  return printable(text);
}
