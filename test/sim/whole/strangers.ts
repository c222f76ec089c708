// Those who never log in: hostile talk on TCP connections, and forged GRE.
import type { Chance } from "../../../src/base/chance.js";
import type { Ipv4 } from "../../../src/base/ip.js";
import { joined, mutate } from "../../../src/storm/mutator.js";
import { controlMessages, pppFrames, startRequest, vectorsOf } from "../../fuzz/corpus.js";
import { datagram } from "../../plane/pair.js";
import type { Network } from "../network.js";
import type { Schedule } from "../schedule.js";
import { connectStream, type StreamEnd } from "../stream.js";
import type { Talk } from "./plan.js";

export type StrangerSurroundings = {
  readonly schedule: Schedule;
  readonly chance: Chance;
  readonly network: Network;
  readonly servers: readonly Ipv4[];
  readonly latencyMs: number;
  readonly connect: (far: StreamEnd, server: Ipv4, peer: Ipv4) => boolean;
  /** Somebody who may have a session. */
  readonly anybody: () => Ipv4;
};

const control = [...controlMessages, ...vectorsOf("control").flatMap(({ send }) => send)];
const gre = vectorsOf("gre").flatMap(({ send }) => send);

/** One hostile conversation; half of them from the address of an honest caller, behind whose NAT it is. */
export function talk(kind: Talk, source: Ipv4, around: StrangerSurroundings): void {
  const connections = kind === "flood" ? around.chance.int(10, 80) : 1;
  for (let i = 0; i < connections; i++) {
    const { schedule, chance, latencyMs, connect, servers } = around;
    const { near, far } = connectStream(schedule, chance.fork(), latencyMs);
    const patience = kind === "deaf" ? () => Number.POSITIVE_INFINITY : () => undefined;
    near.user = { octets: () => {}, pausedUntil: patience, closed: () => {} };
    if (!connect(far, chance.of(servers), source)) return;
    say(kind, near, around);
  }
}

function say(kind: Talk, near: StreamEnd, { schedule, chance }: StrangerSurroundings): void {
  const end = () => (chance.happens(0.5) ? near.end() : near.reset());
  const messages = (count: number, make: () => Uint8Array, mostMs: number) => {
    let at = 0;
    for (let i = 0; i < count; i++) {
      at += chance.int(0, mostMs);
      schedule.in(at, () => near.write(make()));
    }
    if (chance.happens(0.7)) schedule.in(at + chance.int(0, 5_000), end);
  };
  switch (kind) {
    case "half-open":
      if (chance.happens(0.5)) near.write(startRequest.slice(0, chance.int(1, 155)));
      return;
    case "flood":
      if (chance.happens(0.5)) near.write(startRequest);
      return schedule.in(chance.int(0, 20_000), end);
    case "dribble": {
      const octets = joined(startRequest, chance.of(control));
      let at = 0;
      return messages(octets.length, () => octets.subarray(at, ++at), 400);
    }
    case "deaf":
      near.write(startRequest);
      return messages(chance.int(20, 200), () => controlMessages[4]!, 80);
    case "orders":
      near.write(startRequest);
      return messages(
        chance.int(1, 30),
        () => {
          const octets = chance.of(controlMessages).slice();
          if (octets.length >= 14 && chance.happens(0.8)) octets[13] = chance.int(0, 3);
          return octets;
        },
        500,
      );
    case "rubbish":
      if (chance.happens(0.7)) near.write(startRequest);
      return messages(chance.int(1, 10), () => mutate(chance, chance.of(control), control), 300);
  }
}

/** GRE that nobody asked for; where one saw a call, with its numbers. */
export function forge(packets: number, seen: readonly Uint8Array[], around: StrangerSurroundings) {
  const { chance, network, schedule, servers, anybody } = around;
  for (let i = 0; i < packets; i++) {
    const server = chance.of(servers);
    const source = chance.happens(0.7) ? anybody() : chance.word();
    schedule.in(chance.int(0, 2_000), () => {
      network.inject(datagram(source, server, forgery(chance, seen)), server);
    });
  }
}

function forgery(chance: Chance, seen: readonly Uint8Array[]): Uint8Array {
  const kind = chance.unit();
  if (kind < 0.2 || seen.length === 0) return mutate(chance, chance.of(gre), gre);
  const like = chance.of(seen);
  if (kind < 0.6) return mutate(chance, like, seen);
  return joined(like.subarray(0, 12), mutate(chance, chance.of(pppFrames), pppFrames)).slice(
    0,
    1_500,
  );
}
