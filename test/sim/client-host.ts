// One caller: its core, its data worker, its line, and the packets it sends through its session.

import type { Chance } from "../../src/base/chance.js";
import { type Instant, instant } from "../../src/base/instant.js";
import type { Ipv4 } from "../../src/base/ip.js";
import { Ledger } from "../../src/base/ledger.js";
import { CallIdPool } from "../../src/core/access/call-id-pool.js";
import { FlowSlots } from "../../src/core/access/flow-slots.js";
import { Client, type ClientEvent } from "../../src/core/client.js";
import type { PppCredentials, PppPolicy } from "../../src/core/ppp/ports.js";
import { CLOSED } from "../../src/plane/context.js";
import type { PlaneEvent } from "../../src/wire/worker-link.js";
import { testPolicy } from "../control-peer.js";
import type { EngineKind } from "./memories.js";
import type { Network } from "./network.js";
import type { Schedule } from "./schedule.js";
import type { StreamEnd } from "./stream.js";
import { SimWorker } from "./worker.js";

export type CallResult = { readonly cause: string; readonly wasUp: boolean; delivered: number };

export class ClientHost {
  readonly ledger: Ledger;
  readonly callIds = new CallIdPool();
  readonly flowSlots = new FlowSlots(4);
  readonly worker: SimWorker;
  readonly results: CallResult[] = [];
  /** The call under way, if any. */
  client: Client | undefined;
  framedAddress: Ipv4 | undefined;
  stream: StreamEnd | undefined;
  packet: (packet: Uint8Array) => void = () => {};
  onUp: () => void = () => {};
  onEnded: () => void = () => {};
  /** After whatever may have moved its deadline. */
  touched: () => void = () => {};
  #slot: Disposable | undefined;
  #draining = false;
  #wasUp = false;
  #over = true;

  constructor(
    readonly name: string,
    readonly address: Ipv4,
    readonly schedule: Schedule,
    readonly chance: Chance,
    network: Network,
    sendErrors: number,
    flows?: number,
    engine?: EngineKind,
  ) {
    this.ledger = new Ledger(() => schedule.now);
    const user = {
      event: (event: PlaneEvent) => this.input((client, now) => client.handlePlane(event, now)),
      lost: () => this.input((client, now) => client.handleWorkerLost(now)),
      packet: (packet: Uint8Array) => this.packet(packet),
    };
    const around = [schedule, chance.fork(), network, CLOSED, sendErrors, user] as const;
    this.worker = new SimWorker(...around, flows, engine);
    network.attach(address, (datagram) => this.worker.datagram(datagram));
  }

  /** Places a call over a line that is there. */
  call(stream: StreamEnd, serverAddress: Ipv4, ppp: PppPolicy, credentials: PppCredentials): void {
    const slot = this.flowSlots.lease();
    if (slot === undefined) throw new Error("no flow slot at the client");
    this.#slot = slot.lease;
    this.#over = false;
    this.#wasUp = false;
    this.framedAddress = undefined;
    this.stream = stream;
    const { schedule, ledger, callIds, address: localAddress } = this;
    const rng = this.chance.fork().rng();
    const { flow } = slot;
    const control = { ...testPolicy, takeOutgoingCalls: false };
    const options = { control, ppp, credentials, rng, ledger, callIds, flow };
    const client = new Client({ ...options, localAddress, serverAddress }, schedule.now);
    this.client = client;
    // What an earlier call's connection still brings is not this one's.
    const own = (handle: (now: Instant) => void) => {
      if (this.client === client) this.input((_, now) => handle(now));
    };
    stream.user = {
      octets: (octets) => own((now) => client.handleOctets(octets, now)),
      pausedUntil: () => undefined,
      closed: () => own((now) => client.handleDisconnected(now)),
    };
    this.input((_, now) => client.start(now));
  }

  get over(): boolean {
    return this.#over;
  }

  pollTimeout(): Instant | undefined {
    const at = this.client?.pollTimeout()?.at;
    return at === undefined ? undefined : instant(at);
  }

  input(handle: (client: Client, now: Instant) => void): void {
    const { client } = this;
    if (client === undefined) return;
    handle(client, this.schedule.now);
    if (this.#draining) return;
    this.#draining = true;
    while (this.#step(client));
    this.#draining = false;
    this.touched();
  }

  #step(client: Client): boolean {
    const command = client.pollPlane();
    if (command !== undefined) {
      this.worker.send(command);
      return true;
    }
    const transmission = client.pollTransmit();
    if (transmission !== undefined) {
      if (transmission.kind === "Octets") this.stream?.write(transmission.octets);
      else this.stream?.end();
      return true;
    }
    const event = client.pollEvent();
    if (event === undefined) return false;
    this.#handle(event);
    return true;
  }

  #handle(event: ClientEvent): void {
    if (this.#over) throw new Error(`${this.name}: ${event.kind} after Ended`);
    if (event.kind === "Ipv4Up") {
      this.framedAddress = event.ours;
      if (this.#wasUp) return;
      this.#wasUp = true;
      this.onUp();
    }
    if (event.kind !== "Ended") return;
    this.#over = true;
    this.framedAddress = undefined;
    this.results.push({ cause: event.cause, wasUp: this.#wasUp, delivered: 0 });
    this.#slot?.[Symbol.dispose]();
    this.#slot = undefined;
    if (this.client?.pollTimeout() !== undefined) throw new Error("a deadline after Ended");
    this.client = undefined;
    this.onEnded();
  }
}
