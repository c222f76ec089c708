// What one end writes the other reads, whatever the network does; nothing is kept afterwards.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Chance } from "../../src/base/chance.js";
import type { ClosedWhy, TcpConnection } from "../../src/client/tcp/contract.js";
import { stack as bounds } from "../../src/limits.js";
import { Network, type Path, THEIRS } from "./network.js";
import { type PeerOptions, ReferencePeer } from "./reference-peer.js";
import { RenoFlow } from "./reno-flow.js";

/** Writes `data` as room comes, then ends; reads all. */
class User {
  read: Uint8Array[] = [];
  ended = false;
  connected = false;
  closed: ClosedWhy | undefined;
  #at = 0;

  constructor(
    readonly connection: TcpConnection,
    readonly data: Uint8Array,
    readonly piece = 16_384,
  ) {
    connection.onEvent = (event) => {
      if (event.kind === "connected") this.connected = true;
      if (event.kind === "connected" || event.kind === "writable") this.write();
      if (event.kind === "readable") this.drain();
      if (event.kind === "ended") this.ended = true;
      if (event.kind === "closed") {
        this.drain();
        this.closed = event.why;
      }
    };
  }

  write(): void {
    while (this.#at < this.data.length) {
      const taken = this.connection.write(this.data.subarray(this.#at, this.#at + this.piece));
      this.#at += taken;
      if (taken === 0) return;
    }
    this.connection.end();
  }

  drain(): void {
    for (;;) {
      const octets = this.connection.read(this.piece);
      if (octets === undefined) return;
      this.read.push(octets);
    }
  }

  get all(): Buffer {
    return Buffer.concat(this.read);
  }
}

function megabitsPerSecond(octets: number, ms: number): number {
  return (octets * 8) / ms / 1000;
}

/** One connection sends `octets` by `path`; what of them arrived a second. */
function goodput(seed: number, path: Path, octets: number, options: PeerOptions = {}): number {
  const peer = new ReferencePeer(THEIRS, 80, options);
  const network = new Network(seed, peer, path);
  const user = new User(network.connect(80), new Chance(seed).octets(65_536), 65_536);
  let sent = 0;
  const { data } = user;
  user.write = () => {
    while (sent < octets) {
      const taken = user.connection.write(data.subarray(0, Math.min(data.length, octets - sent)));
      sent += taken;
      if (taken === 0) return;
    }
    user.connection.end();
  };
  expect(
    network.run(600_000, () => peer.sawFin),
    `seed ${seed}`,
  ).toBe(true);
  expect(peer.collected().length).toBe(octets);
  return megabitsPerSecond(octets, network.now);
}

describe("throughput in simulated time", () => {
  test.each([1, 2, 3])("seed %d: 20 Mbit/s at 50 ms and a loss of 1 in 200 each way", (seed) => {
    expect(goodput(seed, { delayMs: 25, loss: 0.005 }, 15_000_000)).toBeGreaterThan(20);
  });

  test("likewise where packets come every 10 ms, several at once", () => {
    const path = { delayMs: 20, everyMs: 10, loss: 0.005 };
    expect(goodput(1, path, 15_000_000)).toBeGreaterThan(20);
  });

  test.each([1, 2, 3])(
    "seed %d: 10 MB so, its beginning included, acknowledged once a round",
    (seed) => {
      const path = { delayMs: 25, everyMs: 10, loss: 0.005 };
      expect(goodput(seed, path, 10_000_000, { joins: true })).toBeGreaterThan(20);
    },
  );

  test.each([40, 10])("a narrow link with a queue of %d is filled, without a collapse", (queue) => {
    const path = { delayMs: 25, bitsPerMs: 10_000, queuePackets: queue };
    expect(goodput(1, path, 10_000_000)).toBeGreaterThan(8);
  });

  test("without SACK, timestamps and window scaling it goes on by fast retransmit (RFC 6582)", () => {
    const plain = { sack: false, timestamps: false, shift: undefined, window: 65_535 };
    expect(goodput(1, { delayMs: 10, loss: 0.005 }, 2_000_000, plain)).toBeGreaterThan(2);
  });
});

/** Octets that we and `others` flows of RFC 5681's window carried in a minute, the first ten seconds left out. */
function shares(seed: number, path: Path, others: number): { ours: number; each: number[] } {
  const peer = new ReferencePeer(THEIRS, 80);
  const network = new Network(seed, peer, path);
  const user = new User(network.connect(80), new Chance(seed).octets(65_536), 65_536);
  user.write = () => {
    while (user.connection.write(user.data) > 0);
  };
  const flows = Array.from({ length: others }, () => new RenoFlow(network, path.delayMs ?? 0));
  network.run(10_000);
  const before = [peer.collected().length, ...flows.map(({ delivered }) => delivered)];
  network.run(60_000);
  const after = [peer.collected().length, ...flows.map(({ delivered }) => delivered)];
  const [ours = 0, ...each] = after.map((octets, index) => octets - (before[index] ?? 0));
  return { ours, each };
}

describe("beside flows of RFC 5681's congestion window, on a link of 10 Mbit/s and 50 ms", () => {
  test.each([
    [10, 1],
    [40, 1],
    [120, 1],
    [40, 4],
  ])(
    "a queue of %d packets and %d of them: nobody is starved, the link is used",
    (queue, others) => {
      const path = { delayMs: 25, bitsPerMs: 10_000, queuePackets: queue };
      const { ours, each } = shares(1, path, others);
      const total = each.reduce((sum, octets) => sum + octets, ours);
      const fair = total / (others + 1);
      expect(megabitsPerSecond(total, 60_000)).toBeGreaterThan(8);
      for (const octets of each) expect(octets).toBeGreaterThan(fair / 4);
      expect(ours).toBeGreaterThan(fair / 4);
    },
  );
});

const pathsAndPeers = fc.record({
  seed: fc.integer({ min: 1, max: 1_000_000 }),
  delayMs: fc.integer({ min: 0, max: 60 }),
  jitterMs: fc.constantFrom(0, 0, 5, 40),
  loss: fc.constantFrom(0, 0.01, 0.05, 0.25),
  repeat: fc.constantFrom(0, 0.05),
  up: fc.integer({ min: 0, max: 120_000 }),
  down: fc.integer({ min: 0, max: 120_000 }),
  piece: fc.integer({ min: 1, max: 20_000 }),
  sack: fc.boolean(),
  timestamps: fc.boolean(),
  shift: fc.constantFrom(undefined, 0, 7, 14),
  mss: fc.constantFrom(100, 536, 1360, 9000),
  window: fc.constantFrom(2_000, 16_384, 65_535, 400_000),
  initial: fc.constantFrom(0, 0x7fff_ff00, 0xffff_ff00),
});

describe("whatever the network does", () => {
  test("what was written is read at the other end, both ways, and the ledger is empty after", () => {
    fc.assert(
      fc.property(pathsAndPeers, (drawn) => {
        const { seed, up, down, piece, delayMs, jitterMs, loss, repeat, ...drawnOptions } = drawn;
        // A window below one unit of its scale could not be told.
        const window = drawn.shift === 14 ? 400_000 : drawn.window;
        const options = { ...drawnOptions, window };
        const chance = new Chance(seed);
        const peer = new ReferencePeer(THEIRS, 80, options);
        const network = new Network(seed, peer, { delayMs, jitterMs, loss, repeat });
        const toPeer = chance.octets(up);
        const toUs = chance.octets(down);
        peer.send(toUs);
        peer.finish();
        const user = new User(network.connect(80), toPeer, Math.max(piece, 200));
        network.run(3_600_000, () => user.closed !== undefined);
        const cameToPeer = peer.collected();
        expect(Buffer.compare(user.all, toUs.subarray(0, user.all.length))).toBe(0);
        expect(Buffer.compare(cameToPeer, toPeer.subarray(0, cameToPeer.length))).toBe(0);
        // A quarter lost each way may be nothing heard for the two minutes after which either gives up.
        if (user.closed !== "timed-out" || loss < 0.25) {
          expect(user.closed).toBe("finished");
          expect([cameToPeer.length, user.all.length]).toEqual([up, down]);
        }
        // A FIN that is repeated begins TIME-WAIT anew.
        network.run(10 * bounds.timeWaitMs);
        expect(network.stack.size).toBe(0);
        expect(network.ledger.size).toBe(0);
      }),
      { numRuns: 60 },
    );
  });
});

describe("a peer that stops reading", () => {
  test("the writer is held back at its bound, asks, and goes on when the window opens", () => {
    const peer = new ReferencePeer(THEIRS, 80, { window: 50_000 });
    const network = new Network(3, peer, { delayMs: 10 });
    const data = new Chance(3).octets(600_000);
    const user = new User(network.connect(80), data);
    peer.reading = false;
    network.run(600_000);
    expect(user.closed).toBeUndefined();
    expect(user.connection.writable).toBe(0);
    expect(peer.collected().length).toBeLessThanOrEqual(50_000);
    const probes = network.offered.up;
    network.run(120_000);
    // One in a minute at the most, once it has doubled so far.
    expect(network.offered.up - probes).toBeLessThan(6);
    peer.resume(network.now);
    network.run(60_000, () => peer.sawFin);
    expect(Buffer.compare(peer.collected(), data)).toBe(0);
  });

  test("and answers no more at all: timed out within the bound", () => {
    const peer = new ReferencePeer(THEIRS, 80, { window: 50_000 });
    const network = new Network(4, peer, { delayMs: 10 });
    const user = new User(network.connect(80), new Uint8Array(600_000));
    peer.reading = false;
    network.run(5_000);
    network.path = { loss: 1 };
    network.run(bounds.giveUpMs + 2 * bounds.rtoMaxMs);
    expect(user.closed).toBe("timed-out");
    expect(network.ledger.size).toBe(0);
  });
});

describe("a user that stops reading", () => {
  test("the peer may send so much and no more; memory stays within the bound; nothing is lost", () => {
    const peer = new ReferencePeer(THEIRS, 80);
    const network = new Network(5, peer, { delayMs: 10 });
    const data = new Chance(5).octets(900_000);
    peer.send(data);
    peer.finish();
    const connection = network.connect(80);
    network.run(30_000);
    expect(connection.readable).toBe(bounds.receiveOctetsMax);
    const user = new User(connection, new Uint8Array(0));
    user.drain();
    network.run(60_000, () => user.ended);
    user.drain();
    expect(Buffer.compare(user.all, data)).toBe(0);
  });
});
