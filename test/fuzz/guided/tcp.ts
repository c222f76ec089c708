// The client's own TCP and UDP: segments as somebody else would make them, and two ends that mean well with a
// bad network between them, where each reads what the other wrote and nothing else.
import { strict as assert } from "node:assert";
import { isRefusal } from "../../../src/client/tcp/contract.js";
import { stack as bounds } from "../../../src/limits.js";
import { finishChecksum, sum16, write16 } from "../../../src/wire/ip-octets.js";
import { ICMP, writeIpv4 } from "../../../src/wire/ipv4.js";
import { echo, udp } from "../../plane/pair.js";
import { Network, OURS, THEIRS } from "../../tcp/network.js";
import { makeSegment, ReferencePeer } from "../../tcp/reference-peer.js";
import type { Target } from "./hunt.js";
import { listed, units } from "./units.js";

/** A segment: flags, how far its numbers are from those in use, its window, then options and data. */
const tcp: Target = {
  name: "tcp",
  seeds: [
    listed(Uint8Array.of(16, 0, 0, 0, 9, 0, 65, 66, 67), Uint8Array.of(17, 0, 3, 0, 9, 0)),
    listed(Uint8Array.of(16, 0, 200, 0, 9, 12, 1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 9, 65)),
    listed(Uint8Array.of(4, 0, 0, 0, 0, 0)),
  ],
  run: (input) => {
    const peer = new ReferencePeer(THEIRS, 80, { sack: true, timestamps: false });
    const network = new Network(1, peer, { delayMs: 5 });
    const connection = network.connect(80);
    const datagrams = network.stack.bindUdp();
    assert.ok(!isRefusal(datagrams));
    connection.onEvent = () => {
      while (connection.read(10_000) !== undefined);
    };
    let ours: Uint8Array | undefined;
    const handle = network.stack.handlePacket.bind(network.stack);
    network.stack.handlePacket = (packet, now) => {
      ours ??= packet;
      handle(packet, now);
    };
    network.run(50);
    const first = ours;
    for (const unit of first === undefined ? [] : units(input)) {
      if (unit.length < 6) {
        network.run(250);
        continue;
      }
      const view = new DataView(first!.buffer, first!.byteOffset);
      const optionOctets = Math.min(unit[5]! & 0x28, unit.length - 6) & ~3;
      const packet = makeSegment({
        ...{ source: THEIRS, destination: OURS, sourcePort: 80 },
        destinationPort: view.getUint16(22),
        seq: (view.getUint32(24) + 1 + (unit[1]! << 24) + unit[2]!) >>> 0,
        ack: (view.getUint32(28) + (unit[3]! << 8)) >>> 0,
        ...{ flags: unit[0]! & 63, window: unit[4]! << 8 },
        options: [...unit.subarray(6, 6 + optionOctets)],
        data: unit.subarray(6 + optionOctets),
      });
      handle(packet, network.now);
      const sent = udp(THEIRS, OURS, 7, 32 + (unit.length & 63), datagrams.localPort);
      handle(unit[0]! & 128 ? changed(sent, unit) : sent, network.now);
      while (datagrams.receive() !== undefined);
      // And as it stands, whatever it says of itself.
      if (unit.length > 40) handle(unit, network.now);
    }
    network.run(50);
    assert.ok(connection.readable <= bounds.receiveOctetsMax);
    datagrams.close();
    connection.abort();
    network.run(1);
    network.stack.close();
    assert.equal(network.ledger.size, 0);
  },
};

/** With one octet of its own; its checksums may fail, which is to be seen, too. */
function changed(packet: Uint8Array, by: Uint8Array): Uint8Array {
  packet[by[1]! % packet.length] = by[2]!;
  return packet;
}

const PORT = 80;
const STEPS_MAX = 48;
const DELAY_MS = 5;
/** Longer than any time-out of either end. */
const END_MS = 1_000_000;

/** What `octet` of a stream is: another at each place. */
const octetAt = (at: number) => (at * 31 + (at >>> 8)) & 255;

class Stream {
  written = 0;
  read = 0;

  /** The next octets to be written; `taken` tells how many were. */
  next(length: number): Uint8Array {
    return Uint8Array.from({ length }, (_, at) => octetAt(this.written + at));
  }

  came(octets: Uint8Array, from: number): void {
    for (const [at, octet] of octets.entries()) {
      if (octet !== octetAt(from + at)) assert.fail(`octet ${from + at} is another`);
    }
    this.read = from + octets.length;
    assert.ok(this.read <= this.written, "more than was written");
  }
}

/** Destination Unreachable about `quoted`, a packet of ours. */
function unreachable(quoted: Uint8Array, code: number, mtu: number): Uint8Array {
  const packet = new Uint8Array(28 + 28);
  packet.set([3, code], 20);
  write16(packet, 26, mtu);
  packet.set(quoted.subarray(0, 28), 28);
  write16(packet, 22, finishChecksum(sum16(packet, 20, packet.length)));
  writeIpv4(packet, 0, packet.length, ICMP, THEIRS, OURS);
  return packet;
}

/** Two ends and what happens between them: an octet of what, one of how much. */
class Talk {
  readonly up = new Stream();
  readonly down = new Stream();
  readonly peer: ReferencePeer;
  readonly network: Network;
  readonly connection;
  readonly datagrams;
  #arrived: Uint8Array | undefined;
  #theirsEnded = false;

  constructor(configuration: number) {
    this.peer = new ReferencePeer(THEIRS, PORT, {
      sack: (configuration & 1) === 0,
      timestamps: (configuration & 2) === 0,
      ...((configuration & 4) === 0 ? { shift: 7 } : { shift: undefined, window: 4_000 }),
    });
    const handle = this.peer.handle.bind(this.peer);
    this.peer.handle = (packet, now) => {
      this.#arrived = packet;
      handle(packet, now);
    };
    this.network = new Network(1, this.peer, {
      delayMs: DELAY_MS,
      loss: configuration & 8 ? 1 : 0,
    });
    this.connection = this.network.connect(PORT);
    this.connection.noDelay = (configuration & 16) !== 0;
    this.connection.onEvent = () => this.#read();
    const datagrams = this.network.stack.bindUdp();
    assert.ok(!isRefusal(datagrams));
    this.datagrams = datagrams;
    this.network.run(20);
  }

  step(what: number, much: number): void {
    const { network, peer, connection } = this;
    switch (what % 10) {
      case 0:
        return this.#write(much * 64);
      case 1:
        if (this.#theirsEnded) return;
        peer.send(this.down.next(much * 64));
        this.down.written += much * 64;
        peer.pump(network.now);
        return void network.run(0);
      case 2:
        return void network.run(much * 4);
      case 3:
        // Up to half is lost, a quarter comes twice, all in any order.
        network.path = {
          delayMs: DELAY_MS,
          loss: (much & 7) / 14,
          repeat: ((much >>> 3) & 3) / 12,
          jitterMs: much >>> 5,
        };
        return;
      case 4:
        network.path = { delayMs: DELAY_MS, loss: 1 };
        network.run(much * 40);
        network.path = { delayMs: DELAY_MS };
        return;
      case 5:
        peer.reading = !peer.reading;
        if (peer.reading) peer.resume(network.now);
        return void network.run(0);
      case 6:
        this.#write(100);
        network.run(DELAY_MS + 1);
        return this.#icmp(much & 15, much * 6);
      case 7:
        this.#handle(echo(THEIRS, OURS));
        this.datagrams.send(THEIRS, 7, this.up.next(much));
        return this.#handle(unreachable(this.#ownDatagram(), 3, 0));
      case 8:
        return connection.end();
      default:
        this.#theirsEnded = true;
        peer.finish();
        peer.pump(network.now);
    }
  }

  /** The network is well again, for longer than anybody waits. */
  finish(): void {
    const { network, peer, connection } = this;
    network.path = { delayMs: DELAY_MS };
    if (!peer.reading) {
      peer.reading = true;
      peer.resume(network.now);
    }
    network.run(END_MS);
    this.#check();
    this.datagrams.close();
    connection.abort();
    network.run(1);
    network.stack.close();
    assert.equal(network.ledger.size, 0);
  }

  #check(): void {
    this.#read();
    this.up.came(this.peer.collected(), 0);
    assert.ok(this.connection.readable <= bounds.receiveOctetsMax);
    assert.ok(this.connection.writable <= bounds.sendOctetsMax);
  }

  #write(length: number): void {
    this.up.written += this.connection.write(this.up.next(length));
    this.network.run(0);
  }

  #read(): void {
    for (;;) {
      const octets = this.connection.read(10_000);
      if (octets === undefined) return;
      this.down.came(octets, this.down.read);
    }
  }

  #icmp(code: number, mtu: number): void {
    if (this.#arrived !== undefined) this.#handle(unreachable(this.#arrived, code, mtu));
  }

  #ownDatagram(): Uint8Array {
    const packet = udp(OURS, THEIRS, 0, 40, 7);
    write16(packet, 20, this.datagrams.localPort);
    return packet;
  }

  #handle(packet: Uint8Array): void {
    this.network.stack.handlePacket(packet, this.network.now);
    this.network.run(0);
  }
}

/** By name, for the seeds. */
const STEP = {
  ...{ write: 0, send: 1, pass: 2, path: 3, cut: 4, reading: 5, icmp: 6, echo: 7 },
  ...{ end: 8, finish: 9 },
};
type Doing = readonly [keyof typeof STEP, number];

function talk(configuration: number, ...doings: readonly Doing[]): Uint8Array {
  return Uint8Array.of(configuration, ...doings.flatMap(([what, much]) => [STEP[what], much]));
}

const lossy: readonly Doing[] = [
  ...Array.from({ length: 8 }, (): Doing[] => [
    ["path", 2],
    ["write", 255],
    ["pass", 200],
  ]).flat(),
  ...([
    ["send", 255],
    ["pass", 255],
    ["cut", 60],
    ["write", 100],
    ["pass", 100],
  ] as const),
];

const path: Target = {
  name: "tcp-path",
  seeds: [
    ...[0, 1, 2, 3, 4, 7, 16].map((configuration) =>
      talk(
        configuration,
        ["write", 200],
        ["send", 200],
        ["pass", 50],
        ["end", 0],
        ["finish", 0],
        ["pass", 50],
      ),
    ),
    ...[0, 1, 2, 3].map((configuration) => talk(configuration, ...lossy)),
    talk(8, ["write", 1], ["cut", 100], ["pass", 255], ["write", 40]),
    talk(0, ["write", 60], ["icmp", 4], ["pass", 20], ["icmp", 3], ["write", 60], ["icmp", 100]),
    talk(0, ["finish", 0], ["pass", 9], ["write", 9], ["end", 0], ["pass", 99], ["echo", 9]),
    talk(
      4,
      ["reading", 0],
      ["write", 255],
      ["pass", 255],
      ["pass", 255],
      ["reading", 0],
      ["write", 1],
    ),
    talk(0, ["write", 255], ["pass", 9], ["cut", 99], ["write", 255], ["cut", 255], ["pass", 255]),
  ],
  run: (input) => {
    const both = new Talk(input[0] ?? 0);
    const end = Math.min(input.length, 1 + 2 * STEPS_MAX);
    for (let at = 1; at + 2 <= end; at += 2) both.step(input[at]!, input[at + 1]!);
    both.finish();
  },
};

export const tcpTargets: readonly Target[] = [tcp, path];
