// What a probe saw, before it is judged. Every string of the server's is already printable.
import type { MppeBits } from "../../core/ppp/ports.js";

/** Methods asked about, in the order of asking; none but EAP is unknown to us as a client. */
export const methods = ["pap", "chap-md5", "ms-chap-v1", "ms-chap-v2", "eap"] as const;
export type Method = (typeof methods)[number];

export type Start = {
  readonly replyMs: number;
  readonly hostName: string;
  readonly vendorString: string;
  readonly firmwareRevision: number;
  readonly protocolVersion: number;
  readonly framingCapabilities: number;
  readonly bearerCapabilities: number;
  readonly maximumChannels: number;
  readonly resultCode: number;
  readonly errorCode: number;
};

export type Call = {
  readonly replyMs: number;
  readonly resultCode: number;
  readonly errorCode: number;
  readonly causeCode: number;
  readonly callId: number;
  readonly connectSpeed: number;
  readonly packetRecvWindowSize: number;
  readonly packetProcessingDelay: number;
};

export type Lcp = {
  /** From Outgoing-Call-Reply to the first Configure-Request. */
  readonly firstMs: number;
  /** From that to its repetition, which was waited for once. */
  readonly restartMs: number | undefined;
  readonly mru: number | undefined;
};

/** Why something is not known: the words are for `words-*.ts`. */
export type NotSeen = "no-privilege" | "no-call" | "no-gre" | "no-start" | "out-of-time";

export type Methods = {
  readonly offered: readonly Method[];
  readonly refused: readonly Method[];
  /** Neither: the server ended the talk before it could be asked. */
  readonly unknown: readonly Method[];
  /** Its first Configure-Request wants no log-in at all. */
  readonly none: boolean;
};

export type StrengthAsked = { readonly bits: MppeBits; readonly stateless: boolean };
export type Strength = StrengthAsked & {
  readonly answer: "accepted" | "refused" | "unanswered";
  /** What a Configure-Nak offered instead. */
  readonly instead: readonly StrengthAsked[];
};

export type Encryption =
  | { readonly seen: true; readonly strengths: readonly Strength[] }
  | {
      readonly seen: false;
      readonly why: "no-log-in" | "no-ms-chap-v2" | "refused" | "not-proven" | "no-ccp" | NotSeen;
    };

export const caseNames = [
  "echo",
  "echo-reply-unasked",
  "cdn-no-call",
  "sli-no-call",
  "ocrq-short",
  "sccrq-again",
  "ccrq-no-call",
] as const;
export type CaseName = (typeof caseNames)[number];
export type Case = {
  readonly name: CaseName;
  /** `ignored`: no answer, and the connection still answers Echo-Requests. */
  readonly outcome: "answered" | "ignored" | "closed" | "silent" | "not-tried";
  /** The answer's abbreviation and result, where there was one. */
  readonly answer?: string;
};

export type Facts = {
  readonly server: string;
  readonly address: string;
  readonly port: number;
  /** TCP's three-way handshake. */
  readonly connectMs: number;
  /** Undefined: the connection was open, and no Start-Control-Connection-Reply came. */
  readonly start: Start | undefined;
  /** Instead of it. */
  readonly startFailure: "silent" | "closed" | "not-pptp" | undefined;
  readonly call: Call | undefined;
  readonly callIds: readonly number[];
  readonly lcp: Lcp | undefined;
  readonly methods: Methods | NotSeen;
  readonly encryption: Encryption;
  readonly conformance: readonly Case[];
  /** A connection that says nothing: when it was closed, if it was within `silenceMs`. */
  readonly silenceClosedMs: number | undefined;
};
