// What authentication, addresses and accounting look like from the core: pairs of values (asked,
// answered), never a Promise. A stale generation is counted and dropped.
import type { Ipv4, Prefix4 } from "../../base/ip.js";

export type AuthenticationMethod = "pap" | "chap-md5" | "ms-chap-v1" | "ms-chap-v2";

/** What the peer showed; octets, straight from a checked codec. */
export type Proof =
  | { readonly method: "pap"; readonly password: Uint8Array }
  | {
      readonly method: "chap-md5";
      readonly identifier: number;
      readonly challenge: Uint8Array;
      readonly response: Uint8Array;
    }
  | {
      readonly method: "ms-chap-v1";
      readonly challenge: Uint8Array;
      readonly lmResponse: Uint8Array;
      readonly ntResponse: Uint8Array;
      readonly useNt: boolean;
    }
  | {
      readonly method: "ms-chap-v2";
      readonly authenticatorChallenge: Uint8Array;
      readonly peerChallenge: Uint8Array;
      readonly ntResponse: Uint8Array;
    };

/** RFC 2433 §6, RFC 2759 §6: hours, disabled, expired, no dial-in; 691 for everything else. */
export type FailureCode = 646 | 647 | 648 | 649 | 691;

/** RFC 3079 start keys, before the session-key step, from our point of view. */
export type MppeStartKeys = {
  /** 16 octets each: 128-bit. */
  readonly bits128?: { readonly send: Uint8Array; readonly receive: Uint8Array };
  /** 8 octets each: 40- and 56-bit. */
  readonly bits64?: { readonly send: Uint8Array; readonly receive: Uint8Array };
};

/** Of a user, in inner octets; 0 is no limit. `up` is from the client, `down` towards it. */
export type Rate = { readonly upBitsPerSecond: number; readonly downBitsPerSecond: number };

/** What the authenticator's backend says an account may have. */
export type AccountTerms = {
  /** The backend's own key for accounting. */
  readonly accountId: number;
  readonly name: string;
  readonly staticAddress: Ipv4 | undefined;
  /** Prefixes behind a client router. */
  readonly routes: readonly Prefix4[];
  readonly sessionsMax: number;
  readonly atSessionLimit: "refuse-new" | "end-oldest";
  readonly sessionSecondsMax: number | undefined;
  readonly idleSecondsMax: number | undefined;
  /** Inner octets in both directions together. */
  readonly octetsMax: number | undefined;
  /** As in Rate; `undefined` is the server's default, whatever that is at the time. */
  readonly upBitsPerSecond: number | undefined;
  readonly downBitsPerSecond: number | undefined;
};

export type Verdict =
  | {
      readonly ok: true;
      readonly account: AccountTerms;
      /** MS-CHAPv2: the 40 upper-case hexadecimal digits of `S=` (RFC 2759 §5). */
      readonly authenticatorResponse?: string;
      readonly keys?: MppeStartKeys;
    }
  | { readonly ok: false; readonly code: FailureCode }
  /** The backend could not answer: nobody's fault, told as 691 to the peer, logged as what it is. */
  | { readonly ok: false; readonly code: "unavailable" };

/** Why a session ended: the log's, the accounting's and the page's one list. */
export type EndCause =
  | "peer-terminated"
  | "call-cleared"
  | "control-closed"
  | "control-stopped"
  | "control-malformed"
  | "control-timeout"
  | "lcp-timeout"
  | "lcp-failed"
  | "loopback"
  | "phase-timeout"
  | "negotiation-limit"
  | "authentication-failed"
  | "authentication-unavailable"
  | "server-not-proven"
  | "encryption-refused"
  | "network-refused"
  | "address-unavailable"
  | "echo-timeout"
  | "idle-limit"
  | "time-limit"
  | "octet-limit"
  | "session-limit"
  | "account-changed"
  | "administrator"
  | "worker-lost"
  | "refused"
  | "shutdown"
  | "internal-error";
