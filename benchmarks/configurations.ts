// What bench:cpu lets take turns: a peer with a number of sessions.
import { bare } from "./bare-peer.js";
import { type Peer, peerNamed } from "./peers.js";

export type Configuration = {
  readonly name: string;
  readonly peer: Peer;
  readonly sessions: number;
  /** TCP streams, shared among the sessions. */
  readonly streams: number;
};

export const configurations: readonly Configuration[] = [
  { name: "veth", peer: peerNamed("veth"), sessions: 1, streams: 1 },
  // The same data path without a session's surroundings: the most that one can reach.
  { name: "bare", peer: bare, sessions: 1, streams: 1 },
  { name: "one", peer: peerNamed("holdfast"), sessions: 1, streams: 1 },
  // A hundred streams come in smaller pieces than one, in however many sessions: this tells them apart.
  { name: "one-of-hundred-streams", peer: peerNamed("holdfast"), sessions: 1, streams: 100 },
  { name: "hundred", peer: peerNamed("holdfast"), sessions: 100, streams: 100 },
];
