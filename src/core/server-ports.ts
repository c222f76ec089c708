// The edge of the server core: what the daemon tells it and what it asks of the daemon.
import type { Ipv4, Ipv6, Prefix4 } from "../base/ip.js";
import type { FlowCounters } from "../wire/worker-link.js";
import type { AccountTerms, AuthenticationMethod, EndCause, Proof, Rate } from "./access/ports.js";
import type { PppPolicy, PppSnapshot } from "./ppp/ports.js";
import type { ControlPolicy } from "./pptp/ports.js";
import type { SessionHistory } from "./session-history.js";

/** One accepted TCP connection; the daemon numbers them and never uses a number twice. */
export type ConnectionId = number & { readonly of: "connection" };
export type SessionId = number & { readonly of: "session" };

/** What a peer gets by where it comes from and where it comes to: the user is not known yet. */
export type Profile = {
  readonly name: string;
  readonly ppp: PppPolicy;
};

export type ServerPolicy = {
  readonly control: Omit<ControlPolicy, "side">;
  readonly sessionsMax: number;
  readonly interimMs: number;
  /** Of accounts that say nothing else. */
  readonly rate: Rate;
  /** Total over all profiles: something always matches. */
  readonly profileFor: (localAddress: Ipv4, peerAddress: Ipv4) => Profile;
};

/** The address port's answer. The leases go into the session's scope, or back at once when late. */
export type AddressAnswer =
  | {
      readonly ok: true;
      readonly ipv4:
        | {
            readonly ours: Ipv4;
            readonly peers: Ipv4;
            readonly dns: readonly Ipv4[];
            readonly nbns: readonly Ipv4[];
            readonly lease: Disposable;
          }
        | undefined;
      readonly ipv6: { readonly prefix: Ipv6; readonly lease: Disposable } | undefined;
    }
  | { readonly ok: false; readonly why: string };

export type SessionInfo = {
  readonly session: SessionId;
  readonly connection: ConnectionId;
  readonly localAddress: Ipv4;
  readonly peerAddress: Ipv4;
  readonly callId: number;
  readonly peersCallId: number;
  readonly profile: string;
  readonly user: string | undefined;
  readonly account: AccountTerms | undefined;
  readonly method: AuthenticationMethod | undefined;
  readonly encryption: string;
  readonly framedAddress: Ipv4 | undefined;
  readonly framedPrefix: Ipv6 | undefined;
  readonly routes: readonly Prefix4[];
  /** Monotonic ms: when the call came, and when its network phase opened. */
  readonly calledAt: number;
  readonly upAt: number | undefined;
  readonly counters: FlowCounters;
  /** What was counted, over time; none before the first traffic. */
  readonly history: SessionHistory | undefined;
  /** In force. */
  readonly rate: Rate;
  readonly peersHostName: string;
  readonly peersVendorString: string;
  readonly ppp: PppSnapshot | undefined;
  readonly ending: EndCause | undefined;
  readonly dialogue: readonly string[];
  readonly linkInfo: { readonly sendAccm: number; readonly receiveAccm: number } | undefined;
  readonly wanErrors: Readonly<Record<string, number>> | undefined;
};

export type ServerEvent =
  | {
      readonly kind: "AuthenticationAsked";
      readonly session: SessionId;
      readonly generation: number;
      readonly name: string;
      readonly proof: Proof;
      readonly peerAddress: Ipv4;
      readonly profile: string;
    }
  | {
      readonly kind: "AddressAsked";
      readonly session: SessionId;
      readonly generation: number;
      readonly account: AccountTerms;
      readonly ipv6: boolean;
    }
  | {
      readonly kind: "LoginRefused";
      readonly info: SessionInfo;
      readonly name: string;
      readonly code: number;
      readonly method: AuthenticationMethod;
    }
  /** The first network protocol came up: accounting starts, routes and hooks are due. */
  | { readonly kind: "SessionUp"; readonly info: SessionInfo }
  | { readonly kind: "SessionInterim"; readonly info: SessionInfo }
  /** Everything of the session is given back but what the daemon holds for it. */
  | { readonly kind: "SessionEnded"; readonly info: SessionInfo; readonly cause: EndCause }
  /** Our own bug: that connection was ended and this is reported. */
  | { readonly kind: "InvariantBroken"; readonly failure: Error }
  | {
      readonly kind: "ConnectionRefused";
      readonly peerAddress: Ipv4;
      readonly why: string;
    };

export type Transmission =
  | { readonly kind: "Octets"; readonly connection: ConnectionId; readonly octets: Uint8Array }
  /** Close the TCP connection once all octets before it are written. */
  | { readonly kind: "Close"; readonly connection: ConnectionId };
