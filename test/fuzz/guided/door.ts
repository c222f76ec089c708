// The server's door: many who have not logged in, of few addresses, in a server with little room. Whoever they
// are and whatever they do, places are as many as there may be, and at the end all is given back.
import { strict as assert } from "node:assert";
import { Chance } from "../../../src/base/chance.js";
import { type Instant, instant } from "../../../src/base/instant.js";
import { Ledger } from "../../../src/base/ledger.js";
import { CallIdPool } from "../../../src/core/access/call-id-pool.js";
import { FlowSlots } from "../../../src/core/access/flow-slots.js";
import { Guard } from "../../../src/core/guard/guard.js";
import { Server } from "../../../src/core/server.js";
import type { ConnectionId } from "../../../src/core/server-ports.js";
import { guard as bounds } from "../../../src/limits.js";
import type { FlowRef } from "../../../src/wire/worker-link.js";
import { testPolicy } from "../../control-peer.js";
import { SERVER } from "../../plane/pair.js";
import { POLICY } from "../../ppp/pair.js";
import { COUNTERS } from "../../sim/server-bench.js";
import { controlMessages, pppFrames } from "../corpus.js";
import { type Step, steps } from "./steps.js";

const FIRST = 0x0a00_0000;
const CONNECTIONS_MAX = 8;
const FLOWS = 4;
const END_MS = 300_000;
const DRAINED_MAX = 10_000;

const narrow = {
  ...bounds,
  ...{ sourceHalfOpenMax: 3, prefixHalfOpenMax: 4, halfOpenMax: 5, halfOpenLeastMs: 20 },
  ...{ sourceUnprovenMax: 3, prefixUnprovenMax: 4, unprovenMax: 5, placeLeastMs: 20 },
  ...{ sourceCallingMax: 2, prefixCallingMax: 3, callingMax: 3 },
  ...{ strangersFramesMax: 6, logInFailuresMax: 3 },
};

class Crowd {
  now: Instant = instant(0);
  readonly guard = new Guard({ limits: narrow, allows: (peer) => peer === FIRST + 3 });
  readonly ledger = new Ledger(() => this.now);
  readonly server: Server;
  /** The oldest first. */
  readonly connections = new Map<ConnectionId, number>();
  readonly flows: FlowRef[] = [];
  /** What the data path says to a new flow: yes, no, nothing. */
  worker = 0;
  #blocked = false;
  #next = 1;

  constructor() {
    this.server = new Server({
      policy: {
        control: { ...testPolicy, takeIncomingCalls: true },
        sessionsMax: FLOWS,
        interimMs: 0,
        rate: { upBitsPerSecond: 0, downBitsPerSecond: 0 },
        profileFor: () => ({ name: "default", ppp: POLICY }),
      },
      rng: new Chance(1).rng(),
      ledger: this.ledger,
      callIds: new CallIdPool(),
      flowSlots: new FlowSlots(FLOWS),
      guard: this.guard,
    });
    this.guard.blocked = () => {
      this.#blocked = true;
    };
  }

  id(a: number): ConnectionId | undefined {
    return [...this.connections.keys()][a % Math.max(this.connections.size, 1)];
  }

  at(now: Instant): void {
    for (let steps = 0; ; steps++) {
      assert.ok(steps < DRAINED_MAX, "timers without end");
      const next = this.server.pollTimeout()?.at;
      if (next === undefined || next > now) break;
      this.now = instant(Math.max(this.now, next));
      this.server.handleTimeout(this.now);
      this.drain();
    }
    this.now = now;
  }

  /** As the listener does it: the guard first, then the room for all. */
  connect(peer: number): void {
    const { guard, server, now } = this;
    if (guard.refusesConnection(peer, now) !== undefined) return;
    if (this.connections.size >= CONNECTIONS_MAX && !server.makeRoom(peer, now)) return;
    const id = this.#next++ as ConnectionId;
    this.connections.set(id, peer);
    server.handleConnected(id, SERVER, peer, now);
    this.drain();
  }

  disconnect(id: ConnectionId): void {
    this.connections.delete(id);
    this.server.handleDisconnected(id, this.now);
    this.drain();
  }

  drain(): void {
    for (let steps = 0; this.#step(); steps++) assert.ok(steps < DRAINED_MAX, "without end");
    if (this.#blocked) {
      this.#blocked = false;
      const { blocks } = this.guard;
      this.server.endStrangers((peer) => blocks.find(peer, this.now) !== undefined, this.now);
      for (let steps = 0; this.#step(); steps++) assert.ok(steps < DRAINED_MAX, "without end");
    }
    const { guard } = this;
    assert.ok(guard.halfOpen.size <= narrow.halfOpenMax);
    assert.ok(guard.unproven.size <= narrow.unprovenMax);
    assert.ok(guard.calling.size <= narrow.callingMax);
    assert.ok(this.server.sessionCount <= FLOWS);
  }

  #step(): boolean {
    const { server, now } = this;
    const command = server.pollPlane();
    if (command !== undefined) {
      if (command.kind === "Install" && this.worker === 0) {
        this.flows.push(command.flow);
        server.handlePlane({ kind: "Installed", flow: command.flow }, now);
      }
      if (command.kind === "Install" && this.worker === 1) {
        server.handlePlane({ kind: "InstallRefused", flow: command.flow, why: "fuzz" }, now);
      }
      if (command.kind !== "Remove") return true;
      const at = this.flows.findIndex(({ slot }) => slot === command.flow.slot);
      if (at >= 0) this.flows.splice(at, 1);
      server.handlePlane({ kind: "Removed", flow: command.flow, counters: COUNTERS }, now);
      return true;
    }
    const transmission = server.pollTransmit();
    if (transmission !== undefined) {
      // Its socket is closed, and the server hears of that.
      if (transmission.kind === "Close") this.disconnect(transmission.connection);
      return true;
    }
    const event = server.pollEvent();
    if (event?.kind === "InvariantBroken") throw event.failure;
    return event !== undefined;
  }

  finish(): void {
    this.guard.busy = false;
    for (const id of [...this.connections.keys()]) this.disconnect(id);
    this.at(instant(this.now + END_MS));
    assert.equal(this.server.connections, 0);
    assert.equal(this.server.sessionCount, 0);
    assert.equal(this.ledger.size, 0, JSON.stringify(this.ledger.balance()));
    const { halfOpen, unproven, calling } = this.guard;
    assert.equal(halfOpen.size + unproven.size + calling.size, 0);
  }
}

const peerOf = (a: number) => FIRST + (a & 3) + ((a >>> 6) << 8);

export const door = steps(
  "door",
  () => {
    const crowd = new Crowd();
    const { guard, server } = crowd;
    const step =
      (does: (a: number, b: number) => void): Step =>
      (a, b, now) => {
        crowd.at(instant(Math.max(now, crowd.now)));
        does(a, b);
        crowd.drain();
      };
    const connect = step((a) => crowd.connect(peerOf(a)));
    const say = step((a, b) => {
      const id = crowd.id(a);
      if (id === undefined || (server.readingPausedUntil(id) ?? 0) > crowd.now) return;
      const message = controlMessages[b % controlMessages.length]!;
      server.handleOctets(id, b > 240 ? message.subarray(0, b - 240) : message, crowd.now);
    });
    const unsent = step((a, b) => {
      const id = crowd.id(a);
      if (id !== undefined) server.handleUnsent(id, b * 512, crowd.now);
    });
    const gone = step((a) => {
      const id = crowd.id(a);
      if (id !== undefined) crowd.disconnect(id);
    });
    const frame = step((a, b) => {
      const flow = crowd.flows[a % Math.max(crowd.flows.length, 1)];
      const octets = pppFrames[b % pppFrames.length]!;
      if (flow === undefined || octets.length < 4) return;
      const protocol = (octets[2]! << 8) | octets[3]!;
      server.handlePlane(
        { kind: "Frame", flow, protocol, information: octets.slice(4) },
        crowd.now,
      );
    });
    const logIn = step((a, b) => {
      const name = `user${b & 1}`;
      if (guard.refusesLogIn(name, peerOf(a), crowd.now) !== undefined) return;
      guard.loggedIn(name, peerOf(a), b > 200, crowd.now);
    });
    const around = step((a, b) => {
      if (b & 1) guard.busy = (a & 1) !== 0;
      else crowd.worker = a % 3;
    });
    const late = step((a) => crowd.at(instant(crowd.now + a * 200)));
    return {
      steps: [connect, say, say, unsent, gone, frame, logIn, around, late, connect],
      over: () => crowd.finish(),
    };
  },
  seeds(),
);

/** More than there is room for, who start, call, and never log in. */
function seeds(): Uint8Array[] {
  const [CONNECT, SAY, UNSENT, FRAME, LOG_IN, AROUND, LATE] = [0, 1, 3, 5, 6, 7, 8] as const;
  const many = Array.from({ length: 12 }, (_, at) => [CONNECT, (at * 67) & 255, 0]).flat();
  const all = Array.from({ length: 8 }, (_, at) => at);
  const start = all.flatMap((at) => [SAY, at, 0]);
  const call = all.flatMap((at) => [SAY, at, 6, SAY, at, 8]);
  const frames = all.flatMap((at) => [FRAME, at, at * 3]);
  const wrong = Array.from({ length: 40 }, () => [LOG_IN, 1, 0]).flat();
  return [
    [...many, LATE, 1, 0, ...many],
    [...many, ...start, LATE, 1, 0, ...many, ...start, ...call, ...many],
    [
      ...many,
      ...start,
      ...call,
      ...frames,
      AROUND,
      1,
      1,
      ...frames,
      ...many,
      AROUND,
      0,
      1,
      LATE,
      9,
      0,
    ],
    [AROUND, 2, 0, ...many, ...start, ...call, LATE, 255, 0, LATE, 255, 0],
    [AROUND, 1, 0, ...many, ...start, ...call, ...start],
    [...many, ...start, UNSENT, 0, 255, UNSENT, 1, 9, ...wrong, ...many],
    [LOG_IN, 1, 255, ...Array.from({ length: 30 }, () => [CONNECT, 1, 0, SAY, 0, 1]).flat()],
  ].map((one) => Uint8Array.from(one));
}
