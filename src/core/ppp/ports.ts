// The edge of a PPP session: what it is told, what it puts out. The session itself is session.ts.
import type { Ipv4 } from "../../base/ip.js";
import type { Bounds, ppp } from "../../limits.js";
import type { AuthenticationMethod, EndCause, Proof } from "../access/ports.js";

/** `authenticator` is the answering server (PAC), `peer` the calling client (PNS). */
export type PppRole = "authenticator" | "peer";

export type MppeBits = 40 | 56 | 128;

export type EncryptionPolicy = {
  /** No network phase without it, and no plaintext data ever accepted or sent. */
  readonly require: boolean;
  /** Strengths that may be agreed on; empty: CCP is refused. */
  readonly bits: readonly MppeBits[];
  /** Whether stateful mode may be agreed on where the peer does not want stateless. */
  readonly stateful: boolean;
  /** Ask for stateful mode first (tests, old peers); of use only with `stateful`. */
  readonly askStateful?: boolean;
};

export type PppPolicy = {
  /** Our MRU: the largest information field we ask to be sent. */
  readonly mru: number;
  /** Largest information field we send, whatever the peer's MRU says. */
  readonly mtu: number;
  /** Authenticator: asked for in this order. Peer: acceptable, any order. */
  readonly authentication: readonly AuthenticationMethod[];
  readonly encryption: EncryptionPolicy;
  readonly ipv4: boolean;
  readonly ipv6: boolean;
  /** LCP Echo-Request every so often while the link is open; 0 turns it off. */
  readonly echoIntervalMs: number;
  /** Echo-Requests without an answer before the link is dead. */
  readonly echoFailuresMax: number;
  /** Name field of our CHAP Challenge. */
  readonly name: string;
  /** Log-ins tried within one session, RFC 2759 retries included. */
  readonly authenticationTriesMax: number;
  /** As configured; src/limits.ts's own where left out. */
  readonly limits?: Bounds<typeof ppp>;
};

/** Peer role: what we log in with. The session wipes the password when it ends. */
export type PppCredentials = { readonly name: string; readonly password: string };

/** What the authenticator gives (from `AddressesAnswered`), or undefined where there is none. */
export type AddressTerms = {
  readonly ipv4:
    | {
        readonly ours: Ipv4;
        readonly peers: Ipv4;
        readonly dns: readonly Ipv4[];
        readonly nbns: readonly Ipv4[];
      }
    | undefined;
  /** Interface identifiers, 8 octets. */
  readonly ipv6: { readonly ours: Uint8Array; readonly peers: Uint8Array } | undefined;
};

/** One direction of MPPE, ready for the data path (RFC 3078, RFC 3079). */
export type MppeKeys = {
  readonly bits: MppeBits;
  readonly stateful: boolean;
  /** Start keys: 16 octets (128) or 8 (40, 56). The session key step is the data path's. */
  readonly sendStart: Uint8Array;
  readonly receiveStart: Uint8Array;
};

export type PppOutput =
  /** A whole PPP frame: FF 03, two-octet protocol, information. */
  | { readonly kind: "Send"; readonly frame: Uint8Array }
  | {
      readonly kind: "AuthenticationAsked";
      readonly generation: number;
      readonly name: string;
      readonly proof: Proof;
    }
  /** Authenticated (and encrypted where that is required): which addresses? */
  | { readonly kind: "AddressesAsked"; readonly generation: number }
  /** LCP Opened: what the data path must know to write frames to this peer. */
  | {
      readonly kind: "LinkUp";
      readonly peersMru: number;
      readonly acfc: boolean;
      readonly pfc: boolean;
    }
  | { readonly kind: "LinkDown" }
  | { readonly kind: "Authenticated"; readonly method: AuthenticationMethod; readonly name: string }
  | {
      readonly kind: "AuthenticationRefused";
      readonly method: AuthenticationMethod;
      readonly name: string;
      readonly code: number;
    }
  | { readonly kind: "EncryptionUp"; readonly keys: MppeKeys }
  | { readonly kind: "EncryptionDown" }
  | {
      readonly kind: "Ipv4Up";
      readonly ours: Ipv4;
      readonly peers: Ipv4;
      /** Peer role: what the server offered. */
      readonly dns: readonly Ipv4[];
      readonly nbns: readonly Ipv4[];
    }
  | { readonly kind: "Ipv4Down" }
  | { readonly kind: "Ipv6Up"; readonly ours: Uint8Array; readonly peers: Uint8Array }
  | { readonly kind: "Ipv6Down" }
  /**
   * The data path lost its place in the sequence: an Echo-Request with unguessable data was sent, and
   * the frame that answers it (information field of the LCP packet, whole) sets the sequence anew.
   */
  | { readonly kind: "ResyncExpected"; readonly echoReply: Uint8Array }
  /** Stateful MPPE: a CCP Reset-Request came in (`send`), or its Reset-Ack did (`receive`). */
  | { readonly kind: "FlushNeeded"; readonly side: "send" | "receive" }
  | { readonly kind: "ProbeAnswered"; readonly alive: boolean }
  /** Counted by the composer under `reason`: a drop, a refusal, an oddity. Bounded set of names. */
  | { readonly kind: "Noted"; readonly reason: string }
  /** The last output. The peer was told as far as it could be; nothing is held any more. */
  | { readonly kind: "Ended"; readonly cause: EndCause };

/** For the session's page and `holdfast session`. */
export type PppSnapshot = {
  readonly phase: "dead" | "establish" | "authenticate" | "network" | "terminate";
  readonly lcp: string;
  readonly ccp: string;
  readonly ipcp: string;
  readonly ipv6cp: string;
  readonly authentication: AuthenticationMethod | undefined;
  readonly name: string | undefined;
  readonly encryption: { readonly bits: MppeBits; readonly stateful: boolean } | undefined;
  readonly peersMru: number;
  readonly peersIdentification: string | undefined;
};
