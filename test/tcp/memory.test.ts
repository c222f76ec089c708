// What the stack may hold, of one connection and of all; where its numbers begin (RFC 6528, RFC 6056).
import { describe, expect, test } from "vitest";
import { Chance } from "../../src/base/chance.js";
import { instant } from "../../src/base/instant.js";
import { isRefusal } from "../../src/client/tcp/contract.js";
import { InitialSequence } from "../../src/client/tcp/initial-sequence.js";
import { stack as bounds } from "../../src/limits.js";
import { ByHand, packet } from "./by-hand.js";
import { OURS, THEIRS } from "./network.js";
import { makeSegment, readSegment } from "./reference-peer.js";
import { big } from "./view.js";

/** Answers the SYN that is next, fills both buffers, and ends its own side. */
function fill(hand: ByHand): void {
  const syn = readSegment(hand.stack.pollTransmit(hand.now) ?? new Uint8Array(40));
  if (syn === undefined) throw new Error("no SYN");
  const reply = (seq: number, flags: number, octets: number) => {
    const data = new Uint8Array(octets);
    const options = flags === 18 ? [3, 3, 7, 1] : [];
    const ports = { sourcePort: 80, destinationPort: syn.sourcePort };
    const numbers = { seq, ack: (syn.seq + 1) >>> 0, window: 0, flags, options, data };
    const made = makeSegment({ source: THEIRS, destination: OURS, ...ports, ...numbers });
    hand.stack.handlePacket(made, hand.now);
  };
  reply(0, 18, 0);
  for (let at = 0; at < bounds.receiveOctetsMax; at += 32_768) reply(1 + at, 16, 32_768);
  reply(1 + bounds.receiveOctetsMax, 17, 0);
  while (hand.stack.pollTransmit(hand.now) !== undefined);
}

describe("memory", () => {
  test("a connection that is full both ways holds so much; only so many are opened", () => {
    const hand = new ByHand();
    hand.connection.abort();
    hand.answers();
    const each = bounds.sendOctetsMax + bounds.receiveOctetsMax;
    const full = 8;
    for (let count = 1; count <= full; count++) {
      const connection = hand.stack.connect(THEIRS, 80, hand.now);
      if (isRefusal(connection)) throw new Error(connection.limit);
      fill(hand);
      expect(connection.write(new Uint8Array(2 * each))).toBe(bounds.sendOctetsMax);
      expect(connection.readable).toBe(bounds.receiveOctetsMax);
      expect(hand.stack.memoryOctets).toBe(count * each);
    }
    for (let count = full; count < bounds.connectionsMax; count++) {
      expect(isRefusal(hand.stack.connect(THEIRS, 80, hand.now))).toBe(false);
    }
    const refused = { kind: "Refused", limit: "connectionsMax" };
    expect(hand.stack.connect(THEIRS, 80, hand.now)).toEqual(refused);
    hand.stack.close();
    expect(hand.stack.memoryOctets).toBe(0);
    expect(hand.ledger.size).toBe(0);
  });

  test("in TIME-WAIT a connection gives its place back once all is read", () => {
    const hand = new ByHand().reach("FIN-WAIT-2");
    const others = () => {
      let opened = 0;
      for (;;) {
        const connection = hand.stack.connect(THEIRS, 81, hand.now);
        if (isRefusal(connection)) break;
        opened++;
      }
      return opened;
    };
    hand.send("ACK", { data: 1000 });
    hand.send("FIN,ACK");
    expect(hand.connection.state).toBe("TIME-WAIT");
    expect(others()).toBe(bounds.connectionsMax - 1);
    expect(hand.connection.read(1000)?.length).toBe(1000);
    expect(hand.stack.memoryOctets).toBe(0);
    expect(others()).toBe(1);
  });

  test("a datagram socket holds so many, and so many octets", () => {
    const hand = new ByHand();
    const sockets = Array.from({ length: bounds.udpSocketsMax }, () => hand.stack.bindUdp());
    expect(hand.stack.bindUdp()).toEqual({ kind: "Refused", limit: "udpSocketsMax" });
    const [socket] = sockets;
    if (socket === undefined || isRefusal(socket)) throw new Error("no socket");
    const came = (octets: number) => {
      const header = [53, socket.localPort, 8 + octets, 0].flatMap(big.octets16);
      const datagram = Uint8Array.from([...header, ...new Uint8Array(octets)]);
      hand.stack.handlePacket(packet(17, datagram), hand.now);
    };
    for (let count = 0; count < 5; count++) came(30_000);
    expect(hand.stack.memoryOctets).toBe(120_000);
    for (let count = 0; count < 100; count++) came(1);
    expect(hand.stack.memoryOctets).toBe(120_000 + bounds.udpQueueMax - 4);
    expect(hand.stack.counters()["udp-queue-full"]).toBe(1 + 100 - (bounds.udpQueueMax - 4));
    let sent = 0;
    while (socket.send(THEIRS, 53, new Uint8Array(1000)) === undefined) sent++;
    expect(sent).toBe(bounds.udpQueueMax);
    const tooLarge = { kind: "Refused", limit: "mtu" };
    expect(socket.send(THEIRS, 53, new Uint8Array(1_373))).toEqual(tooLarge);
    hand.stack.close();
    expect(hand.stack.memoryOctets).toBe(0);
  });
});

describe("numbers that nobody guesses", () => {
  const of = (seed: number, port: number, ms: number) => {
    const begins = new InitialSequence((octets) => new Chance(seed).octets(octets));
    return begins.of(OURS, port, THEIRS, 80, instant(ms));
  };

  test("an initial sequence number is the clock's and a secret's of both ends (RFC 6528)", () => {
    const { sequence, timestamp } = of(1, 50_000, 0);
    // 4 microseconds a tick for the same ends; another place for others, or after another start.
    expect(of(1, 50_000, 1000)).toEqual({ sequence: (sequence + 250_000) >>> 0, timestamp });
    const elsewhere = [of(1, 50_001, 0), of(2, 50_000, 0)];
    for (const other of elsewhere) {
      expect(Math.abs((other.sequence - sequence) | 0)).toBeGreaterThan(1_000_000);
      expect(other.timestamp).not.toBe(timestamp);
    }
  });

  test("ports are drawn, not counted (RFC 6056)", () => {
    const hand = new ByHand();
    const ports = Array.from({ length: 200 }, () => {
      const connection = hand.stack.connect(THEIRS, 80, hand.now);
      return isRefusal(connection) ? 0 : connection.localPort;
    });
    expect(new Set(ports).size).toBe(200);
    expect(Math.min(...ports)).toBeGreaterThanOrEqual(49_152);
    const steps = ports.slice(1).map((port, at) => Math.abs(port - ports[at]!));
    expect(steps.filter((step) => step < 10).length).toBeLessThan(10);
  });
});
