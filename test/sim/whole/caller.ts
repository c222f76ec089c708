// One good caller of a whole server, from its first call to its last: the product's own client core and
// engine, its traffic, and the way each call ends. Some of them spoil what they send.
import type { Chance } from "../../../src/base/chance.js";
import { type Instant, instant } from "../../../src/base/instant.js";
import type { Ipv4 } from "../../../src/base/ip.js";
import { write32 } from "../../../src/wire/ip-octets.js";
import { OUTSIDE, udp } from "../../plane/pair.js";
import { Alarm } from "../alarm.js";
import { ClientHost } from "../client-host.js";
import type { EngineKind } from "../memories.js";
import type { Network } from "../network.js";
import type { Schedule } from "../schedule.js";
import { connectStream, type SpoilCount, type StreamEnd } from "../stream.js";
import type { CallerPlan } from "./plan.js";

export type CallerSurroundings = {
  readonly schedule: Schedule;
  readonly network: Network;
  readonly servers: readonly Ipv4[];
  readonly latencyMs: number;
  readonly sendErrors: number;
  readonly engine: EngineKind;
  readonly connect: (far: StreamEnd, server: Ipv4, peer: Ipv4) => boolean;
  readonly nextTag: () => number;
  readonly tunPacket: (packet: Uint8Array) => void;
  readonly endAsOperator: (user: string) => void;
  readonly delivered: (caller: Caller, packet: Uint8Array) => void;
  readonly stopping: () => boolean;
  /** Of control connections, all callers' together. */
  readonly spoilt: SpoilCount;
};

/** Of a client's own engine: it has one flow at a time. */
const FLOWS = 4;
/** A packet's tag stands behind its UDP header and at its end. */
export const TAG_AT = 28;
const LENGTH_LEAST = 40;
/** Who waits for a session waits no longer than this. */
const PATIENCE_MS = 40_000;

export class Caller {
  readonly host: ClientHost;
  readonly #alarms: readonly Alarm[];
  #callsLeft: number;
  over = false;
  /** Told once its last call is over. */
  done: () => void = () => {};

  constructor(
    readonly plan: CallerPlan,
    readonly address: Ipv4,
    readonly chance: Chance,
    readonly around: CallerSurroundings,
  ) {
    const { schedule, network, sendErrors, engine } = around;
    this.#callsLeft = plan.calls;
    const { name } = plan;
    const terms = [name, address, schedule, chance.fork(), network, sendErrors] as const;
    const host = new ClientHost(...terms, FLOWS, engine);
    this.host = host;
    const core = {
      pollTimeout: () => host.pollTimeout(),
      handleTimeout: (now: Instant) =>
        host.input((client) => client.handleTimeout(instant(Math.max(now, schedule.now)))),
    };
    this.#alarms = [new Alarm(schedule, host.worker), new Alarm(schedule, core)];
    const arm = () => {
      for (const alarm of this.#alarms) alarm.arm();
    };
    host.touched = arm;
    host.worker.touched = arm;
    host.packet = (packet) => around.delivered(this, packet);
    host.onEnded = () => this.#next();
  }

  dial(): void {
    const { schedule, network, servers, latencyMs, connect, stopping, spoilt } = this.around;
    if (this.#callsLeft-- <= 0 || stopping()) return this.#finish();
    const { chance, plan, host, address } = this;
    const server = chance.of(servers);
    const { near, far } = connectStream(schedule, chance.fork(), latencyMs);
    if (plan.spoils !== undefined) near.spoil(plan.spoils, spoilt);
    network.darken(address, false);
    host.call(near, server, plan.policy, { name: plan.name, password: plan.password });
    connect(far, server, address);
    const { client } = host;
    const end = () => {
      if (client !== undefined && host.client === client) this.#end();
    };
    host.onUp = () => {
      this.#traffic();
      if (plan.fromUp) schedule.in(plan.forMs, end);
    };
    schedule.in(plan.fromUp ? PATIENCE_MS : plan.forMs, end);
  }

  #next(): void {
    this.around.schedule.in(this.chance.int(1, 3_000), () => this.dial());
  }

  #finish(): void {
    if (this.over) return;
    this.over = true;
    this.around.network.detach(this.address);
    this.host.worker.close();
    this.done();
  }

  #end(): void {
    const { host, plan, chance, address, around } = this;
    switch (plan.ending) {
      case "stop":
        return host.input((core, now) => core.stop(now));
      case "clear":
        return host.input((core, now) => core.stop(now, "call"));
      case "stop-control":
        return host.input((core, now) => core.stop(now, "control connection"));
      case "fin":
        return host.stream?.end();
      case "rst":
        return host.stream?.reset();
      case "vanish":
        around.network.darken(address);
        if (host.stream !== undefined) host.stream.dark = true;
        return;
      case "lcp-silence":
        return around.network.darken(address);
      case "administrator":
        return around.endAsOperator(plan.name);
      case "client-worker":
        if (chance.happens(0.5)) host.worker.lose();
        else host.worker.stall(chance.int(50, 2_000));
        return;
      default:
        return;
    }
  }

  /** Packets both ways while this session lasts. */
  #traffic(): void {
    const { host, chance, plan, around } = this;
    const { client: placed } = host;
    let left = plan.packets;
    const more = () => {
      const address = host.framedAddress;
      if (host.client !== placed || address === undefined || left-- <= 0) return;
      const tag = around.nextTag();
      const length = chance.int(LENGTH_LEAST, 1_390);
      const up = chance.happens(0.6);
      const packet = up ? udp(address, OUTSIDE, tag, length) : udp(OUTSIDE, address, tag, length);
      write32(packet, TAG_AT, tag);
      if (up) host.worker.packet(packet);
      else around.tunPacket(packet);
      around.schedule.in(chance.happens(0.6) ? 0 : chance.int(1, 1_500), more);
    };
    more();
  }
}
