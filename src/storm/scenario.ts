// What hostile peers do, as values: made from a seed and told to whoever sends. No clock, no sockets.
import type { Chance } from "../base/chance.js";

/** A GRE packet: header and what follows. */
export type HostilePacket = {
  readonly octets: Uint8Array;
  /** "From" an honest session, into its call: its Call ID goes where `octets` have one. */
  readonly live: boolean;
};

/** What a hostile peer does on one TCP connection, in order. */
export type Step =
  | { readonly do: "say"; readonly octets: Uint8Array }
  /** One octet after the other. */
  | { readonly do: "dribble"; readonly octets: Uint8Array; readonly everyMs: number }
  /** Waits, bounded, until so many octets came in all. */
  | { readonly do: "hear"; readonly octets: number }
  | { readonly do: "stay"; readonly ms: number }
  /** PPP frames into the call that the server gave this peer. */
  | { readonly do: "frames"; readonly frames: readonly Uint8Array[] }
  | { readonly do: "end"; readonly how: "fin" | "rst" };

export type Talk = readonly Step[];

type Common = {
  readonly name: string;
  /** Rows of the known attacks and classes that it stands for: T-01, G-09. */
  readonly threats: readonly string[];
  readonly about: string;
  /** What it does to a session is a limit of PPTP itself: it runs when it is named, not with all. */
  readonly byName?: true;
};

/** `number`: how many came before, so that what is to be complete can go by it. */
export type PacketScenario = Common & {
  readonly kind: "packets";
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

export type CutScenario = Common & {
  readonly kind: "cuts";
  /** `whole`: octets of a log-in that came to its end. */
  readonly cut: (chance: Chance, number: number, whole: number) => Cut;
  readonly floods: boolean;
};

export type Scenario = PacketScenario | TalkScenario | CutScenario;

export function octetsOf(talk: Talk): number {
  return talk.reduce((sum, step) => {
    if (step.do === "say" || step.do === "dribble") return sum + step.octets.length;
    if (step.do !== "frames") return sum;
    return sum + step.frames.reduce((octets, frame) => octets + frame.length, 0);
  }, 0);
}
