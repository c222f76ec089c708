// A server and a good caller, without a network between them: each thing said waits in one queue, so
// that a log-in can be stopped after any step and somebody else can go on in its place.

import type { Chance } from "../../src/base/chance.js";
import { after, type Instant, instant } from "../../src/base/instant.js";
import { lease as nothing } from "../../src/base/lease.js";
import { Ledger } from "../../src/base/ledger.js";
import { AddressPool } from "../../src/core/access/address-pool.js";
import { CallIdPool } from "../../src/core/access/call-id-pool.js";
import { FlowSlots } from "../../src/core/access/flow-slots.js";
import { Client } from "../../src/core/client.js";
import type { PppPolicy } from "../../src/core/ppp/ports.js";
import type { ControlPolicy } from "../../src/core/pptp/ports.js";
import { Server } from "../../src/core/server.js";
import type { ConnectionId, ServerEvent } from "../../src/core/server-ports.js";
import { CLOSED } from "../../src/plane/context.js";
import { Engine } from "../../src/plane/engine.js";
import { PlaneMemory } from "../../src/plane/memory.js";
import { testPolicy } from "../control-peer.js";
import { CLIENT, datagram, GATEWAY, LEASED, SERVER, TERMS } from "../plane/pair.js";
import { ACCOUNT, CREDENTIALS, POLICY, verdictOf } from "../ppp/pair.js";

const STEPS_MAX = 20_000;
const NOBODY = () => {};

type Sends = (datagram: Uint8Array) => void;

/** Shared by all trials of a test: what one leaves behind the next one's check finds. */
export class ServerSide {
  now: Instant = instant(0);
  readonly ledger = new Ledger(() => this.now);
  readonly callIds = new CallIdPool();
  readonly pool = new AddressPool({ ranges: [{ first: LEASED, last: LEASED }], exclusions: [] });
  readonly server: Server;
  readonly engine: Engine;
  /** Octets that left, TCP and GRE without the outer IP header. */
  controlOctets = 0;
  greOctets = 0;
  transmissions = 0;
  /** Where what we say goes. */
  onControl: (octets: Uint8Array) => void = NOBODY;
  onDatagram: Sends = NOBODY;
  onClose: () => void = NOBODY;
  /** Packets that came out of sessions. */
  delivered = 0;
  #nextConnection = 1;
  #connection: ConnectionId | undefined;

  constructor(chance: Chance, ppp: PppPolicy = POLICY, control: ControlPolicy = testPolicy) {
    this.server = new Server({
      policy: {
        control,
        sessionsMax: 16,
        interimMs: 0,
        rate: { upBitsPerSecond: 64_000, downBitsPerSecond: 0 },
        profileFor: () => ({ name: "default", ppp }),
      },
      rng: chance.rng(),
      ledger: this.ledger,
      callIds: this.callIds,
      flowSlots: new FlowSlots(16),
    });
    this.engine = new Engine(
      {
        sendGre: (source, destination, octets, start, end) => {
          this.greOctets += end - start;
          this.transmissions++;
          this.onDatagram(datagram(source, destination, octets.slice(start, end)));
          return end - start;
        },
        writeTun: (_octets, start, end) => {
          this.delivered++;
          return end - start;
        },
        emit: (event) => {
          this.server.handlePlane(event, this.now);
          return true;
        },
      },
      new PlaneMemory(64),
    );
    this.engine.handleCommand({ kind: "Configure", gateway: TERMS }, this.now);
  }

  connect(): void {
    this.#connection = this.#nextConnection++ as ConnectionId;
    this.server.handleConnected(this.#connection, SERVER, CLIENT, this.now);
    this.drain();
  }

  get connected(): boolean {
    return this.#connection !== undefined;
  }

  octets(octets: Uint8Array): void {
    if (this.#connection === undefined) return;
    this.server.handleOctets(this.#connection, octets, this.now);
    this.drain();
  }

  datagram(octets: Uint8Array): void {
    this.engine.handleDatagram(octets, 0, octets.length, this.now);
    this.drain();
  }

  disconnect(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    this.#connection = undefined;
    this.server.handleDisconnected(connection, this.now);
    this.drain();
  }

  drain(): void {
    for (let steps = 0; this.#step(); steps++) {
      if (steps > STEPS_MAX) throw new Error("outputs without end");
    }
  }

  pass(ms: number): void {
    const until = after(this.now, ms);
    for (let steps = 0; ; steps++) {
      const core = this.server.pollTimeout()?.at ?? Number.POSITIVE_INFINITY;
      const plane = this.engine.pollTimeout() ?? Number.POSITIVE_INFINITY;
      const next = Math.min(core, plane);
      if (next > until) break;
      if (steps > STEPS_MAX) throw new Error("timers without end");
      this.now = instant(Math.max(this.now, next));
      if (core <= this.now) this.server.handleTimeout(this.now);
      if (plane <= this.now) this.engine.handleTimeout(this.now);
      this.drain();
    }
    this.now = until;
  }

  /** The data worker dies, and another takes its place. */
  loseWorker(): void {
    this.engine.close();
    this.server.handleWorkerLost(this.now);
    this.drain();
  }

  /** Throws what is left although the connection is gone. */
  checkEmpty(): void {
    this.disconnect();
    const { ledger, server, engine, pool } = this;
    if (ledger.size > 0) throw new Error(`held: ${JSON.stringify(ledger.balance())}`);
    if (server.connections > 0) throw new Error("a connection is left");
    if (server.sessionCount > 0) throw new Error("a session is left");
    if (engine.flows > 0) throw new Error("a flow is left");
    if (engine.reorderOctets > 0) throw new Error("reorder octets are left");
    if (pool.leased > 0) throw new Error("an address is left");
    const deadline = server.pollTimeout();
    if (deadline !== undefined) throw new Error(`a deadline is left: ${deadline.why}`);
  }

  #step(): boolean {
    const { server } = this;
    const command = server.pollPlane();
    if (command !== undefined) {
      this.engine.handleCommand(command, this.now);
      return true;
    }
    const transmission = server.pollTransmit();
    if (transmission !== undefined) {
      if (transmission.connection !== this.#connection) return true;
      if (transmission.kind === "Close") {
        this.onClose();
        this.#connection = undefined;
        return true;
      }
      this.controlOctets += transmission.octets.length;
      this.transmissions++;
      this.onControl(transmission.octets);
      return true;
    }
    const event = server.pollEvent();
    if (event === undefined) return false;
    this.#handle(event);
    return true;
  }

  #handle(event: ServerEvent): void {
    const { server, now } = this;
    if (event.kind === "InvariantBroken") throw event.failure;
    if (event.kind === "AuthenticationAsked") {
      const verdict = verdictOf(event.name, event.proof, CREDENTIALS);
      server.handleVerdict(event.session, event.generation, verdict, now);
    }
    if (event.kind !== "AddressAsked") return;
    const lease = this.pool.lease(ACCOUNT.name);
    const { session, generation } = event;
    if (lease === undefined) {
      return server.handleAddress(session, generation, { ok: false, why: "pool-empty" }, now);
    }
    const ipv4 = { ours: GATEWAY, peers: lease.address, dns: [], nbns: [], lease };
    const prefix = Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0);
    const ipv6 = event.ipv6 ? { prefix, lease: nothing(() => {}) } : undefined;
    server.handleAddress(session, generation, { ok: true, ipv4, ipv6 }, now);
  }
}

/** The calling end: one core a call, one data path for all. */
export class CallerSide {
  now: Instant = instant(0);
  readonly ledger = new Ledger(() => this.now);
  readonly engine: Engine;
  client: Client | undefined;
  onControl: (octets: Uint8Array) => void = NOBODY;
  onDatagram: Sends = NOBODY;
  onClose: () => void = NOBODY;
  octetsOut = 0;
  ends: string[] = [];
  isUp = false;
  readonly #callIds = new CallIdPool();
  #generation = 0;

  constructor(
    readonly chance: Chance,
    readonly ppp: PppPolicy = POLICY,
  ) {
    this.engine = new Engine(
      {
        sendGre: (source, destination, octets, start, end) => {
          this.octetsOut += end - start;
          this.onDatagram(datagram(source, destination, octets.slice(start, end)));
          return end - start;
        },
        writeTun: (_octets, start, end) => end - start,
        emit: (event) => {
          this.client?.handlePlane(event, this.now);
          return true;
        },
      },
      new PlaneMemory(64),
    );
    this.engine.handleCommand({ kind: "Configure", gateway: CLOSED }, this.now);
  }

  call(): void {
    this.ends = [];
    this.isUp = false;
    this.client = new Client(
      {
        control: testPolicy,
        ppp: this.ppp,
        credentials: { ...CREDENTIALS },
        rng: this.chance.rng(),
        ledger: this.ledger,
        callIds: this.#callIds,
        flow: { slot: 0, generation: ++this.#generation },
        localAddress: CLIENT,
        serverAddress: SERVER,
      },
      this.now,
    );
    this.client.start(this.now);
    this.drain();
  }

  octets(octets: Uint8Array): void {
    this.client?.handleOctets(octets, this.now);
    this.drain();
  }

  datagram(octets: Uint8Array): void {
    this.engine.handleDatagram(octets, 0, octets.length, this.now);
    this.drain();
  }

  disconnect(): void {
    this.client?.handleDisconnected(this.now);
    this.drain();
  }

  drain(): void {
    for (let steps = 0; this.#step(); steps++) {
      if (steps > STEPS_MAX) throw new Error("outputs without end");
    }
  }

  pass(ms: number): void {
    const until = after(this.now, ms);
    for (let steps = 0; ; steps++) {
      const core = this.client?.pollTimeout()?.at ?? Number.POSITIVE_INFINITY;
      const plane = this.engine.pollTimeout() ?? Number.POSITIVE_INFINITY;
      const next = Math.min(core, plane);
      if (next > until) break;
      if (steps > STEPS_MAX) throw new Error("timers without end");
      this.now = instant(Math.max(this.now, next));
      if (core <= this.now) this.client?.handleTimeout(this.now);
      if (plane <= this.now) this.engine.handleTimeout(this.now);
      this.drain();
    }
    this.now = until;
  }

  checkEmpty(): void {
    this.disconnect();
    if (this.ledger.size > 0) throw new Error(`caller: ${JSON.stringify(this.ledger.balance())}`);
    if (this.engine.flows > 0) throw new Error("caller: a flow is left");
    if (this.engine.reorderOctets > 0) throw new Error("caller: reorder octets are left");
    if (this.client?.pollTimeout() !== undefined) throw new Error("caller: a deadline is left");
    if (this.ends.length !== 1) throw new Error(`caller: ended ${this.ends.length} times`);
  }

  #step(): boolean {
    const { client } = this;
    if (client === undefined) return false;
    const command = client.pollPlane();
    if (command !== undefined) {
      this.engine.handleCommand(command, this.now);
      return true;
    }
    const transmission = client.pollTransmit();
    if (transmission !== undefined) {
      if (transmission.kind === "Close") this.onClose();
      else {
        this.octetsOut += transmission.octets.length;
        this.onControl(transmission.octets);
      }
      return true;
    }
    const event = client.pollEvent();
    if (event === undefined) return false;
    if (event.kind === "Ended") this.ends.push(event.cause);
    if (event.kind === "Ipv4Up") this.isUp = true;
    return true;
  }
}

/** Both ends, what they say held in a queue, and all of it recorded. */
export class Pair {
  readonly toServer: Uint8Array[] = [];
  readonly toCaller: Uint8Array[] = [];
  readonly controlToCaller: Uint8Array[] = [];
  #waiting: (() => void)[] = [];

  constructor(
    readonly server: ServerSide,
    readonly caller: CallerSide,
  ) {
    server.onControl = (octets) => {
      this.controlToCaller.push(octets);
      this.#waiting.push(() => caller.octets(octets));
    };
    caller.onControl = (octets) => void this.#waiting.push(() => server.octets(octets));
    server.onDatagram = (octets) => {
      this.toCaller.push(octets);
      this.#waiting.push(() => caller.datagram(octets));
    };
    caller.onDatagram = (octets) => {
      this.toServer.push(octets);
      this.#waiting.push(() => server.datagram(octets));
    };
    server.onClose = () => void this.#waiting.push(() => caller.disconnect());
    caller.onClose = () => void this.#waiting.push(() => server.disconnect());
    caller.now = instant(Math.max(caller.now, server.now));
    server.now = caller.now;
    server.connect();
    caller.call();
  }

  /** So many steps of the log-in, or all there are. */
  run(steps: number): this {
    for (let at = 0; at < steps; at++) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      next();
    }
    return this;
  }

  /** From now on nobody hears the other. */
  cut(): void {
    this.#waiting = [];
    for (const side of [this.server, this.caller]) {
      side.onControl = NOBODY;
      side.onDatagram = NOBODY;
      side.onClose = NOBODY;
    }
  }
}
