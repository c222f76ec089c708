// What hostile peers do, as values: made from a seed and told to whoever sends. No clock, no sockets.
import type { Chance } from "../base/chance.js";
import type { Ipv4 } from "../base/ip.js";
import type { Credentials } from "./honest/ppp-peer.js";

/** Of a datagram cut in pieces (RFC 791 §3.2): those of one have its number. `offset`: octets, a multiple of 8. */
export type Piece = { readonly datagram: number; readonly offset: number; readonly more: boolean };

/** TCP in the name of an honest session's control connection. */
export type Segment = {
  readonly flags: number;
  readonly sequence: number;
  readonly acknowledgment: number;
  /**
   * Once the server's own acknowledgments have told where it is: so many octets behind the one that it waits for, with an
   * acknowledgment of what it has not sent.
   */
  readonly beyond: number | undefined;
};

/** A GRE packet: header and what follows; or a piece of one; or a TCP segment's data. */
export type HostilePacket = {
  readonly octets: Uint8Array;
  /** "From" an honest session, into its call: its Call ID goes where `octets` have one. */
  readonly live: boolean;
  readonly piece?: Piece;
  readonly segment?: Segment;
};

/** What a hostile peer does on one TCP connection, in order. */
export type Step =
  /** `callIdAt`: there goes the Call ID that the server gave this peer, if it did. */
  | { readonly do: "say"; readonly octets: Uint8Array; readonly callIdAt?: number }
  /** One octet after the other. */
  | { readonly do: "dribble"; readonly octets: Uint8Array; readonly everyMs: number }
  /** Waits, bounded, until so many octets came in all. */
  | { readonly do: "hear"; readonly octets: number }
  | { readonly do: "stay"; readonly ms: number }
  /** From here on it reads nothing. */
  | { readonly do: "deaf" }
  /** PPP frames into the call that the server gave this peer. */
  | { readonly do: "frames"; readonly frames: readonly Uint8Array[] }
  | { readonly do: "end"; readonly how: "fin" | "rst" };

export type Talk = readonly Step[];

type Common = {
  readonly name: string;
  /** Rows of the known attacks and classes that it stands for: T-01, G-09. */
  readonly threats: readonly string[];
  readonly about: string;
  /** Not with all, since a verdict that it breaks is no fault: of PPTP itself, or of places that are all taken. */
  readonly byName?: true;
  /** How many of the stream's addresses it comes from; left out: a few. */
  readonly sources?: "one" | "many";
  /** So many different ones there are, and each has its turn before any comes again. */
  readonly whole?: number;
};

/** `number`: how many came before, so that what is to be complete can go by it. */
export type PacketScenario = Common & {
  readonly kind: "packets";
  /** Each is a piece or a segment: sent with an IPv4 header of its own. */
  readonly headed?: true;
  readonly packet: (chance: Chance, number: number) => HostilePacket;
};

export type TalkScenario = Common & {
  readonly kind: "talks";
  readonly talk: (chance: Chance, number: number) => Talk;
  /** Takes places that strangers share: a log-in may need three tries. */
  readonly floods: boolean;
};

/** A real log-in that ends after so many octets of what its peer says: messages and PPP frames, in order. */
export type Cut = { readonly octets: number; readonly how: "fin" | "rst" };

/** What somebody says into a session of his own. */
export type Uttered = {
  /** Sealed: protocol and data, encrypted as agreed. Else a PPP frame, as it stands. */
  readonly octets: Uint8Array;
  readonly sealed: boolean;
  /** So many numbers of the sequence left out before it. */
  readonly skips?: number;
  /** Done to the MPPE packet, from its header on. */
  readonly spoil?: (packet: Uint8Array) => Uint8Array;
};

/** The ends of a session, inside and outside. */
export type Ends = {
  readonly inner: Ipv4;
  readonly peersInner: Ipv4;
  readonly server: Ipv4;
};

export type CutScenario = Common & {
  readonly kind: "cuts";
  /** `whole`: octets of a log-in that came to its end. */
  readonly cut: (chance: Chance, number: number, whole: number) => Cut;
  readonly floods: boolean;
  /** Who it says it is; left out: who it may. */
  readonly guess?: (chance: Chance, number: number, may: Credentials) => Credentials;
  /** Up, it says this, stays `staysMs`, and then goes. */
  readonly utter?: (chance: Chance, number: number, ends: Ends) => readonly Uttered[];
  readonly staysMs?: number;
  /** Under way or up at once, fewer than there are cuts; or, with `exhausts`, more. */
  readonly atOnce?: number;
  /** It takes every place there is: nobody else is owed one while it lasts. */
  readonly exhausts?: true;
};

export type Scenario = PacketScenario | TalkScenario | CutScenario;

export function octetsOf(talk: Talk): number {
  return talk.reduce((sum, step) => {
    if (step.do === "say" || step.do === "dribble") return sum + step.octets.length;
    if (step.do !== "frames") return sum;
    return sum + step.frames.reduce((octets, frame) => octets + frame.length, 0);
  }, 0);
}
