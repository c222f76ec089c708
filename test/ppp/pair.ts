// Two PPP sessions on one simulated wire and one simulated clock, and a backend between them. Every
// choice of the network comes from a seed.
import { after, type Instant, instant } from "../../src/base/instant.js";
import type { Rng } from "../../src/base/rng.js";
import type {
  AccountTerms,
  AuthenticationMethod,
  EndCause,
  Proof,
  Verdict,
} from "../../src/core/access/ports.js";
import type {
  AddressTerms,
  PppCredentials,
  PppOutput,
  PppPolicy,
  PppRole,
} from "../../src/core/ppp/ports.js";
import { PppSession } from "../../src/core/ppp/session.js";
import { chapMd5 } from "../../src/crypto/chap-md5.js";
import { startKeysMsChapV1, startKeysMsChapV2 } from "../../src/crypto/mppe-keys.js";
import {
  authenticatorResponse,
  lmPasswordHash,
  ntPasswordHash,
  ntResponseV1,
  ntResponseV2,
} from "../../src/crypto/ms-chap.js";
import { decodeFrame, type PppFrame } from "../../src/wire/ppp/frame.js";
import { sameOctets } from "../../src/wire/ppp/options.js";

/** mulberry32: small, and the same on every machine. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function seededRng(seed: number): Rng {
  const next = random(seed);
  const octets = (count: number) => Uint8Array.from({ length: count }, () => (next() * 256) | 0);
  return {
    challenge: octets,
    magicNumber: () => 1 + Math.floor(next() * 0xfffffffe),
    callId: () => 1 + Math.floor(next() * 65_535),
    interfaceIdentifier: () => {
      const identifier = octets(8);
      identifier[0] = identifier[0]! & ~2;
      identifier[7] = identifier[7]! | 1;
      return identifier;
    },
    echoData: octets,
    jitter: next,
  };
}

export const POLICY: PppPolicy = {
  mru: 1_400,
  mtu: 1_400,
  authentication: ["ms-chap-v2"],
  encryption: { require: true, bits: [128], stateful: false },
  ipv4: true,
  ipv6: false,
  echoIntervalMs: 0,
  echoFailuresMax: 4,
  name: "holdfast",
  authenticationTriesMax: 3,
};

export const ADDRESSES: AddressTerms = {
  ipv4: { ours: 0x0a630001, peers: 0x0a630002, dns: [0x0a630001], nbns: [] },
  ipv6: {
    ours: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1),
    peers: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 2),
  },
};

export const ACCOUNT: AccountTerms = {
  accountId: 1,
  name: "vpn",
  staticAddress: undefined,
  routes: [],
  sessionsMax: 1,
  atSessionLimit: "refuse-new",
  sessionSecondsMax: undefined,
  idleSecondsMax: undefined,
  octetsMax: undefined,
  upBitsPerSecond: undefined,
  downBitsPerSecond: undefined,
};

/** What the real backend does, for one account. */
export function verdictOf(name: string, proof: Proof, account: PppCredentials): Verdict {
  const refused: Verdict = { ok: false, code: 691 };
  if (name !== account.name) return refused;
  const ntHash = ntPasswordHash(account.password);
  const secret = new TextEncoder().encode(account.password);
  switch (proof.method) {
    case "pap":
      return sameOctets(proof.password, secret) ? { ok: true, account: ACCOUNT } : refused;
    case "chap-md5": {
      const right = chapMd5(proof.identifier, secret, proof.challenge);
      return sameOctets(proof.response, right) ? { ok: true, account: ACCOUNT } : refused;
    }
    case "ms-chap-v1": {
      const right = ntResponseV1(proof.challenge, ntHash);
      if (!proof.useNt || !sameOctets(proof.ntResponse, right)) return refused;
      const hashes = { ntHash, lmHash: lmPasswordHash(account.password) };
      return { ok: true, account: ACCOUNT, keys: startKeysMsChapV1(hashes, proof.challenge) };
    }
    case "ms-chap-v2": {
      const { authenticatorChallenge, peerChallenge, ntResponse } = proof;
      const right = ntResponseV2(authenticatorChallenge, peerChallenge, name, ntHash);
      if (!sameOctets(ntResponse, right)) return refused;
      return {
        ok: true,
        account: ACCOUNT,
        authenticatorResponse: authenticatorResponse(
          ntHash,
          ntResponse,
          peerChallenge,
          authenticatorChallenge,
          name,
        ),
        keys: startKeysMsChapV2(ntHash, ntResponse, "server"),
      };
    }
  }
}

/** One session with everything it put out, frames read back. */
export class End {
  readonly session: PppSession;
  readonly role: PppRole;
  /** All outputs but Send and Noted, in order. */
  readonly outputs: PppOutput[] = [];
  readonly sent: PppFrame[] = [];
  readonly notes: string[] = [];
  /** Outputs and sent frames as one sequence of short words, for order. */
  readonly order: string[] = [];
  outputsAfterEnd = 0;

  constructor(
    role: PppRole,
    policy: Partial<PppPolicy>,
    readonly seed: number,
    credentials?: PppCredentials,
  ) {
    const terms = { role, policy: { ...POLICY, ...policy }, rng: seededRng(seed) };
    this.role = role;
    this.session = new PppSession({
      ...terms,
      ...(credentials === undefined ? {} : { credentials }),
      now: instant(0),
    });
  }

  /** Takes out what is queued; returns the frames. */
  drain(): Uint8Array[] {
    const frames: Uint8Array[] = [];
    let output = this.session.pollOutput();
    for (; output !== undefined; output = this.session.pollOutput()) {
      if (this.ended !== undefined) this.outputsAfterEnd++;
      if (output.kind === "Noted") {
        this.notes.push(output.reason);
      } else if (output.kind === "Send") {
        const frame = decodeFrame(output.frame);
        if (!frame.ok) throw new Error(`we sent a malformed frame: ${frame.field}`);
        this.sent.push(frame.value);
        frames.push(output.frame);
        this.order.push(`send ${frame.value.protocol.toString(16)} ${frame.value.information[0]}`);
      } else {
        this.outputs.push(output);
        this.order.push(output.kind);
      }
    }
    return frames;
  }

  all<K extends PppOutput["kind"]>(kind: K): Extract<PppOutput, { kind: K }>[] {
    return this.outputs.filter(
      (output): output is Extract<PppOutput, { kind: K }> => output.kind === kind,
    );
  }

  last<K extends PppOutput["kind"]>(kind: K): Extract<PppOutput, { kind: K }> | undefined {
    return this.all(kind).at(-1);
  }

  get ended(): EndCause | undefined {
    return this.last("Ended")?.cause;
  }

  /** Whether `up` came more recently than `down`. */
  isUp(up: PppOutput["kind"], down: PppOutput["kind"]): boolean {
    const last = this.outputs.findLast(({ kind }) => kind === up || kind === down);
    return last?.kind === up;
  }

  get encrypted(): boolean {
    return this.isUp("EncryptionUp", "EncryptionDown");
  }

  get ipv4(): boolean {
    return this.isUp("Ipv4Up", "Ipv4Down");
  }

  get ipv6(): boolean {
    return this.isUp("Ipv6Up", "Ipv6Down");
  }
}

export type PairOptions = {
  readonly server?: Partial<PppPolicy>;
  readonly client?: Partial<PppPolicy>;
  readonly account?: PppCredentials;
  readonly credentials?: PppCredentials;
  readonly seed?: number;
  readonly loss?: number;
  readonly duplication?: number;
  readonly reordering?: number;
  readonly backendMs?: number;
  readonly addresses?: AddressTerms | undefined;
  readonly method?: AuthenticationMethod;
  /** Changes or drops a frame on its way. */
  readonly tamper?: (frame: Uint8Array, to: "server" | "client") => Uint8Array | undefined;
};

type Event = { readonly at: number; readonly order: number; readonly run: () => void };

const LATENCY_MS = 10;
export const CREDENTIALS: PppCredentials = { name: "vpn", password: "secret-Pw1" };

export class Pair {
  readonly server: End;
  readonly client: End;
  now: Instant = instant(0);
  #events: Event[] = [];
  #order = 0;
  readonly #chance: () => number;

  constructor(readonly options: PairOptions = {}) {
    const seed = options.seed ?? 1;
    this.#chance = random(seed ^ 0x5eed);
    this.server = new End("authenticator", options.server ?? {}, seed + 1);
    const credentials = options.credentials ?? CREDENTIALS;
    this.client = new End("peer", options.client ?? {}, seed + 1_000_003, credentials);
  }

  start(): this {
    this.server.session.start(this.now);
    this.client.session.start(this.now);
    this.#drain();
    return this;
  }

  /** Runs until `ms` from now, or until both ends have nothing left to do. */
  run(ms: number): this {
    const until = this.now + ms;
    for (let steps = 0; steps < 200_000; steps++) {
      const next = this.#next();
      if (next === undefined || next > until) break;
      this.now = instant(Math.max(this.now, next));
      this.#step();
    }
    this.now = instant(until);
    return this;
  }

  /** Does something to an end and takes out what it puts out. */
  act(does: (pair: this) => void): this {
    does(this);
    this.#drain();
    return this;
  }

  #next(): number | undefined {
    const times = [
      this.server.session.pollTimeout()?.at,
      this.client.session.pollTimeout()?.at,
      ...this.#events.map(({ at }) => at),
    ].filter((at) => at !== undefined);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  #step(): void {
    const due = this.#events.filter(({ at }) => at <= this.now);
    this.#events = this.#events.filter(({ at }) => at > this.now);
    due.sort((a, b) => a.at - b.at || a.order - b.order);
    for (const { run } of due) {
      run();
      this.#drain();
    }
    for (const end of [this.server, this.client]) {
      const at = end.session.pollTimeout()?.at;
      if (at !== undefined && at <= this.now) end.session.handleTimeout(this.now);
    }
    this.#drain();
  }

  #at(ms: number, run: () => void): void {
    this.#events.push({ at: after(this.now, ms), order: this.#order++, run });
  }

  #drain(): void {
    this.#drainEnd(this.server, this.client, "client");
    this.#drainEnd(this.client, this.server, "server");
  }

  #drainEnd(from: End, to: End, name: "server" | "client"): void {
    const seen = from.outputs.length;
    for (const frame of from.drain()) this.#carry(frame, to, name);
    for (const output of from.outputs.slice(seen)) this.#answer(from, output);
  }

  #carry(sent: Uint8Array, to: End, name: "server" | "client"): void {
    const { loss = 0, duplication = 0, reordering = 0, tamper } = this.options;
    const frame = tamper === undefined ? sent : tamper(sent, name);
    if (frame === undefined || this.#chance() < loss) return;
    const deliver = (ms: number) =>
      this.#at(ms, () => {
        const read = decodeFrame(frame);
        if (!read.ok) return;
        to.session.handleFrame(read.value.protocol, read.value.information, this.now);
      });
    const late = this.#chance() < reordering ? Math.floor(this.#chance() * 40) : 0;
    deliver(LATENCY_MS + late);
    if (this.#chance() < duplication) deliver(LATENCY_MS + Math.floor(this.#chance() * 60));
  }

  #answer(from: End, output: PppOutput): void {
    const wait = this.options.backendMs ?? 1;
    if (output.kind === "AuthenticationAsked") {
      const { generation, name, proof } = output;
      const verdict = verdictOf(name, proof, this.options.account ?? CREDENTIALS);
      this.#at(wait, () => from.session.handleVerdict(generation, verdict, this.now));
    }
    if (output.kind === "AddressesAsked") {
      const addresses = "addresses" in this.options ? this.options.addresses : ADDRESSES;
      this.#at(wait, () => {
        from.session.handleAddresses(output.generation, addresses, this.now);
      });
    }
  }
}
