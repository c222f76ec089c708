// Messages between the main process and a data worker over their socketpair. Ours on both ends, yet
// bounded and versioned like any other wire. Codec: worker-link-codec.ts.
import type { Ipv4, Prefix4 } from "../base/ip.js";

/** A place in the worker's flow table. A stale generation is ignored and counted. */
export type FlowRef = { readonly slot: number; readonly generation: number };

export type EncryptionTerms = {
  readonly bits: 40 | 56 | 128;
  readonly stateful: boolean;
  /** Start keys (RFC 3079), 16 or 8 octets. The worker derives session keys and wipes these. */
  readonly sendStart: Uint8Array;
  readonly receiveStart: Uint8Array;
};

/** What the gateway inside the worker answers and enforces; sent first and on reload. */
export type GatewayTerms = {
  /** The server's end of every session, in the TUN. */
  readonly gatewayAddress: Ipv4;
  readonly dns: readonly Ipv4[];
  readonly nbns: readonly Ipv4[];
  readonly domain: string;
  /** Handed out as DHCP options 121 and 249. */
  readonly routes: readonly { readonly prefix: Prefix4; readonly via: Ipv4 }[];
  readonly clientToClient: boolean;
  /** Whether sessions may reach addresses of this host other than DNS on the gateway address. */
  readonly reachHost: boolean;
  /** Addresses of this host that sessions may not reach unless `reachHost`. */
  readonly hostAddresses: readonly Ipv4[];
  /** 16 octets each; those that are in `dns6` stay open. */
  readonly hostAddresses6: readonly Uint8Array[];
  /** 16 octets each. */
  readonly dns6: readonly Uint8Array[];
  readonly sendWindow: "off" | "rfc";
  readonly clampMss: boolean;
};

export type PlaneCommand =
  | { readonly kind: "Configure"; readonly gateway: GatewayTerms }
  /**
   * Answered by `Installed` or `InstallRefused`. Again for a flow that is there: the peer's terms
   * (peersCallId, peersWindow, peersProcessingDelay) take the place of the old ones. A caller's flow
   * is there before the answering end can speak, and learns the peer's Call ID from its OCRP.
   */
  | {
      readonly kind: "Install";
      readonly flow: FlowRef;
      /** The address the control connection was accepted on: GRE leaves from it. */
      readonly localAddress: Ipv4;
      readonly peerAddress: Ipv4;
      /** In GRE that comes to us. */
      readonly callId: number;
      /** In GRE that we send; may be 0. */
      readonly peersCallId: number;
      readonly peersWindow: number;
      /** 1/10 s. */
      readonly peersProcessingDelay: number;
      /** `gateway`: checks inner sources and routes by inner destination. `host`: a client's end. */
      readonly end: "gateway" | "host";
      readonly encryptionRequired: boolean;
    }
  /** Answered by `Removed` with the last counters. Keys are wiped. */
  | { readonly kind: "Remove"; readonly flow: FlowRef }
  /** A PPP frame to put into GRE now. */
  | { readonly kind: "Send"; readonly flow: FlowRef; readonly frame: Uint8Array }
  | {
      readonly kind: "Link";
      readonly flow: FlowRef;
      /** Largest information field the peer takes. */
      readonly peersMru: number;
      readonly acfc: boolean;
      readonly pfc: boolean;
      /** Our own MRU, for the MSS clamp of what the peer will be sent back. */
      readonly mru: number;
    }
  | {
      readonly kind: "Encrypt";
      readonly flow: FlowRef;
      readonly terms: EncryptionTerms | undefined;
    }
  /** The call's user has logged in: its frames are a session's from now on, not a stranger's. */
  | { readonly kind: "Authenticated"; readonly flow: FlowRef }
  /** Opens (or, with undefined, closes) the network phase for IPv4. */
  | {
      readonly kind: "Network4";
      readonly flow: FlowRef;
      readonly network: { readonly address: Ipv4; readonly routes: readonly Prefix4[] } | undefined;
    }
  | {
      readonly kind: "Network6";
      readonly flow: FlowRef;
      readonly network:
        | {
            /** 16 octets each. */
            readonly linkLocal: Uint8Array;
            readonly ourLinkLocal: Uint8Array;
            /** The leased /64, advertised to the peer. */
            readonly prefix: Uint8Array | undefined;
          }
        | undefined;
    }
  /** The user's rate: its sessions name one bucket. 0 is no limit; the latest command counts. */
  | {
      readonly kind: "Rate";
      readonly flow: FlowRef;
      readonly bucket: number;
      /** From the client, and towards it. */
      readonly upBitsPerSecond: number;
      readonly downBitsPerSecond: number;
    }
  /** The LCP Echo-Reply packet that sets the expected sequence anew (G-10). */
  | { readonly kind: "Resync"; readonly flow: FlowRef; readonly echoReply: Uint8Array }
  /** CCP Reset-Request came in (stateful): flush our sending side; or Reset-Ack: our receiving side. */
  | { readonly kind: "Flush"; readonly flow: FlowRef; readonly side: "send" | "receive" }
  | { readonly kind: "Ping"; readonly nonce: number }
  /** End the process in order. */
  | { readonly kind: "Stop" };

export type FlowCounters = {
  readonly receivedPackets: number;
  readonly receivedOctets: number;
  readonly sentPackets: number;
  readonly sentOctets: number;
  readonly dropped: number;
  /** Of these: over the user's rate, from the client and towards it. */
  readonly overRateUp: number;
  readonly overRateDown: number;
  readonly lost: number;
  readonly reordered: number;
  /** Adaptive round-trip estimate, ms (RFC 2637 §4.4); 0 before the first sample. */
  readonly roundTripMs: number;
  /** Milliseconds since inner data last went either way. */
  readonly idleMs: number;
};

export type PlaneEvent =
  | {
      readonly kind: "Ready";
      readonly version: number;
      /** For people to read: what runs, and what the TUN's reads and writes may be. */
      readonly engine: string;
      readonly offload: string;
    }
  | { readonly kind: "Installed"; readonly flow: FlowRef }
  | { readonly kind: "InstallRefused"; readonly flow: FlowRef; readonly why: string }
  | { readonly kind: "Removed"; readonly flow: FlowRef; readonly counters: FlowCounters }
  /** A control-plane PPP frame (LCP, authentication, NCP), header normalised to protocol + information. */
  | {
      readonly kind: "Frame";
      readonly flow: FlowRef;
      readonly protocol: number;
      readonly information: Uint8Array;
    }
  | { readonly kind: "ResyncNeeded"; readonly flow: FlowRef }
  /** The first packet that decrypted since the last `Resync`: the peer's keys are as they were. */
  | { readonly kind: "DataProven"; readonly flow: FlowRef }
  /** More than 4095 MPPE packets may be missing: CCP must be renegotiated. */
  | { readonly kind: "KeysLost"; readonly flow: FlowRef }
  /** Stateful MPPE lost its place: send a CCP Reset-Request. */
  | { readonly kind: "ResetNeeded"; readonly flow: FlowRef }
  /** Snapshot of flows that changed, at most `flows` a message. */
  | {
      readonly kind: "Counters";
      readonly flows: readonly { readonly flow: FlowRef; readonly counters: FlowCounters }[];
      /** Whole worker, by DropReason; cumulative. */
      readonly drops: Readonly<Record<string, number>>;
    }
  | { readonly kind: "Pong"; readonly nonce: number }
  /** The kernel took the TUN or the socket away, or a send failed for good: `call` and errno name. */
  | { readonly kind: "Trouble"; readonly call: string; readonly errno: string };
