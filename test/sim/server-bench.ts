// The server core with its data path, backend and callers at hand, each answer given when the test
// says so. PPP frames go straight from end to end; there is no GRE and no network here.
import { after, type Instant, instant } from "../../src/base/instant.js";
import type { Ipv4 } from "../../src/base/ip.js";
import { lease } from "../../src/base/lease.js";
import { Ledger } from "../../src/base/ledger.js";
import { CallIdPool } from "../../src/core/access/call-id-pool.js";
import { FlowSlots } from "../../src/core/access/flow-slots.js";
import type { AccountTerms, EndCause } from "../../src/core/access/ports.js";
import { Client, type ClientEvent } from "../../src/core/client.js";
import { Guard } from "../../src/core/guard/guard.js";
import type { PppCredentials, PppPolicy } from "../../src/core/ppp/ports.js";
import { Server } from "../../src/core/server.js";
import type {
  AddressAnswer,
  ConnectionId,
  Profile,
  ServerEvent,
  ServerPolicy,
  SessionId,
  SessionInfo,
} from "../../src/core/server-ports.js";
import { decodeFrame } from "../../src/wire/ppp/frame.js";
import type { FlowCounters, FlowRef, PlaneCommand } from "../../src/wire/worker-link.js";
import { testPolicy } from "../control-peer.js";
import { ACCOUNT, CREDENTIALS, POLICY, seededRng, verdictOf } from "../ppp/pair.js";

export const LOCAL: Ipv4 = 0xc0a80001;
export const PEER: Ipv4 = 0xc0a80002;
export const FIRST_ADDRESS: Ipv4 = 0x0a630002;

type Event<K extends ServerEvent["kind"]> = Extract<ServerEvent, { kind: K }>;
/** Answers that wait for the test's word. */
export type Held = "install" | "remove" | "verdict" | "address";

export const COUNTERS: FlowCounters = {
  receivedPackets: 0,
  receivedOctets: 0,
  sentPackets: 0,
  sentOctets: 0,
  dropped: 0,
  overRateUp: 0,
  overRateDown: 0,
  lost: 0,
  reordered: 0,
  roundTripMs: 0,
  idleMs: 0,
};

/** Types of control messages. */
const [OCRP, CDN] = [8, 13];

export class ServerBench {
  now: Instant = instant(0);
  readonly ledger = new Ledger(() => this.now);
  readonly server: Server;
  readonly events: ServerEvent[] = [];
  readonly commands: PlaneCommand[] = [];
  readonly held = new Set<Held>();
  readonly closed: ConnectionId[] = [];
  /** Addresses that are out. */
  readonly leased = new Set<Ipv4>();
  account: Partial<AccountTerms> = {};
  /** Call-Disconnect-Notifies that were written. */
  notices = 0;
  readonly callers = new Map<ConnectionId, Caller>();
  readonly #kept = new Map<Held, (() => void)[]>();
  /** Calls that a filter before the data path lets through, as the data path was told so far. */
  readonly #passing = new Map<number, string>();
  #waiting: (() => void)[] = [];
  #nextAddress = FIRST_ADDRESS;

  constructor(policy: Partial<ServerPolicy> = {}, flowSlots = 8, guard = new Guard()) {
    this.server = new Server({
      policy: this.policy(policy),
      rng: seededRng(1),
      ledger: this.ledger,
      callIds: new CallIdPool(),
      flowSlots: new FlowSlots(flowSlots),
      guard,
    });
  }

  policy(policy: Partial<ServerPolicy> = {}): ServerPolicy {
    const profile: Profile = { name: "default", ppp: POLICY };
    return {
      control: testPolicy,
      sessionsMax: 8,
      interimMs: 0,
      rate: { upBitsPerSecond: 0, downBitsPerSecond: 0 },
      profileFor: () => profile,
      ...policy,
    };
  }

  /** Another caller, its control connection open. */
  caller(options: Partial<CallerOptions> = {}): Caller {
    const id = (this.callers.size + 1) as ConnectionId;
    const caller = new Caller(this, id, options);
    this.callers.set(id, caller);
    this.server.handleConnected(id, caller.localAddress, caller.peerAddress, this.now);
    caller.start();
    return caller;
  }

  later(run: () => void): void {
    this.#waiting.push(run);
  }

  /** Until nobody has anything to say. */
  run(): this {
    for (let steps = 0; ; steps++) {
      if (steps > 10_000) throw new Error("talk without end");
      this.#drain();
      for (const caller of this.callers.values()) caller.drain();
      const next = this.#waiting.shift();
      if (next === undefined) return this;
      next();
    }
  }

  act(handle: (server: Server, now: Instant) => void): this {
    handle(this.server, this.now);
    return this.run();
  }

  pass(ms: number): this {
    const until = after(this.now, ms);
    for (;;) {
      const ends = [...this.callers.values()].flatMap(
        ({ client }) => client.pollTimeout()?.at ?? [],
      );
      const next = Math.min(this.server.pollTimeout()?.at ?? Number.POSITIVE_INFINITY, ...ends);
      if (next > until) break;
      this.now = instant(Math.max(this.now, next));
      this.server.handleTimeout(this.now);
      for (const caller of this.callers.values()) caller.client.handleTimeout(this.now);
      this.run();
    }
    this.now = until;
    return this;
  }

  of<K extends ServerEvent["kind"]>(kind: K): Event<K>[] {
    return this.events.filter((event): event is Event<K> => event.kind === kind);
  }

  get sessions(): SessionInfo[] {
    return [...this.server.sessions()];
  }

  get causes(): EndCause[] {
    return this.of("SessionEnded").map(({ cause }) => cause);
  }

  get reasons(): Readonly<Record<string, number>> {
    return this.server.reasons.snapshot();
  }

  /** Gives now what was held back, though its time may be over. */
  release(what: Held): this {
    this.held.delete(what);
    const kept = this.#kept.get(what) ?? [];
    this.#kept.delete(what);
    for (const answer of kept) answer();
    return this.run();
  }

  counters(session: SessionInfo, counters: Partial<FlowCounters>): this {
    const command = this.commands.find(
      (sent) => sent.kind === "Install" && sent.callId === session.callId,
    );
    if (command?.kind !== "Install") throw new Error("no such flow");
    const flows = [{ flow: command.flow, counters: { ...COUNTERS, ...counters } }];
    return this.act((server, now) =>
      server.handlePlane({ kind: "Counters", flows, drops: {} }, now),
    );
  }

  flowOf(session: SessionId): FlowRef {
    const info = this.server.session(session);
    const command = this.commands.findLast(
      (sent) => sent.kind === "Install" && sent.callId === info?.callId,
    );
    if (command?.kind !== "Install") throw new Error("no such flow");
    return command.flow;
  }

  answer(asked: Event<"AuthenticationAsked">, account: Partial<AccountTerms> = {}): this {
    const { session, generation, name, proof } = asked;
    const verdict = verdictOf(name, proof, { ...CREDENTIALS, name });
    const terms = { ...ACCOUNT, name, ...this.account, ...account };
    const told = verdict.ok ? { ...verdict, account: terms } : verdict;
    return this.act((server, now) => server.handleVerdict(session, generation, told, now));
  }

  address(asked: Event<"AddressAsked">): this {
    const { session, generation } = asked;
    const given = this.lease();
    return this.act((server, now) => server.handleAddress(session, generation, given, now));
  }

  lease(): AddressAnswer {
    const peers = this.#nextAddress++;
    this.leased.add(peers);
    const back = lease(() => void this.leased.delete(peers));
    const ipv4 = { ours: 0x0a630001, peers, dns: [], nbns: [], lease: back };
    return { ok: true, ipv4, ipv6: undefined };
  }

  #drain(): void {
    const { server } = this;
    for (;;) {
      const command = server.pollPlane();
      if (command !== undefined) {
        this.commands.push(command);
        if (command.kind === "Install") {
          this.#passing.set(command.flow.slot, `${command.peerAddress} ${command.callId}`);
        } else if (command.kind === "Remove") this.#passing.delete(command.flow.slot);
        this.#plane(command);
        continue;
      }
      const transmission = server.pollTransmit();
      if (transmission !== undefined) {
        const caller = this.callers.get(transmission.connection);
        if (transmission.kind === "Octets") {
          const { octets } = transmission;
          if (caller !== undefined) this.#checkOrder(caller, octets);
          this.later(() => caller?.client.handleOctets(octets, this.now));
        } else {
          this.closed.push(transmission.connection);
          this.later(() => caller?.client.handleDisconnected(this.now));
        }
        continue;
      }
      const event = server.pollEvent();
      if (event === undefined) return;
      this.events.push(event);
      if (event.kind === "AuthenticationAsked") {
        this.#hold("verdict", () => this.answer(event));
      } else if (event.kind === "AddressAsked") this.#hold("address", () => this.address(event));
    }
  }

  /** A call's packets pass before its peer is told yes, and no more once it is told that it is over. */
  #checkOrder({ peerAddress }: Caller, octets: Uint8Array): void {
    const view = new DataView(octets.buffer, octets.byteOffset, octets.length);
    for (let at = 0; at < octets.length; at += view.getUint16(at)) {
      const [type, callId] = [view.getUint16(at + 8), view.getUint16(at + 12)];
      const passes = [...this.#passing.values()].includes(`${peerAddress} ${callId}`);
      const connected = type === OCRP && view.getUint8(at + 16) === 1;
      if (connected && !passes) throw new Error(`Outgoing-Call-Reply before Install: ${callId}`);
      if (type !== CDN) continue;
      // With a lost worker its flows are out, and nobody removes them: those sessions are over.
      const there = this.sessions.some((one) => one.callId === callId);
      if (passes && there) throw new Error(`Call-Disconnect-Notify before Remove: ${callId}`);
      this.notices++;
    }
  }

  #plane(command: PlaneCommand): void {
    const { server } = this;
    if (command.kind === "Install") {
      const { flow } = command;
      this.#hold("install", () => server.handlePlane({ kind: "Installed", flow }, this.now));
    }
    if (command.kind === "Remove") {
      const { flow } = command;
      this.#hold("remove", () =>
        server.handlePlane({ kind: "Removed", flow, counters: COUNTERS }, this.now),
      );
    }
    if (command.kind === "Send") this.#carry(command.flow, command.frame);
  }

  #carry(flow: FlowRef, frame: Uint8Array): void {
    const read = decodeFrame(frame);
    if (!read.ok) throw new Error(`we sent a malformed frame: ${read.field}`);
    const install = this.commands.findLast(
      (sent) => sent.kind === "Install" && sent.flow.slot === flow.slot,
    );
    if (install?.kind !== "Install") return;
    for (const caller of this.callers.values()) {
      if (caller.silent || caller.callId !== install.peersCallId) continue;
      if (caller.peerAddress !== install.peerAddress) continue;
      const { protocol, information } = read.value;
      const event = { kind: "Frame", flow: caller.flow, protocol, information } as const;
      this.later(() => caller.client.handlePlane(event, this.now));
    }
  }

  /** A frame of a caller's on its way to our session. */
  carried(caller: Caller, frame: Uint8Array): void {
    const read = decodeFrame(frame);
    const session = this.sessions.find(
      ({ peersCallId, peerAddress }) =>
        peersCallId === caller.callId && peerAddress === caller.peerAddress,
    );
    if (!read.ok || session === undefined) return;
    const { protocol, information } = read.value;
    const flow = this.flowOf(session.session);
    this.later(() => {
      this.server.handlePlane({ kind: "Frame", flow, protocol, information }, this.now);
    });
  }

  #hold(what: Held, answer: () => void): void {
    this.later(() => {
      if (!this.held.has(what)) return answer();
      this.#whenReleased(what, answer);
    });
  }

  #whenReleased(what: Held, answer: () => void): void {
    this.#kept.set(what, [...(this.#kept.get(what) ?? []), answer]);
  }
}

export type CallerOptions = {
  readonly credentials: PppCredentials;
  readonly ppp: PppPolicy;
  readonly peerAddress: Ipv4;
  readonly localAddress: Ipv4;
};

export class Caller {
  readonly client: Client;
  readonly ledger = new Ledger(() => this.bench.now);
  readonly events: ClientEvent[] = [];
  readonly flow: FlowRef = { slot: 0, generation: 1 };
  readonly peerAddress: Ipv4;
  readonly localAddress: Ipv4;
  /** Hears and says nothing of PPP. */
  silent = false;
  /** Its data path answers. */
  installs = true;
  callId: number | undefined;

  constructor(
    readonly bench: ServerBench,
    readonly id: ConnectionId,
    options: Partial<CallerOptions>,
  ) {
    this.peerAddress = options.peerAddress ?? PEER + id;
    this.localAddress = options.localAddress ?? LOCAL;
    this.client = new Client(
      {
        control: testPolicy,
        ppp: options.ppp ?? POLICY,
        credentials: options.credentials ?? { ...CREDENTIALS },
        rng: seededRng(1_000 + id),
        ledger: this.ledger,
        callIds: new CallIdPool(),
        flow: this.flow,
        localAddress: this.peerAddress,
        serverAddress: this.localAddress,
      },
      bench.now,
    );
  }

  start(): void {
    this.client.start(this.bench.now);
  }

  /** Its data path has the flow. */
  installed(flow = this.flow): void {
    this.client.handlePlane({ kind: "Installed", flow }, this.bench.now);
  }

  get up(): boolean {
    return this.events.some(({ kind }) => kind === "Ipv4Up");
  }

  /** The TCP connection is cut, from whichever side. */
  cut(): void {
    this.bench.server.handleDisconnected(this.id, this.bench.now);
    this.client.handleDisconnected(this.bench.now);
    this.bench.run();
  }

  drain(): void {
    const { bench, client } = this;
    for (let command = client.pollPlane(); command; command = client.pollPlane()) {
      if (command.kind === "Install") {
        const { callId, flow } = command;
        this.callId = callId;
        if (this.installs) bench.later(() => this.installed(flow));
      }
      if (command.kind === "Send" && !this.silent) bench.carried(this, command.frame);
      if (command.kind !== "Remove") continue;
      const { flow } = command;
      const removed = { kind: "Removed", flow, counters: COUNTERS } as const;
      bench.later(() => client.handlePlane(removed, bench.now));
    }
    for (let sent = client.pollTransmit(); sent; sent = client.pollTransmit()) {
      if (sent.kind === "Octets") {
        const { octets } = sent;
        bench.later(() => bench.server.handleOctets(this.id, octets, bench.now));
      } else {
        bench.later(() => {
          bench.server.handleDisconnected(this.id, bench.now);
          client.handleDisconnected(bench.now);
        });
      }
    }
    for (let event = client.pollEvent(); event; event = client.pollEvent()) this.events.push(event);
  }
}
