// The stack and a peer in virtual time, a network between them that loses, delays, reorders and repeats by
// one seed.

import { Chance } from "../../src/base/chance.js";
import { instant } from "../../src/base/instant.js";
import { Ledger } from "../../src/base/ledger.js";
import { Scope } from "../../src/base/scope.js";
import { isRefusal, type TcpConnection } from "../../src/client/tcp/contract.js";
import { Stack } from "../../src/client/tcp/stack.js";
import { Schedule } from "../sim/schedule.js";
import type { ReferencePeer } from "./reference-peer.js";

export const OURS = 0x0a00_0002;
export const THEIRS = 0x0a00_0001;

/** Of the packets a queue has room for. */
const FULL_OCTETS = 1_400;

export type Path = {
  readonly delayMs?: number;
  readonly jitterMs?: number;
  /** Packets arrive together, so often: the other end's processor has more to do. */
  readonly everyMs?: number;
  readonly loss?: number;
  readonly repeat?: number;
  /** Of the narrowest link, with a queue of so many packets. */
  readonly bitsPerMs?: number;
  readonly queuePackets?: number;
};

/** What an end of the network is for it. */
export type End = Pick<ReferencePeer, "handle" | "timeout" | "timerAt" | "out">;

export class Network {
  readonly schedule = new Schedule();
  readonly ledger: Ledger;
  readonly stack: Stack;
  readonly chance: Chance;
  /** By direction: packets offered, and lost on the way. */
  readonly offered = { up: 0, down: 0 };
  readonly lost = { up: 0, down: 0 };
  readonly #busyUntil = { up: 0, down: 0 };
  #drains = false;

  constructor(
    seed: number,
    readonly peer: End,
    public path: Path = {},
    mtu = 1400,
  ) {
    this.chance = new Chance(seed);
    this.ledger = new Ledger(() => this.schedule.now);
    this.stack = new Stack({
      address: OURS,
      mtu,
      rng: this.chance.fork().rng(),
      scope: new Scope("test", this.ledger),
      wake: () => {
        this.#drains = true;
      },
    });
  }

  get now() {
    return this.schedule.now;
  }

  connect(port: number, remote = THEIRS): TcpConnection {
    const connection = this.stack.connect(remote, port, this.now);
    if (isRefusal(connection)) throw new Error(connection.limit);
    return connection;
  }

  /** Until `done`, or for so long; false when it was the time that ended it. */
  run(ms: number, done: () => boolean = () => false): boolean {
    const end = this.now + ms;
    this.#exchange();
    while (!done()) {
      const next = Math.min(
        this.schedule.next ?? Number.POSITIVE_INFINITY,
        this.stack.pollTimeout()?.at ?? Number.POSITIVE_INFINITY,
        this.peer.timerAt ?? Number.POSITIVE_INFINITY,
      );
      if (next > end) {
        this.schedule.now = instant(end);
        return done();
      }
      if (this.schedule.next === next) {
        do this.schedule.step();
        while ((this.path.everyMs ?? 0) > 0 && this.schedule.next === this.now);
      } else this.schedule.now = instant(Math.max(this.now, next));
      if ((this.stack.pollTimeout()?.at ?? next + 1) <= this.now) {
        this.stack.handleTimeout(this.now);
        this.#drains = true;
      }
      this.peer.timeout(this.now);
      this.#exchange();
    }
    return true;
  }

  /** A packet of somebody else's, up the same link, through the same queue. */
  carryOther(octets: number, arrive: () => void): void {
    this.#carry("up", new Uint8Array(octets), arrive);
  }

  #exchange(): void {
    if (this.#drains || this.stack.size > 0) {
      this.#drains = false;
      for (;;) {
        const packet = this.stack.pollTransmit(this.now);
        if (packet === undefined) break;
        const copy = packet.slice();
        this.#carry("up", copy, () => this.peer.handle(copy, this.now));
      }
    }
    for (const packet of this.peer.out.splice(0)) {
      this.#carry("down", packet, () => {
        this.stack.handlePacket(packet, this.now);
        this.#drains = true;
      });
    }
  }

  #carry(way: "up" | "down", packet: Uint8Array, arrive: () => void): void {
    const { delayMs = 0, jitterMs = 0, everyMs = 0, loss = 0, repeat = 0 } = this.path;
    const { bitsPerMs, queuePackets } = this.path;
    this.offered[way]++;
    let leaves: number = this.now;
    if (bitsPerMs !== undefined) {
      const takes = (packet.length * 8) / bitsPerMs;
      const begins = Math.max(this.now, this.#busyUntil[way]);
      if (begins - this.now > ((queuePackets ?? 1000) * FULL_OCTETS * 8) / bitsPerMs) {
        this.lost[way]++;
        return;
      }
      this.#busyUntil[way] = begins + takes;
      leaves = begins + takes;
    }
    const times = this.chance.happens(repeat) ? 2 : 1;
    for (let time = 0; time < times; time++) {
      if (this.chance.happens(loss)) this.lost[way]++;
      else {
        const at = leaves + delayMs + this.chance.unit() * jitterMs;
        this.schedule.at(everyMs > 0 ? Math.ceil(at / everyMs) * everyMs : at, arrive);
      }
    }
  }
}
