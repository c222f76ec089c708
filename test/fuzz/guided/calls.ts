// Whole calls over a bad network: a server and a caller that mean well, GRE between them lost, repeated, out of
// order or spoilt as the input says, packets both ways meanwhile. Whatever it was, nothing is left at the end.
import { strict as assert } from "node:assert";
import { Chance } from "../../../src/base/chance.js";
import type { PppPolicy } from "../../../src/core/ppp/ports.js";
import { LEASED, OUTSIDE, udp } from "../../plane/pair.js";
import { POLICY } from "../../ppp/pair.js";
import { CallerSide, ServerSide } from "../bench.js";
import type { Target } from "./hunt.js";

const STEPS_MAX = 48;
/** Packets of a whole input: keys are changed for each. */
const PACKETS_MAX = 3_000;
const WAITING_MAX = 4_096;
/** A connection's own messages are few, whatever is lost. */
const STEPS_TO_REST_MAX = 20_000;

/** The first octet: which terms both ends have. */
function policyOf(octet: number): PppPolicy {
  return {
    ...POLICY,
    ipv6: (octet & 1) !== 0,
    echoIntervalMs: (octet & 2) === 0 ? 0 : 10_000,
    encryption: {
      require: (octet & 4) === 0,
      bits: [128],
      stateful: (octet & 8) !== 0,
      askStateful: (octet & 8) !== 0,
    },
  };
}

type Way = "up" | "down";

class Line {
  readonly server: ServerSide;
  readonly caller: CallerSide;
  readonly waiting: Record<Way, Uint8Array[]> = { up: [], down: [] };
  #control: (() => void)[] = [];
  #left = PACKETS_MAX;
  /** What is sent now is lost, or changed on its way. */
  #fate: "none" | "lost" | "spoilt" = "none";

  constructor(octet: number) {
    this.server = new ServerSide(new Chance(1), policyOf(octet));
    this.caller = new CallerSide(new Chance(2), policyOf(octet));
    const { server, caller } = this;
    server.onControl = (octets) => void this.#control.push(() => caller.octets(octets));
    caller.onControl = (octets) => void this.#control.push(() => server.octets(octets));
    server.onClose = () => void this.#control.push(() => caller.disconnect());
    caller.onClose = () => void this.#control.push(() => server.disconnect());
    server.onDatagram = (octets) => this.#put("down", octets);
    caller.onDatagram = (octets) => this.#put("up", octets);
    server.connect();
    caller.call();
  }

  step(what: number, much: number): void {
    const [up, down] = [this.waiting.up, this.waiting.down];
    switch (what % 12) {
      case 0:
        return this.settle();
      case 1:
        return this.#deliver("up", much);
      case 2:
        return this.#deliver("down", much);
      case 3:
        up.splice(much % Math.max(up.length, 1), 1);
        return;
      case 4:
        down.splice(much % Math.max(down.length, 1), 1);
        return;
      case 5:
        return this.#again(much & 1 ? up : down, much >>> 1);
      case 6:
        return this.pass(much * 60);
      case 7:
        return this.#send("up", 1 + (much & 15), "none");
      case 8:
        return this.#send("down", 1 + (much & 15), "none");
      case 9:
        return this.#send(much & 1 ? "up" : "down", (much >>> 1) * 8, "lost");
      case 10:
        return this.#send(much & 1 ? "up" : "down", (much >>> 1) * 8, "spoilt");
      default:
        up.length = 0;
        down.length = 0;
    }
  }

  /** Everything that waits arrives, and what is said of it. */
  settle(): void {
    for (let steps = 0; this.#deliverAny(); steps++) {
      assert.ok(steps < STEPS_TO_REST_MAX, "they never come to rest");
    }
  }

  /** Both ends' time, at most so much apart. */
  pass(ms: number): void {
    for (let left = ms; left > 0; left -= 500) {
      const now = Math.min(left, 500);
      this.server.pass(now);
      this.caller.pass(now);
      this.#deliverControl();
    }
  }

  finish(): void {
    this.settle();
    const { server, caller } = this;
    const was = caller.isUp && caller.ends.length === 0;
    this.pass(60_000);
    this.settle();
    // Two that mean well, and nothing is lost any more: the session is there, or both know that it is not.
    if (was && caller.ends.length === 0) assert.equal(server.server.sessionCount, 1);
    for (const side of [server, caller]) {
      side.onControl = () => {};
      side.onDatagram = () => {};
      side.onClose = () => {};
    }
    caller.checkEmpty();
    server.checkEmpty();
  }

  #put(way: Way, octets: Uint8Array): void {
    if (this.#fate === "lost" || this.waiting[way].length >= WAITING_MAX) return;
    // All behind the outer header, GRE's and MPPE's.
    if (this.#fate === "spoilt") for (let at = 40; at < octets.length; at++) octets[at]! ^= 0x55;
    this.waiting[way].push(octets);
  }

  #send(way: Way, count: number, fate: "none" | "lost" | "spoilt"): void {
    const side = way === "up" ? this.caller : this.server;
    const packet = way === "up" ? udp(LEASED, OUTSIDE, 1, 40) : udp(OUTSIDE, LEASED, 1, 40);
    this.#fate = fate;
    for (let at = 0; at < count && this.#left > 0; at++, this.#left--) {
      side.engine.handleTunPacket(packet.slice(), 0, packet.length, side.now);
    }
    this.#fate = "none";
    side.drain();
    if (fate === "spoilt") this.#deliver(way, WAITING_MAX);
  }

  #deliver(way: Way, count: number): void {
    for (let at = 0; at < count; at++) {
      const next = this.waiting[way].shift();
      if (next === undefined) return;
      (way === "up" ? this.server : this.caller).datagram(next);
    }
    this.#deliverControl();
  }

  #deliverControl(): void {
    for (let next = this.#control.shift(); next !== undefined; next = this.#control.shift()) next();
  }

  #deliverAny(): boolean {
    const { up, down } = this.waiting;
    if (this.#control.length + up.length + down.length === 0) return false;
    this.#deliverControl();
    this.#deliver("up", 1);
    this.#deliver("down", 1);
    return true;
  }

  /** One comes twice, the second time after all the others. */
  #again(all: Uint8Array[], which: number): void {
    const one = all[which % Math.max(all.length, 1)];
    if (one !== undefined && all.length < WAITING_MAX) all.push(one.slice());
  }
}

/** By name, for the seeds. */
const STEP = {
  ...{ settle: 0, deliverUp: 1, deliverDown: 2, dropUp: 3, dropDown: 4, again: 5, pass: 6 },
  ...{ up: 7, down: 8, lost: 9, spoilt: 10, dropAll: 11 },
};
type Doing = readonly [keyof typeof STEP, number];

function call(octet: number, ...doings: readonly Doing[]): Uint8Array {
  return Uint8Array.of(octet, ...doings.flatMap(([what, much]) => [STEP[what], much]));
}

const talk: readonly Doing[] = [
  ["up", 3],
  ["down", 3],
  ["settle", 0],
];
/** Of what comes up, more than the peer's keys can be doubted for, with time to say so. */
const spoilt: readonly Doing[] = Array.from({ length: 4 }, (): Doing[] => [
  ...([
    ["spoilt", 151],
    ["pass", 90],
    ["spoilt", 3],
    ["settle", 0],
    ["pass", 50],
  ] as const),
]).flat();

export const calls: Target = {
  name: "calls",
  seeds: [
    ...[0, 1, 2, 4, 8, 15].flatMap((octet) => [
      call(octet, ["settle", 0], ...talk, ["lost", 9], ...talk, ["pass", 200], ...talk),
      call(octet, ["settle", 0], ...talk, ["lost", 8], ...talk, ["pass", 200], ...talk),
      call(
        octet,
        ["settle", 0],
        ...talk,
        ["lost", 201],
        ["pass", 9],
        ...talk,
        ["pass", 200],
        ...talk,
      ),
      call(octet, ["settle", 0], ...talk, ...spoilt, ...talk),
    ]),
    ...[2, 5, 9, 14, 20].map((count) =>
      call(
        3,
        ...Array.from({ length: count }, (): Doing => ["deliverUp", 1]),
        ["dropAll", 0],
        ["pass", 80],
        ["settle", 0],
        ...talk,
      ),
    ),
    call(
      1,
      ["deliverUp", 9],
      ["again", 1],
      ["deliverDown", 2],
      ["again", 0],
      ["dropUp", 0],
      ["dropDown", 0],
      ["pass", 99],
    ),
  ],
  run: (input) => {
    const line = new Line(input[0] ?? 0);
    const end = Math.min(input.length, 1 + 2 * STEPS_MAX);
    for (let at = 1; at + 2 <= end; at += 2) line.step(input[at]!, input[at + 1]!);
    line.finish();
  },
};
