// What a storm benchmark asks for and what it finds, between the process that reports and the one that is where
// the server is.
import type { FilterChoice } from "../../src/daemon/filter-choice.js";
import type { Memory, PacketSample, PlayTerms, TalkSample } from "./play.js";
import type { StormPeer } from "./stage.js";

export type TalkTerms = {
  /** Takes places that strangers share: a log-in may need three tries. */
  readonly floods: boolean;
  /** Addresses that connections come from, and in how many /24. */
  readonly networks: number;
  readonly sources: number;
  /** Of each /24: no other stream has those from here on. */
  readonly first: number;
  readonly perSecond: number;
  /** Of its own, where the run's are too few for it. */
  readonly seconds?: number;
};

/** A scenario of `holdfast storm`, sent by its own process; the same terms for packets, a second. */
export type OtherTerms = TalkTerms & { readonly name: string };

export type RunTerms = PlayTerms & {
  readonly peer: StormPeer;
  /** What the kernel refuses before a data worker of ours wakes. */
  readonly filter: FilterChoice;
  readonly rounds: number;
  /** Packets a second; 0: as many as go. */
  readonly rate: number;
  /** In all, for what is kept of them. */
  readonly packets: number;
  readonly packetScenarios: readonly string[];
  readonly talkScenarios: readonly OtherTerms[];
  /** Hostile inside calls and sessions, and beneath them. */
  readonly insideScenarios: readonly OtherTerms[];
};

/** `packets`: so many had been sent by then, since the first look. */
export type MemoryAt = Memory & { readonly packets: number };

export type Found = {
  readonly peer: StormPeer;
  readonly packets: PacketSample[];
  readonly talks: TalkSample[];
  readonly inside: TalkSample[];
  /** Streams for the memory's sake, each of many packets. */
  readonly long: PacketSample[];
  /** Before the long streams, and after each. */
  readonly memory: MemoryAt[];
};
