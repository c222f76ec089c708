// One data path, alone or with the compiled lane before it, that malformed datagrams go through without
// a kernel: what it counts must be what was made, packet for packet, and two sessions must not notice.
import { strict as assert } from "node:assert";
import { type Instant, instant } from "../../src/base/instant.js";
import {
  MMSGHDR_FLAGS,
  MMSGHDR_LENGTH,
  MMSGHDR_OCTETS,
  SLOT_OCTETS,
} from "../../src/base/kernel-layout.js";
import { plane as limits } from "../../src/limits.js";
import { Batches } from "../../src/plane/batches.js";
import { DROP_REASONS } from "../../src/plane/drop-reason.js";
import { Engine } from "../../src/plane/engine.js";
import { DROPS, EXPECTED, RECEIVE_HEADERS, RECEIVE_SLOTS } from "../../src/plane/layout.js";
import { PlaneMemory } from "../../src/plane/memory.js";
import { writeGre } from "../../src/wire/gre.js";
import { laneOf, MemoryKernel, segmentsOf } from "../plane/lane.js";
import {
  Bench,
  CLIENT,
  datagram,
  encryptionTerms,
  FLOW,
  GATEWAY,
  installClient,
  LEASED,
  OUTSIDE,
  SERVER,
  TERMS,
  tagOf,
  udp,
} from "../plane/pair.js";
import { Malformer } from "./malformed.js";

export type EngineKind = "wasm" | "typescript";

const FLOWS = 64;
const MPPE = { bits: 128, stateful: false } as const;
const PLAIN = { slot: 1, generation: 1 };
const PLAIN_PEER = 0xc6120103;
const PLAIN_ADDRESS = 0x0a630003;
const ENCRYPTED_CALL = 0x5678;
const PLAIN_CALL = 0x5679;
/** A batch takes so long, by the engine's clock. */
const BATCH_MS = 1;
/** So many batches at most between two packets of the honest peers. */
const HONEST_EVERY = 512;
/** So many numbers of the encrypted call may be stolen before its peer speaks again. */
const STOLEN_MAX = 16;

export class MalformedBench {
  packets = 0;
  honest = 0;
  /** What went out: acknowledgments and answers, and what the main process was told. */
  sent = 0;
  told = 0;
  readonly malformer: Malformer;
  readonly #memory: PlaneMemory;
  readonly #engine: Engine;
  readonly #batches: Batches;
  readonly #kernel: MemoryKernel;
  readonly #client = new Bench(instant(0), limits, "typescript");
  readonly #view: DataView;
  #now: Instant = instant(1_000);
  #delivered: Uint8Array[] = [];
  #sinceHonest = 0;
  #refused = 0;

  constructor(
    readonly kind: EngineKind,
    seed: number,
  ) {
    const { memory, lane } =
      kind === "wasm" ? laneOf(FLOWS) : { memory: new PlaneMemory(FLOWS), lane: undefined };
    this.#memory = memory;
    this.#view = new DataView(memory.buffer);
    this.#kernel = new MemoryKernel(memory);
    this.#engine = new Engine(
      {
        sendGre: (_from, _to, _octets, start, end) => {
          this.sent++;
          return end - start;
        },
        writeTun: (octets, start, end) => {
          this.#delivered.push(octets.slice(start, end));
          return end - start;
        },
        emit: () => {
          this.told++;
          return true;
        },
      },
      memory,
    );
    this.#batches = new Batches(this.#engine, memory, lane, {
      writeCoalesced: (index, vectors) => {
        const { header, packet } = this.#kernel.coalesced(index, vectors);
        this.#delivered.push(...segmentsOf(header, packet));
        return header.length + packet.length;
      },
      sendSlots: (from, to) => {
        this.sent += to - from;
        return to - from;
      },
    });
    this.#install();
    installClient(this.#client, { encryption: MPPE });
    this.#client.packet(udp(LEASED, OUTSIDE, 1, 60));
    const encrypted = this.#client.gre.splice(0)[0]!;
    this.malformer = new Malformer(
      {
        encrypted: {
          ...{ data: encrypted.slice(), callId: ENCRYPTED_CALL },
          expected: () => memory.record(FLOW.slot).uint32(EXPECTED),
        },
        plain: {
          ...{ data: this.#plainData(0), callId: PLAIN_CALL },
          expected: () => memory.record(PLAIN.slot).uint32(EXPECTED),
        },
        ...{ server: SERVER, gateway: GATEWAY, other: LEASED, own: PLAIN_ADDRESS },
      },
      seed,
    );
    this.#one(encrypted);
    this.#one(this.#plainData(0));
    assert.deepEqual(this.#delivered.splice(0).map(tagOf), [1, 7]);
    this.talk();
  }

  /** A batch of as many as a recvmmsg gives; throws where one was not refused, or counted twice. */
  batch(count: number): void {
    const { octets } = this.#memory;
    this.malformer.begin();
    for (let slot = 0; slot < count; slot++) {
      this.malformer.make(octets, RECEIVE_SLOTS + slot * SLOT_OCTETS);
      const header = RECEIVE_HEADERS + slot * MMSGHDR_OCTETS;
      this.#view.setUint32(header + MMSGHDR_LENGTH, this.malformer.length, true);
      this.#view.setUint32(header + MMSGHDR_FLAGS, this.malformer.flags, true);
    }
    this.#batches.received(count, this.#now);
    this.packets += count;
    this.#refused += count;
    const refused = this.#total();
    if (refused !== this.#refused || this.#delivered.length > 0) this.#fail(refused);
    this.#now = instant(this.#now + BATCH_MS);
    const due = this.#engine.pollTimeout();
    if (due !== undefined && due <= this.#now) this.#engine.handleTimeout(this.#now);
    if (++this.#sinceHonest >= HONEST_EVERY || this.malformer.taken >= STOLEN_MAX) this.talk();
  }

  /** Both peers send a packet, and it comes out of the session whole. */
  talk(): void {
    this.#sinceHonest = 0;
    this.malformer.taken = 0;
    const tag = (this.honest + 2) & 0xffffff;
    this.#client.packet(udp(LEASED, OUTSIDE, tag, 60));
    this.#one(this.#client.gre.splice(0)[0]!);
    this.#client.dontFragment.length = 0;
    this.#client.events.length = 0;
    this.#one(this.#plainData(this.#memory.record(PLAIN.slot).uint32(EXPECTED), tag));
    assert.deepEqual(this.#delivered.splice(0).map(tagOf), [tag, tag], "an honest packet was lost");
    this.honest += 2;
  }

  /** Everything that is counted or kept is as it must be. */
  check(): void {
    this.talk();
    for (const [place, reason] of DROP_REASONS.entries()) {
      assert.equal(this.#dropped(place), this.malformer.due[place], reason);
    }
    assert.equal(this.#engine.flows, 2, "sessions");
    assert.equal(this.#engine.reorderOctets, 0, "octets kept for reordering");
  }

  /** By reason, those that occurred. */
  get counts(): Readonly<Record<string, number>> {
    const counts = DROP_REASONS.map((reason, place) => [reason, this.#dropped(place)] as const);
    return Object.fromEntries(counts.filter(([, count]) => count > 0));
  }

  /** The encrypted session ends, as far as the data path knows. */
  removeCall(): void {
    this.#engine.handleCommand({ kind: "Remove", flow: FLOW }, this.#now);
  }

  #install(): void {
    const plain = { address: PLAIN_ADDRESS, routes: [] };
    const link = { kind: "Link", peersMru: 1_400, mru: 1_400, acfc: true, pfc: true } as const;
    const calls = [
      { flow: FLOW, peerAddress: CLIENT, callId: ENCRYPTED_CALL, encryptionRequired: true },
      { flow: PLAIN, peerAddress: PLAIN_PEER, callId: PLAIN_CALL, encryptionRequired: false },
    ];
    this.#engine.handleCommand({ kind: "Configure", gateway: TERMS }, this.#now);
    for (const call of calls) {
      const terms = { peersCallId: 0x1234, peersWindow: 64, peersProcessingDelay: 0 };
      const install = { ...call, ...terms, localAddress: SERVER, end: "gateway" } as const;
      this.#engine.handleCommand({ kind: "Install", ...install }, this.#now);
      this.#engine.handleCommand({ ...link, flow: call.flow }, this.#now);
    }
    const terms = encryptionTerms(MPPE, "server");
    this.#engine.handleCommand({ kind: "Encrypt", flow: FLOW, terms }, this.#now);
    const network = { address: LEASED, routes: [] };
    this.#engine.handleCommand({ kind: "Network4", flow: FLOW, network }, this.#now);
    this.#engine.handleCommand({ kind: "Network4", flow: PLAIN, network: plain }, this.#now);
    this.told = 0;
  }

  #plainData(sequence: number, tag = 7): Uint8Array {
    const frame = Uint8Array.of(0x21, ...udp(PLAIN_ADDRESS, OUTSIDE, tag, 60));
    const gre = new Uint8Array(12 + frame.length);
    writeGre(gre, 0, PLAIN_CALL, frame.length, sequence, undefined);
    gre.set(frame, 12);
    return datagram(PLAIN_PEER, SERVER, gre);
  }

  #one(octets: Uint8Array): void {
    this.#kernel.putDatagram(0, octets);
    this.#batches.received(1, this.#now);
  }

  #dropped(place: number): number {
    return this.#memory.float64[DROPS / 8 + place]!;
  }

  #total(): number {
    const { float64 } = this.#memory;
    let total = 0;
    for (let i = DROPS / 8; i < DROPS / 8 + DROP_REASONS.length; i++) total += float64[i]!;
    return total;
  }

  #fail(refused: number): never {
    const wrong = DROP_REASONS.map((reason, place) => [reason, place] as const)
      .filter(([, place]) => this.#dropped(place) !== this.malformer.due[place])
      .map(
        ([reason, place]) => `${reason} ${this.#dropped(place)} of ${this.malformer.due[place]}`,
      );
    const counts = `${this.packets} in, ${refused} refused, ${this.#delivered.length} delivered`;
    throw new Error(`${this.kind}: ${counts}; ${wrong.join(", ")}`);
  }
}
