// Spoilt and forged segments towards the client's own IP host, in every phase of a connection: no exception,
// bounded answers, nothing kept after its end.
import { expect, test } from "vitest";
import type { Chance } from "../../src/base/chance.js";
import { stack as bounds } from "../../src/limits.js";
import { mutate } from "../../src/storm/mutator.js";
import { Network, OURS, THEIRS } from "../tcp/network.js";
import { makeSegment, ReferencePeer, readSegment } from "../tcp/reference-peer.js";
import { big } from "../tcp/view.js";
import { fuzz } from "./seeds.js";

/** Another segment of the connection that `like` belongs to, with fields near those in use. */
function forged(chance: Chance, like: Uint8Array): Uint8Array {
  const segment = readSegment(like);
  if (segment === undefined) return like;
  const near = () => chance.of([0, 1, -1, 2, 1360, 65_535, -65_536, 300_000, 2 ** 31]);
  return makeSegment({
    source: chance.happens(0.95) ? THEIRS : OURS,
    destination: OURS,
    sourcePort: segment.sourcePort,
    destinationPort: segment.destinationPort,
    seq: (segment.seq + near()) >>> 0,
    ack: (segment.ack + near()) >>> 0,
    flags: chance.happens(0.7) ? 16 : chance.int(0, 63),
    window: chance.of([0, 1, 512, 65_535]),
    options: chance.happens(0.5) ? [] : [...chance.octets(chance.int(0, 40))],
    data: chance.octets(chance.of([0, 0, 1, 500, 1300])),
  });
}

/** A packet that says it is a fragment of one of three. */
function fragment(chance: Chance, like: Uint8Array): Uint8Array {
  const octets = like.slice(0, chance.of([like.length, 28 + 8 * chance.int(0, 20)]));
  octets.set(big.octets16(octets.length), 2);
  octets.set(big.octets16(chance.int(1, 3)), 4);
  const at = chance.of([0, 1, 2, chance.int(0, 200), 0x1fff]);
  octets.set(big.octets16((chance.happens(0.7) ? 0x2000 : 0) | at), 6);
  octets.set([0, 0], 10);
  octets.set(big.octets16(big.sum(octets.subarray(0, 20), 0)), 10);
  return octets;
}

const spoilt = [
  forged,
  fragment,
  (chance: Chance, like: Uint8Array, heard: Uint8Array[]) => mutate(chance, like, heard),
];

test("segments spoilt, forged and in fragments", () => {
  const { sendOctetsMax, receiveOctetsMax, reassembliesMax } = bounds;
  const memoryMax = sendOctetsMax + receiveOctetsMax + reassembliesMax * 65_535;
  const reasons = new Set<string>();
  let closed = 0;
  fuzz(300, (chance) => {
    const peer = new ReferencePeer(THEIRS, 80, {
      sack: chance.happens(0.7),
      timestamps: chance.happens(0.5),
    });
    const network = new Network(chance.word(), peer, { delayMs: 5, loss: 0.02 });
    peer.send(chance.octets(chance.int(0, 50_000)));
    if (chance.happens(0.5)) peer.finish();
    const connection = network.connect(80);
    const heard: Uint8Array[] = [];
    const handle = network.stack.handlePacket.bind(network.stack);
    network.stack.handlePacket = (packet, now) => {
      heard.push(packet);
      handle(packet, now);
    };
    connection.onEvent = (event) => {
      if (event.kind === "closed") closed++;
      while (connection.read(10_000) !== undefined);
      connection.write(new Uint8Array(5_000));
      if (chance.happens(0.1)) connection.end();
    };
    for (let turn = 0; turn < 30; turn++) {
      network.run(chance.int(0, 30));
      const like = heard.length > 0 ? chance.of(heard.slice(-20)) : undefined;
      if (like === undefined) continue;
      for (let more = chance.int(1, 3); more > 0; more--) {
        handle(chance.of(spoilt)(chance, like, heard), network.now);
      }
    }
    expect(connection.readable).toBeLessThanOrEqual(bounds.receiveOctetsMax);
    expect(network.stack.memoryOctets).toBeLessThanOrEqual(memoryMax);
    for (const reason of Object.keys(network.stack.counters())) reasons.add(reason);
    connection.abort();
    network.run(1);
    network.stack.close();
    expect(network.ledger.size).toBe(0);
  });
  expect(closed).toBeGreaterThan(100);
  // The ways of the stack that say no were taken.
  expect([...reasons]).toEqual(expect.arrayContaining(["ip-fragment-overlap", "tcp-paws"]));
});
