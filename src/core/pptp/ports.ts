// The edge of a control connection: what it is told, what it puts out. See control-connection.ts.
import type { Bounds, control } from "../../limits.js";
import type { EndCause } from "../access/ports.js";

export type { PacCallId, PnsCallId } from "../../wire/pptp/call-id.js";

/** A Call ID of ours while it is out: disposing starts its quarantine (G-08). */
export interface CallIdLease extends Disposable {
  readonly callId: number;
}

export type ControlPolicy = {
  /** `accepted`: the peer opened the TCP connection. `opened`: we did, and send SCCRQ. */
  readonly side: "accepted" | "opened";
  readonly hostName: string;
  readonly vendorString: string;
  readonly firmwareRevision: number;
  readonly callsPerConnectionMax: number;
  /** As PNS, whether an Incoming-Call-Request is taken (else ICRP 3). */
  readonly takeIncomingCalls: boolean;
  /** As PAC, whether an Outgoing-Call-Request is taken (else OCRP 7). */
  readonly takeOutgoingCalls: boolean;
  /** Packet Recv. Window Size we announce. */
  readonly packetRecvWindowSize: number;
  /** As configured; src/limits.ts's own where left out. */
  readonly limits?: Bounds<typeof control>;
};

/** What both ends said of a call. */
export type CallTerms = {
  /** Ours: the key of GRE that comes to us, and the handle of this call in every method below. */
  readonly callId: number;
  /** The peer's: written into the GRE we send. May be 0. */
  readonly peersCallId: number;
  /** Our role in this call. */
  readonly role: "PAC" | "PNS";
  readonly peersWindow: number;
  /** 1/10 s. */
  readonly peersProcessingDelay: number;
  /** Phone or dialed number, raw; show it through printable(). */
  readonly number: string;
};

export type CallRefusal = "no-resource" | "not-authorised" | "busy" | "general-error";

export type ControlEvent =
  | {
      readonly kind: "Established";
      readonly hostName: string;
      readonly vendorString: string;
      readonly firmwareRevision: number;
      readonly protocolVersion: number;
    }
  /**
   * The peer asks for a call. Answer `acceptCall` once the data path has the flow (so that OCRP is
   * never ahead of it) or `refuseCall`.
   */
  | { readonly kind: "CallAsked"; readonly terms: CallTerms }
  /** A call we placed was accepted: GRE may flow once the data path has the flow. */
  | { readonly kind: "CallUp"; readonly terms: CallTerms }
  /** With which codes the peer refused the connection or our call, or ended our call. */
  | {
      readonly kind: "Told";
      readonly by: "SCCRP" | "OCRP" | "CDN";
      readonly resultCode: number;
      readonly errorCode: number;
    }
  /** Over, however it came: its Call ID lease is already given back. */
  | { readonly kind: "CallEnded"; readonly callId: number; readonly cause: EndCause }
  | {
      readonly kind: "LinkInfo";
      readonly callId: number;
      readonly sendAccm: number;
      readonly receiveAccm: number;
    }
  | {
      readonly kind: "WanErrors";
      readonly callId: number;
      readonly errors: Readonly<Record<string, number>>;
    }
  /** Counted by the composer under `reason`. Bounded set of names. */
  | { readonly kind: "Noted"; readonly reason: string }
  /** Close the TCP connection once what pollTransmit gives has been written. The last event. */
  | { readonly kind: "Close"; readonly cause: EndCause };
