// The server as its daemon runs it: core, data worker, backend and connections, each behind a port of
// the simulation. Outputs are drained as worker/drive.ts does: data path, then octets, then events.

import type { Chance } from "../../src/base/chance.js";
import type { Instant } from "../../src/base/instant.js";
import type { Ipv4 } from "../../src/base/ip.js";
import { Ledger } from "../../src/base/ledger.js";
import { CallIdPool } from "../../src/core/access/call-id-pool.js";
import { FlowSlots } from "../../src/core/access/flow-slots.js";
import { Server } from "../../src/core/server.js";
import type {
  ConnectionId,
  ServerEvent,
  ServerPolicy,
  SessionInfo,
  Transmission,
} from "../../src/core/server-ports.js";
import type { GatewayTerms } from "../../src/wire/worker-link.js";
import { TERMS } from "../plane/pair.js";
import { Backend, GATEWAY } from "./backend.js";
import type { EngineKind } from "./memories.js";
import type { Network } from "./network.js";
import type { Schedule } from "./schedule.js";
import type { StreamEnd } from "./stream.js";
import { SimWorker } from "./worker.js";

export type EndedSession = { readonly cause: string; readonly info: SessionInfo };

export class ServerHost {
  readonly ledger: Ledger;
  readonly callIds = new CallIdPool();
  readonly server: Server;
  readonly backend: Backend;
  readonly worker: SimWorker;
  readonly up = new Set<number>();
  readonly ended: EndedSession[] = [];
  readonly refusals: number[] = [];
  /** Packets that came out of sessions. */
  packet: (packet: Uint8Array) => void = () => {};
  /** After each input: what must hold. */
  check: () => void = () => {};
  readonly #streams = new Map<ConnectionId, StreamEnd>();
  readonly #closes = new Set<ConnectionId>();
  #nextConnection = 1;
  #draining = false;

  constructor(
    readonly schedule: Schedule,
    chance: Chance,
    network: Network,
    policy: ServerPolicy,
    readonly addresses: readonly Ipv4[],
    terms: {
      readonly sendErrors: number;
      readonly unavailability: number;
      readonly gateway: Partial<GatewayTerms>;
      readonly engine: EngineKind;
    },
  ) {
    this.ledger = new Ledger(() => schedule.now);
    this.server = new Server({
      policy,
      rng: chance.fork().rng(),
      ledger: this.ledger,
      callIds: this.callIds,
      flowSlots: new FlowSlots(64),
    });
    this.backend = new Backend(schedule, chance.fork(), terms.unavailability);
    const gateway = { ...TERMS, gatewayAddress: GATEWAY, hostAddresses: addresses };
    this.worker = new SimWorker(
      schedule,
      chance.fork(),
      network,
      { ...gateway, ...terms.gateway },
      terms.sendErrors,
      {
        event: (event) => this.input((server, now) => server.handlePlane(event, now)),
        lost: () => this.input((server, now) => server.handleWorkerLost(now)),
        packet: (packet) => this.packet(packet),
      },
      undefined,
      terms.engine,
    );
    for (const address of addresses) {
      network.attach(address, (datagram) => this.worker.datagram(datagram));
    }
  }

  accept(stream: StreamEnd, localAddress: Ipv4, peerAddress: Ipv4): void {
    const id = this.#nextConnection++ as ConnectionId;
    this.#streams.set(id, stream);
    stream.user = {
      octets: (octets) => this.input((server, now) => server.handleOctets(id, octets, now)),
      pausedUntil: () => this.server.readingPausedUntil(id),
      closed: () => {
        this.#streams.delete(id);
        this.input((server, now) => server.handleDisconnected(id, now));
      },
    };
    this.input((server, now) => server.handleConnected(id, localAddress, peerAddress, now));
  }

  input(handle: (server: Server, now: Instant) => void): void {
    handle(this.server, this.schedule.now);
    if (this.#draining) return;
    this.#draining = true;
    while (this.#step());
    this.#draining = false;
    this.check();
  }

  get connections(): number {
    return this.#streams.size;
  }

  #step(): boolean {
    const { server } = this;
    const command = server.pollPlane();
    if (command !== undefined) {
      this.worker.send(command);
      return true;
    }
    const transmission = server.pollTransmit();
    if (transmission !== undefined) {
      this.#transmit(transmission);
      return true;
    }
    const event = server.pollEvent();
    if (event === undefined) return false;
    this.#handle(event);
    return true;
  }

  #transmit(transmission: Transmission): void {
    const { connection } = transmission;
    const stream = this.#streams.get(connection);
    if (transmission.kind === "Octets") {
      if (this.#closes.has(connection)) throw new Error("octets behind Close");
      stream?.write(transmission.octets);
      return;
    }
    if (this.#closes.has(connection)) throw new Error("Close twice");
    this.#closes.add(connection);
    stream?.end();
  }

  #handle(event: ServerEvent): void {
    switch (event.kind) {
      case "AuthenticationAsked":
        return this.backend.authenticate(event, (verdict) =>
          this.input((server, now) =>
            server.handleVerdict(event.session, event.generation, verdict, now),
          ),
        );
      case "AddressAsked":
        return this.backend.address(event, (answer) =>
          this.input((server, now) =>
            server.handleAddress(event.session, event.generation, answer, now),
          ),
        );
      case "LoginRefused":
        this.refusals.push(event.code);
        return;
      case "SessionUp":
        if (this.up.has(event.info.session)) throw new Error("SessionUp twice");
        this.up.add(event.info.session);
        return;
      case "SessionInterim":
        if (event.info.upAt === undefined) throw new Error("SessionInterim before SessionUp");
        return;
      case "SessionEnded":
        this.up.delete(event.info.session);
        this.ended.push({ cause: event.cause, info: event.info });
        return;
      case "InvariantBroken":
        throw event.failure;
      case "ConnectionRefused":
        return;
    }
  }
}
