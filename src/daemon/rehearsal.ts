// Log-ins through machines of their own before anybody is listened to: the first users of a fresh
// server would else wait for their code to be compiled. No socket, no data path, no account: what is
// leased is leased of a ledger that is empty again at the end.
import type { Ipv4 } from "../base/ip.js";
import { lease } from "../base/lease.js";
import { Ledger } from "../base/ledger.js";
import type { Rng } from "../base/rng.js";
import { CallIdPool } from "../core/access/call-id-pool.js";
import { FlowSlots } from "../core/access/flow-slots.js";
import { Client } from "../core/client.js";
import { Server } from "../core/server.js";
import type { ConnectionId, ServerEvent, ServerPolicy } from "../core/server-ports.js";
import { ntPasswordHash } from "../crypto/ms-chap.js";
import { rehearsal as limits } from "../limits.js";
import { monotonicNow } from "../os/clock.js";
import { LocalAuthenticator } from "../store/local-authenticator.js";
import type { Account, Accounts } from "../store/port.js";
import { answer } from "../store/port.js";
import { decodeFrame } from "../wire/ppp/frame.js";
import type { FlowCounters, FlowRef, PlaneCommand } from "../wire/worker-link.js";

export type RehearsalTerms = {
  readonly policy: ServerPolicy;
  readonly rng: Rng;
  /** Asked for a name that nobody can have: the store's thread and its statement are met too. */
  readonly accounts: Pick<Accounts, "secrets">;
};

/** Log-ins that came up, and leases that are left: `logInsMax` or what time allowed, and 0. */
export type Rehearsed = { readonly logIns: number; readonly held: number };

const CONNECTION = 1 as ConnectionId;
// TEST-NET-1 and -2 of RFC 5737: nobody's.
const OURS: Ipv4 = 0xc0000201;
const PEERS: Ipv4 = 0xc6336401;
const FLOW: FlowRef = { slot: 0, generation: 1 };
const NAME = "rehearsal";
/** A name that no account can have. */
const NOBODY = " ";

/** As many log-ins as `limits.spentMs` allows, one after another. */
export async function rehearse(terms: RehearsalTerms): Promise<Rehearsed> {
  const ledger = new Ledger(monotonicNow);
  const until = monotonicNow() + limits.spentMs;
  let logIns = 0;
  for (let n = 0; n < limits.logInsMax && monotonicNow() < until; n++) {
    const stage = new Stage(terms, ledger);
    if (!(await stage.play())) break;
    logIns++;
  }
  return { logIns, held: ledger.size };
}

/** One server, one caller, and what lies between. */
class Stage {
  readonly #server: Server;
  readonly #client: Client;
  readonly #authenticator: LocalAuthenticator;
  readonly #next: (() => void)[] = [];
  #ours: Extract<PlaneCommand, { kind: "Install" }> | undefined;
  #asked: Promise<void> | undefined;
  #up = false;

  constructor({ policy, rng, accounts }: RehearsalTerms, ledger: Ledger) {
    const secret = rng.challenge(16).join(".");
    const callIds = () => new CallIdPool();
    const flowSlots = new FlowSlots(1);
    this.#server = new Server({ policy, rng, ledger, callIds: callIds(), flowSlots });
    this.#client = new Client(
      {
        ...{ control: policy.control, ppp: policy.profileFor(OURS, PEERS).ppp },
        ...{ credentials: { name: NAME, password: secret }, rng, ledger, callIds: callIds() },
        ...{ flow: FLOW, localAddress: PEERS, serverAddress: OURS },
      },
      monotonicNow(),
    );
    this.#authenticator = new LocalAuthenticator({
      accounts: {
        async secrets() {
          await accounts.secrets([NOBODY, NOBODY]);
          const ntHash = ntPasswordHash(secret);
          return answer({ account: ACCOUNT, ntHash, clearText: secret });
        },
      },
      defaults: () => DEFAULTS,
    });
  }

  /** False when no session came up: another profile than the caller's, a store in trouble. */
  async play(): Promise<boolean> {
    this.#server.handleConnected(CONNECTION, OURS, PEERS, monotonicNow());
    this.#client.start(monotonicNow());
    await this.#talk();
    this.#server.stopAtOnce(monotonicNow());
    this.#server.handleDisconnected(CONNECTION, monotonicNow());
    this.#client.handleDisconnected(monotonicNow());
    await this.#talk();
    return this.#up;
  }

  /** Until nobody has anything to say. */
  async #talk(): Promise<void> {
    for (let steps = 0; steps < limits.stepsMax; steps++) {
      this.#drainServer();
      this.#drainClient();
      const next = this.#next.shift();
      if (next !== undefined) next();
      else if (this.#asked === undefined) return;
      else await this.#asked;
    }
  }

  #drainServer(): void {
    const server = this.#server;
    for (let command = server.pollPlane(); command; command = server.pollPlane()) {
      if (command.kind === "Install") this.#ours = command;
      this.#carryOut(command, server, this.#client, FLOW);
    }
    for (let sent = server.pollTransmit(); sent; sent = server.pollTransmit()) {
      if (sent.kind !== "Octets") continue;
      const { octets } = sent;
      this.#next.push(() => this.#client.handleOctets(octets, monotonicNow()));
    }
    for (let event = server.pollEvent(); event; event = server.pollEvent()) this.#answer(event);
  }

  #drainClient(): void {
    const client = this.#client;
    for (let command = client.pollPlane(); command; command = client.pollPlane()) {
      this.#carryOut(command, client, this.#server, this.#ours?.flow ?? FLOW);
    }
    for (let sent = client.pollTransmit(); sent; sent = client.pollTransmit()) {
      if (sent.kind !== "Octets") continue;
      const { octets } = sent;
      this.#next.push(() => this.#server.handleOctets(CONNECTION, octets, monotonicNow()));
    }
    for (let event = client.pollEvent(); event; event = client.pollEvent()) {
      if (event.kind === "Ipv4Up") this.#up = true;
    }
  }

  /** The data path: none, but for its answers, and frames that go from end to end. */
  #carryOut(command: PlaneCommand, own: Server | Client, other: Server | Client, at: FlowRef) {
    if (command.kind === "Install") {
      const { flow } = command;
      this.#next.push(() => own.handlePlane({ kind: "Installed", flow }, monotonicNow()));
    } else if (command.kind === "Remove") {
      const { flow } = command;
      const removed = { kind: "Removed", flow, counters: COUNTERS } as const;
      this.#next.push(() => own.handlePlane(removed, monotonicNow()));
    } else if (command.kind === "Send") {
      const read = decodeFrame(command.frame);
      if (!read.ok) return;
      const event = { kind: "Frame", flow: at, ...read.value } as const;
      this.#next.push(() => other.handlePlane(event, monotonicNow()));
    }
  }

  #answer(event: ServerEvent): void {
    const server = this.#server;
    if (event.kind === "AddressAsked") {
      const { session, generation } = event;
      const ipv4 = { ours: OURS, peers: PEERS, dns: [OURS], nbns: [], lease: lease(() => {}) };
      const given = { ok: true, ipv4, ipv6: undefined } as const;
      this.#next.push(() => server.handleAddress(session, generation, given, monotonicNow()));
    }
    if (event.kind !== "AuthenticationAsked") return;
    const { session, generation, name, proof, peerAddress } = event;
    this.#asked = this.#authenticator.authenticate(name, proof, peerAddress).then((verdict) => {
      this.#asked = undefined;
      server.handleVerdict(session, generation, verdict, monotonicNow());
    });
  }
}

const ACCOUNT: Account = {
  accountId: 0,
  name: NAME,
  enabled: true,
  createdAt: 0,
  changedAt: 0,
  hasClearText: true,
  staticAddress: undefined,
  routes: [],
  sessionsMax: undefined,
  atSessionLimit: undefined,
  sessionSecondsMax: undefined,
  idleSecondsMax: undefined,
  octetsMax: undefined,
  upBitsPerSecond: undefined,
  downBitsPerSecond: undefined,
  dialIn: true,
  validFrom: undefined,
  validUntil: undefined,
  hours: undefined,
};

const COUNTERS: FlowCounters = {
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

const DEFAULTS = {
  sessionsMax: 1,
  atSessionLimit: "refuse-new",
  sessionSecondsMax: undefined,
  idleSecondsMax: undefined,
  octetsMax: undefined,
} as const;
