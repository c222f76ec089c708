// What bench:cpu lets take turns: a peer with a number of sessions.
import { type Peer, peerNamed } from "./peers.js";

export type Configuration = {
  readonly name: string;
  readonly peer: Peer;
  readonly sessions: number;
};

export const configurations: readonly Configuration[] = [
  { name: "veth", peer: peerNamed("veth"), sessions: 1 },
  { name: "one", peer: peerNamed("holdfast"), sessions: 1 },
  { name: "hundred", peer: peerNamed("holdfast"), sessions: 100 },
];
