// One simulated run, wholly determined by its seed: a server and its callers until nothing is left to
// happen, what must hold checked on the way and at the end, and a digest of what came out.
import { createHash } from "node:crypto";
import { Chance } from "../../src/base/chance.js";
import { type Instant, instant } from "../../src/base/instant.js";
import type { Ipv4 } from "../../src/base/ip.js";
import type { SessionId } from "../../src/core/server-ports.js";
import { read16, read32 } from "../../src/wire/ip-octets.js";
import { testPolicy } from "../control-peer.js";
import { OUTSIDE, tagOf, udp } from "../plane/pair.js";
import { ClientHost } from "./client-host.js";
import type { EngineKind } from "./memories.js";
import { FORGED, Network } from "./network.js";
import { type CallPlan, type ClientPlan, drawScenario, type Scenario } from "./scenario.js";
import { Schedule } from "./schedule.js";
import { ServerHost } from "./server-host.js";
import { connectStream, type SpoilCount } from "./stream.js";

const SERVER_ADDRESSES: readonly Ipv4[] = [0xc6120101, 0xc6120102];
const FIRST_CLIENT: Ipv4 = 0xc6120201;
const STEPS_MAX = 400_000;
const QUARANTINE_MS = 60_001;

export type Outcome = {
  readonly digest: string;
  readonly steps: number;
  readonly causes: readonly string[];
  readonly clientCauses: readonly string[];
  readonly delivered: number;
  readonly engine: EngineKind;
  /** Octets changed in, and cut ends of, control connections. */
  readonly spoilt: SpoilCount;
};

type Machine = { pollTimeout(): Instant | undefined; handleTimeout(now: Instant): void };

export class World {
  readonly schedule = new Schedule();
  readonly #chance: Chance;
  readonly #scenario: Scenario;
  readonly #network: Network;
  readonly #host: ServerHost;
  readonly #clients: ClientHost[] = [];
  readonly #machines: Machine[] = [];
  /** Last tag that came out at the far end, by direction and sender. */
  readonly #lastTag = new Map<string, number>();
  #nextTag = 1;
  #delivered = 0;
  #steps = 0;
  #stopping = false;
  readonly #spoilt: SpoilCount = { flips: 0, cuts: 0 };

  /** `engine` is the seed's to choose unless it is given. */
  constructor(seed: number, engine?: EngineKind) {
    this.#chance = new Chance(seed);
    const drawn = drawScenario(this.#chance.fork());
    const scenario = { ...drawn, engine: engine ?? drawn.engine };
    this.#scenario = scenario;
    const { schedule } = this;
    this.#network = new Network(schedule, this.#chance.fork(), scenario.path);
    const { sessionsMax, serverPolicy: ppp, sendErrors, unavailability, sendWindow } = scenario;
    this.#host = new ServerHost(
      schedule,
      this.#chance.fork(),
      this.#network,
      {
        control: testPolicy,
        sessionsMax,
        interimMs: 7_000,
        rate: { upBitsPerSecond: 0, downBitsPerSecond: 1_000_000 },
        profileFor: () => ({ name: "default", ppp }),
      },
      SERVER_ADDRESSES,
      { sendErrors, unavailability, gateway: { sendWindow }, engine: scenario.engine },
    );
    this.#host.packet = (packet) => this.#outOfServer(packet);
    this.#host.check = () => this.#checkServer();
    const { server } = this.#host;
    this.#machines.push(this.#host.worker, {
      pollTimeout: () => server.pollTimeout()?.at,
      handleTimeout: () => this.#host.input((core, now) => core.handleTimeout(now)),
    });
    for (const [index, plan] of scenario.clients.entries()) this.#addClient(index, plan);
    schedule.at(scenario.stopAtMs, () => this.#stop());
  }

  /** Throws what is wrong. */
  run(): Outcome {
    for (let at = this.#next(); at !== undefined; at = this.#next()) {
      if (++this.#steps > STEPS_MAX) throw new Error(`no end in ${STEPS_MAX} steps`);
      this.#step(at);
    }
    this.#checkEnd();
    return {
      digest: this.#digest(),
      steps: this.#steps,
      causes: this.#host.ended.map(({ cause }) => cause),
      clientCauses: this.#clients.flatMap(({ results }) => results.map(({ cause }) => cause)),
      delivered: this.#delivered,
      engine: this.#scenario.engine,
      spoilt: this.#spoilt,
    };
  }

  #next(): number | undefined {
    let next = this.schedule.next;
    for (const machine of this.#machines) {
      const at = machine.pollTimeout();
      if (at !== undefined && (next === undefined || at < next)) next = at;
    }
    return next;
  }

  #step(at: number): void {
    const { schedule } = this;
    if (schedule.next !== undefined && schedule.next <= at) return schedule.step();
    schedule.now = instant(Math.max(schedule.now, at));
    for (const machine of this.#machines) {
      const due = machine.pollTimeout();
      if (due !== undefined && due <= schedule.now) machine.handleTimeout(schedule.now);
    }
  }

  #addClient(index: number, plan: ClientPlan): void {
    const { schedule } = this;
    const chance = this.#chance.fork();
    const { sendErrors } = this.#scenario;
    const { name } = plan.account.terms;
    const client = new ClientHost(
      name,
      FIRST_CLIENT + index,
      schedule,
      chance,
      this.#network,
      sendErrors,
      undefined,
      this.#scenario.engine,
    );
    this.#clients.push(client);
    this.#host.backend.add(plan.account);
    this.#machines.push(client.worker, {
      pollTimeout: () => client.pollTimeout(),
      handleTimeout: () => client.input((core, now) => core.handleTimeout(now)),
    });
    client.packet = (packet) => this.#outOfClient(client, packet);
    client.onUp = () => this.#traffic(client, plan);
    const calls = [...plan.calls];
    const dial = () => {
      const call = calls.shift();
      if (call === undefined) return;
      schedule.in(call.afterMs, () => this.#dial(client, plan, call));
    };
    client.onEnded = dial;
    dial();
  }

  #dial(client: ClientHost, plan: ClientPlan, call: CallPlan): void {
    if (this.#stopping) return;
    const { schedule } = this;
    const serverAddress = client.chance.of(SERVER_ADDRESSES);
    const { latencyMs } = this.#scenario.path;
    const { near, far } = connectStream(schedule, client.chance.fork(), latencyMs);
    if (plan.spoils !== undefined) near.spoil(plan.spoils, this.#spoilt);
    this.#network.darken(client.address, false);
    this.#host.accept(far, serverAddress, client.address);
    const credentials = { name: plan.account.terms.name, password: plan.password };
    client.call(near, serverAddress, plan.policy, credentials);
    if (client.chance.happens(0.3)) this.#burst(client, call);
    // A log-in, or its middle, may be what is cut.
    const { client: placed } = client;
    schedule.in(call.forMs, () => {
      if (client.client === placed) this.#end(client, plan, call);
    });
  }

  /** For a moment nothing of GRE gets through. */
  #burst(client: ClientHost, { ending, forMs }: CallPlan): void {
    if (ending === "vanish" || ending === "lcp-silence" || ending === "second-login") return;
    const { schedule } = this;
    schedule.in(client.chance.int(0, forMs), () => this.#network.darken(client.address));
    const lastsMs = client.chance.int(20, 4_000);
    schedule.in(forMs + lastsMs, () => this.#network.darken(client.address, false));
  }

  #end(client: ClientHost, plan: ClientPlan, { ending }: CallPlan): void {
    const { chance } = client;
    switch (ending) {
      case "stop":
        return client.input((core, now) => core.stop(now));
      case "clear":
        return client.input((core, now) => core.stop(now, "call"));
      case "stop-control":
        return client.input((core, now) => core.stop(now, "control connection"));
      case "fin":
        return client.stream?.end();
      case "rst":
        return client.stream?.reset();
      case "lcp-silence":
        return this.#network.darken(client.address);
      case "vanish":
        this.#network.darken(client.address);
        if (client.stream !== undefined) client.stream.dark = true;
        return;
      case "administrator":
        for (const session of this.#sessionsOf(client)) {
          this.#host.input((server, now) => server.disconnect(session, "administrator", now));
        }
        return;
      case "server-worker":
        if (chance.happens(0.5)) this.#host.worker.lose();
        else this.#host.worker.stall(chance.int(50, 2_000));
        return;
      case "client-worker":
        if (chance.happens(0.5)) client.worker.lose();
        else client.worker.stall(chance.int(50, 2_000));
        return;
      case "stalled-stop":
        // The data path is asked to remove a flow and is not there to do it.
        if (chance.happens(0.7)) client.worker.stall(chance.int(400, 1_500));
        if (chance.happens(0.5)) this.#host.worker.stall(chance.int(400, 1_500));
        return client.stream?.reset();
      case "second-login":
        return this.#secondLogin(client, plan);
      default:
        return;
    }
  }

  /** The same account again, from another host, while its first session may still be there. */
  #secondLogin(client: ClientHost, plan: ClientPlan): void {
    if (this.#clients.length > 12) return;
    const index = this.#clients.length;
    if (client.chance.happens(0.5)) this.#network.darken(client.address);
    const calls: CallPlan[] = [{ afterMs: 1, ending: "stop", forMs: 20_000 }];
    this.#addClient(index, { ...plan, calls });
  }

  #sessionsOf(client: ClientHost): SessionId[] {
    const { server } = this.#host;
    return [...server.sessions()]
      .filter(({ peerAddress }) => peerAddress === client.address)
      .map(({ session }) => session);
  }

  #stop(): void {
    this.#stopping = true;
    this.#host.input((server, now) => {
      if (this.#scenario.stopAtOnce) server.stopAtOnce(now);
      else server.stop(now);
    });
  }

  /** Packets both ways while this session lasts. */
  #traffic(client: ClientHost, plan: ClientPlan): void {
    const { schedule } = this;
    const { client: placed } = client;
    let left = plan.packets;
    const more = () => {
      const address = client.framedAddress;
      if (client.client !== placed || address === undefined || left-- <= 0) return;
      const length = client.chance.int(40, 1_390);
      const up = client.chance.happens(0.6);
      const tag = this.#nextTag++;
      if (up) client.worker.packet(udp(address, OUTSIDE, tag, length));
      else this.#host.worker.packet(udp(OUTSIDE, address, tag, length));
      schedule.in(client.chance.happens(0.7) ? 0 : client.chance.int(1, 1_500), more);
    };
    more();
  }

  #outOfServer(packet: Uint8Array): void {
    if (packet[0]! >>> 4 !== 4) return;
    this.#deliver(`up ${read32(packet, 12)}`, packet);
  }

  #outOfClient(client: ClientHost, packet: Uint8Array): void {
    if (packet[0]! >>> 4 !== 4) return;
    const destination = read32(packet, 16);
    if (client.framedAddress !== undefined && client.framedAddress !== destination) {
      throw new Error(`${client.name} was given a packet for another`);
    }
    this.#deliver(`down ${destination}`, packet);
  }

  #deliver(direction: string, packet: Uint8Array): void {
    const tag = tagOf(packet);
    if (tag === FORGED) throw new Error("plaintext was taken where encryption is required");
    if (read16(packet, 2) !== packet.length) throw new Error("a packet was delivered cut off");
    const last = this.#lastTag.get(direction) ?? 0;
    if (tag <= last) throw new Error(`${direction}: ${tag} came out after ${last}`);
    this.#lastTag.set(direction, tag);
    this.#delivered++;
  }

  #checkServer(): void {
    const { server, backend, ledger } = this.#host;
    const { pool } = backend;
    const held = ledger.balance();
    const addresses = held.address ?? 0;
    if (pool.leased !== addresses + backend.inFlight) {
      throw new Error(`${pool.leased} addresses leased, ${addresses} held`);
    }
    if ((held.flowSlot ?? 0) !== server.sessionCount) {
      throw new Error(`${held.flowSlot ?? 0} flow slots for ${server.sessionCount} sessions`);
    }
    if (ledger.stuck > 0) throw new Error("a lease is stuck");
    if (this.#scenario.encrypted && this.#network.plaintext > 0) {
      throw new Error("data was sent in the clear where encryption is required");
    }
  }

  #checkEnd(): void {
    const { server, ledger, worker, backend, callIds, up } = this.#host;
    const wrong: string[] = [];
    const want = (holds: boolean, what: string) => void (holds || wrong.push(what));
    want(server.stopped, "the server has not stopped");
    want(ledger.size === 0, `server holds ${JSON.stringify(ledger.balance())}`);
    want(worker.engine?.flows === 0, `${worker.engine?.flows} flows in the server's data path`);
    want(worker.engine?.reorderOctets === 0, "octets in the server's reorder buffers");
    want(backend.pool.leased === 0, `${backend.pool.leased} addresses are out`);
    want(backend.pool.free === backend.pool.size, "the pool is not whole");
    want(up.size === 0, `${up.size} sessions up without an end`);
    want(this.#host.connections === 0, `${this.#host.connections} sockets are open`);
    callIds.advance(instant(this.schedule.now + QUARANTINE_MS));
    callIds.advance(instant(this.schedule.now + 2 * QUARANTINE_MS));
    want(callIds.size === 0, `${callIds.size} Call IDs are out`);
    for (let prefixes = 1; prefixes < backend.prefixes.size; prefixes++) {
      if (backend.prefixes.lease() === undefined) {
        want(false, `prefix ${prefixes} is out`);
        break;
      }
    }
    for (const client of this.#clients) {
      want(client.over, `${client.name} has not ended`);
      const { ledger: held, worker: data } = client;
      want(held.size === 0, `${client.name} holds ${JSON.stringify(held.balance())}`);
      want(data.engine?.flows === 0, `${client.name} has ${data.engine?.flows} flows`);
    }
    if (wrong.length > 0) throw new Error(wrong.join("; "));
  }

  /** Of the end state, without times. */
  #digest(): string {
    const { server, ended, refusals, worker } = this.#host;
    const state = {
      sessions: ended.map(({ cause, info }) => {
        const { user, method, encryption, framedAddress, counters, wanErrors } = info;
        const { idleMs: _idle, roundTripMs: _roundTrip, ...counts } = counters;
        return { cause, user, method, encryption, framedAddress, counts, wanErrors };
      }),
      refusals,
      reasons: server.reasons.snapshot(),
      losses: worker.losses,
      clients: this.#clients.map(({ name, results }) => ({ name, results })),
      delivered: this.#delivered,
      steps: this.#steps,
    };
    return createHash("sha256").update(JSON.stringify(state)).digest("hex").slice(0, 16);
  }
}
